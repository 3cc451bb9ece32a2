"""Answers of hostile and odd servers: what they hide is seen, what they quote is masked, what they send is no secret."""

from __future__ import annotations

import base64
import html
import json
from pathlib import Path
from typing import Any
from urllib import parse

import pytest

from lockstitch.engine.smoke.values import SmokeValues
from lockstitch.errors import CheckError
from lockstitch.inventory.smoke import SmokeExpectations, SmokeSettings
from lockstitch.measures.bundle.forms import secret_forms
from lockstitch.model.template import filled_path
from lockstitch.smoke.journey import Journey
from lockstitch.smoke.judge import RefusedText, SmokeAnswer, cache_sign, judge_answer, take_values

SECRET = 'it\'s a "key"/=\\ü'
CODED = {
    "plain": SECRET,
    "JSON": json.dumps(SECRET),
    "JSON as it is": json.dumps(SECRET, ensure_ascii=False),
    "URL": parse.quote(SECRET, safe=""),
    "form": parse.quote_plus(SECRET).lower(),
    "HTML": html.escape(SECRET),
    "base64": base64.b64encode(f"ada:{SECRET}".encode()).decode(),
}


def values(**steps: Any) -> SmokeValues:
    smoke = SmokeSettings.model_validate({"url": "https://api.example.com", "steps": steps or {"home": {"get": "/"}}})
    found = SmokeValues(Journey("prod", "api", "run", smoke, tuple(smoke.steps)), Path("."))
    found.prepare()
    return found


def problems(answer: SmokeAnswer, refused: list[RefusedText], **expect: Any) -> list[str]:
    return judge_answer(SmokeExpectations.model_validate(expect), answer, refused)[0]


@pytest.mark.parametrize("form", CODED)
def test_a_secret_is_refused_in_whatever_way_it_is_written(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", SECRET)
    step = {"get": "/", "refuse": "env:KEY"}
    known = values(page=step)
    refused = known.refused(SmokeSettings.model_validate({"url": "http://x", "steps": {"page": step}}).steps["page"])
    answer = SmokeAnswer(200, body=f"<p>{CODED[form]}</p>".encode())
    assert problems(answer, refused) == ["the answer contains env:KEY"]
    assert problems(SmokeAnswer(200, body=b"<p>nothing</p>"), refused) == []


@pytest.mark.parametrize("form", CODED)
@pytest.mark.parametrize("around", ["", "'", '"', "'\""])
def test_a_secret_is_masked_in_whatever_way_it_is_quoted(form: str, around: str) -> None:
    known = values()
    known.hide(SECRET, always=True)
    quoted = repr(f"<{around}{CODED[form]}{around}>")
    masked = known.mask(quoted)
    assert "key" not in masked and "***" in masked
    assert not any(each in masked for each in secret_forms(SECRET))


@pytest.mark.parametrize("charset", ["utf-16", "iso-8859-1", "utf-8"])
def test_a_body_is_read_in_its_own_charset(charset: str) -> None:
    answer = SmokeAnswer(200, {"content-type": f'text/html; charset="{charset}"'}, "é sesame".encode(charset))
    assert problems(answer, [], text="é sesame") == []
    assert problems(answer, [RefusedText("x", ("sesame",))]) == ["the answer contains x"]
    unsaid = SmokeAnswer(200, {}, "é sesame".encode("utf-16"))
    assert problems(unsaid, [RefusedText("x", ("sesame",))]) == ["the answer contains x"]
    lying = SmokeAnswer(200, {"content-type": "text/html; charset=utf-16"}, b"open sesame")
    assert problems(lying, [RefusedText("x", ("sesame",))]) == ["the answer contains x"]
    for odd in ("hex", "no-such", "undefined", "idna"):
        answer = SmokeAnswer(200, {"content-type": f"text/html; charset={odd}"}, b"sesame")
        assert problems(answer, [], text="sesame") == []


def test_what_is_no_json_is_not_judged_as_json() -> None:
    for body in (b'{"a": Infinity}', b'{"a": NaN}', b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}"):
        (said,) = problems(SmokeAnswer(200, body=body), [], json={"a": {"not": 1}})
        assert said.startswith("the answer is no JSON"), said


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-cache", "TCP_HIT from a23"),
        ("x-cache", "RefreshHit from cloudfront"),
        ("age", "9" * 5000),
        ("age", "007"),
        ("age", "0, 5"),
        ("x-litespeed-cache", "hit"),
    ],
)
def test_an_answer_of_a_cache_is_known_as_one(header: str, value: str) -> None:
    assert cache_sign(SmokeAnswer(200, {header: value}))


@pytest.mark.parametrize("values", [{"a": ".", "b": "."}, {"a": "", "b": ".."}, {"a": "", "b": "."}])
def test_values_that_lead_to_another_folder_are_in_no_path(values: dict[str, str]) -> None:
    with pytest.raises(CheckError, match="another place"):
        filled_path("/files/{a}{b}?c=1", values)
    assert filled_path("/files/{a}{b}x?c=/../", values).startswith("/files/")


@pytest.mark.parametrize(
    ("header", "value"), [("x-cache", "TCP_MISS"), ("x-cache", "Miss from x"), ("age", "000"), ("age", "x")]
)
def test_an_answer_of_the_server_is_not_a_caches(header: str, value: str) -> None:
    assert not cache_sign(SmokeAnswer(200, {header: value}))


def test_a_text_that_is_no_unicode_is_not_saved() -> None:
    answer = SmokeAnswer(200, body=b'{"token": "\\ud800 and more"}')
    assert take_values({"token": "json.token"}, answer) == ({}, ["the answer has no json.token to save as token"])


@pytest.mark.parametrize("said", ["", ".", ".."])
def test_a_value_that_would_lead_to_another_path_is_not_saved(said: str) -> None:
    answer = SmokeAnswer(200, body=json.dumps({"id": said}).encode())
    assert take_values({"id": "json.id"}, answer) == ({}, ["the answer has no json.id to save as id"])


def test_a_value_of_a_server_never_becomes_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", SECRET)
    mine = {"post": "/login", "json": {"key": "env:KEY"}, "headers": {"X-Key": "Basic env:KEY"}}
    theirs = {
        "post": "/notes",
        "json": {"note": "{id}", "env": "env:KEY"},
        "headers": {"X-Note": "{id}"},
        "bearer": "{id}",
    }
    known = values(mine=mine, form={"post": "/x", "form": {"note": "{id}"}}, theirs=theirs)
    steps = SmokeSettings.model_validate(
        {"url": "http://x", "steps": {"mine": mine, "theirs": theirs, "form": {"post": "/x", "form": {"note": "{id}"}}}}
    ).steps
    said = {"id": "env:KEY"}
    request = known.request(steps["theirs"], said, "{id}", None)
    assert request.json == {"note": "env:KEY", "env": SECRET}
    assert request.headers == {"X-Note": "env:KEY", "Authorization": "Bearer env:KEY"}
    assert known.request(steps["form"], said, False, None).data == {"note": "env:KEY"}
    assert known.request(steps["mine"], said, False, None).headers == {"X-Key": f"Basic {SECRET}"}
