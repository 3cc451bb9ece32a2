"""The judgement of health answers, and how an answer is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.facts.http import parse_answer
from lockstitch.model.gate import HttpAnswer, Status, field_of, judge_health

REVISION = "0123456789abcdef0123456789abcdef01234567"


def judged(body: Any, answered: int = 200, **wanted: Any) -> Status:
    text = body if isinstance(body, str) else json.dumps(body)
    answer = parse_answer(f"{text}\n{answered:03}", 0)
    defaults = {"status": 200, "expect": {}, "contains": "", "revision_key": "", "revision": REVISION}
    return judge_health(answer, **{**defaults, **wanted}).answer


@pytest.mark.parametrize(
    ("body", "status", "wanted", "answer"),
    [
        ({"status": "healthy"}, 200, {"expect": {"status": "healthy"}}, Status.PASS),
        ({"status": "sick"}, 200, {"expect": {"status": "healthy"}}, Status.FAIL),
        ({"db": {"up": True}}, 200, {"expect": {"db.up": True}}, Status.PASS),
        ({"db": {"up": False}}, 200, {"expect": {"db.up": True}}, Status.FAIL),
        ("<html>hello</html>", 200, {"contains": "hello"}, Status.PASS),
        ("<html>hello</html>", 200, {"contains": "bye"}, Status.FAIL),
        ("<html></html>", 200, {"expect": {"status": "healthy"}}, Status.FAIL),
        ("[1", 200, {"expect": {"status": "healthy"}}, Status.FAIL),
        ("", 503, {}, Status.FAIL),
        ("", 503, {"status": 503}, Status.PASS),
        ("connection refused", 0, {}, Status.FAIL),
        ({"revision": REVISION}, 200, {"revision_key": "revision"}, Status.PASS),
        ({"revision": REVISION[:7]}, 200, {"revision_key": "revision"}, Status.PASS),
        ({"revision": REVISION[:6]}, 200, {"revision_key": "revision"}, Status.FAIL),
        ({"revision": ""}, 200, {"revision_key": "revision"}, Status.FAIL),
        ({"revision": "f" * 40}, 200, {"revision_key": "revision"}, Status.FAIL),
        ({}, 200, {"revision_key": "revision"}, Status.FAIL),
        ({"revision": 7}, 200, {"revision_key": "revision"}, Status.FAIL),
    ],
)
def test_an_answer_is_judged(body: Any, status: int, wanted: dict[str, Any], answer: Status) -> None:
    assert judged(body, status, **wanted) is answer


@given(st.text(), st.integers(-5, 300))
def test_whatever_a_host_prints_is_an_answer(text: str, code: int) -> None:
    assert isinstance(parse_answer(text, code), HttpAnswer)


@given(st.text(), st.integers(100, 599))
def test_a_body_of_any_shape_keeps_its_status(body: str, status: int) -> None:
    assert parse_answer(f"{body}\n{status}", 0).status == status


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)),
    st.text(),
)
def test_a_field_of_anything_is_a_value_or_none(content: Any, key: str) -> None:
    field_of(content, key)
