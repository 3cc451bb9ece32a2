"""Bundles on a host: sizes, growth, and secrets in every form in which they may stand there."""

from __future__ import annotations

import base64
import gzip
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lockstitch.engine.take_measures import MeasureJob, take_measures
from lockstitch.measures.base import MeasuredSite, MeasureResult
from lockstitch.measures.bundle import BundleMeasure, parse_bundle
from lockstitch.measures.bundle.forms import SHORTEST, secret_forms, stable_name
from lockstitch.metrics.judgement import Answer
from lockstitch.model.command import Secret
from lockstitch.model.host import Address, Host
from tests.local import LocalRemote
from tests.measures.web import Web, serving, talking, wrapped

KEY = 's3cr3t/k+y =w"ith$x&'
RANDOM = bytes(range(256)) * 200
FILES = {"page-1a2b3c4d5e6f7a8b.js": "console.log(process.env.A)", "css/app.css": "body{}", "logo.svg": "x" * 9000}


class Bundle:
    """A host with a release, and the one before it."""

    def __init__(self, root: Path, shell: tuple[str, ...] = ("sh",)) -> None:
        self.remote = LocalRemote(root)
        self.home = self.remote.home("a")

    def write(self, files: dict[str, str | bytes], folder: str = "app/current") -> None:
        for name, content in files.items():
            file = self.home / folder / "dist" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def measured(
        self, *, before: str = "", recorded: dict[str, float] | None = None, unknown: str = "", **settings: Any
    ) -> MeasureResult:
        measure = bundle(**settings)
        known = {name: Secret(KEY) for name in measure.never}
        site = MeasuredSite("app", "bundle", "a", directory="app/current", before=before, known=known, unknown=unknown)
        job = MeasureJob(measure, site, Host("a", Address("a")), before=recorded)
        (result,) = take_measures(self.remote, [job], (1,))
        return result


def bundle(**settings: Any) -> BundleMeasure:
    return BundleMeasure.model_validate({"kind": "bundle", "path": "dist", **settings})


@pytest.fixture
def host(tmp_path: Path) -> Bundle:
    host = Bundle(tmp_path)
    host.write(dict(FILES))
    return host


def test_chunks_are_sized_as_gzip_makes_them(host: Bundle) -> None:
    host.write({"big.js": RANDOM})
    result = host.measured(max_chunk="500kB")
    assert result.answer is Answer.PASS and result.numbers["chunks"] == 3, result
    size = result.numbers["chunk big.js"]
    assert abs(size - len(gzip.compress(RANDOM))) < 50 and size == result.numbers["largest"]
    assert "chunk page-*.js" in result.numbers and not any("svg" in name for name in result.numbers)
    result = host.measured(max_chunk="500B", total="600B")
    assert result.answer is Answer.FAIL and "big.js has" in result.says and "all chunks have" in result.says, result


@pytest.mark.parametrize(
    ("size", "growth", "answer"),
    [(130, "10%", "fail"), (10, "10%", "pass"), (0, "-30%", "fail"), (-400, "-30%", "pass")],
)
def test_growth_is_that_since_the_last_good_release(host: Bundle, size: int, growth: str, answer: str) -> None:
    data = os.urandom(2000)
    host.write({"page-aaaaaaaaaaaa1.js": data}, "app/releases/1")
    (host.home / "app/current/dist/page-1a2b3c4d5e6f7a8b.js").unlink()
    (host.home / "app/current/dist/css/app.css").unlink()
    host.write({"page-bbbbbbbbbbbb2.js": (data + os.urandom(800))[: 2000 + 2 * size]})
    result = host.measured(before="app/releases/1", growth=growth)
    assert result.answer.value == answer, result
    assert "(1.9 KiB before)" in result.lines[0] or "KiB before)" in result.lines[0], "hashes are no part of a name"


def test_growth_without_anything_to_compare_with(host: Bundle) -> None:
    assert host.measured(growth="10%").answer is Answer.FEW
    result = host.measured(growth="10%", total="1MB")
    assert result.answer is Answer.PASS and "its growth is not judged" in result.notes[0]
    assert host.measured(growth="10%", recorded={"total": 10.0}).answer is Answer.FAIL
    assert host.measured(growth="10%", before="app/releases/gone", total="1MB").answer is Answer.BLIND
    result = host.measured(growth="10%", total="1MB", unknown="journal.jsonl: it is no file")
    assert result.answer is Answer.BLIND and "not known: journal.jsonl" in result.says, "unreadable is not nothing"


def base64_at(offset: int, text: str) -> str:
    return base64.b64encode(b"abcdefgh"[:offset] + text.encode() + b"yz").decode()


FORMS = {
    "plain": KEY,
    "json": json.dumps({"key": KEY}),
    "base64 at 0": base64_at(0, KEY),
    "base64 at 1": base64_at(1, KEY),
    "base64 at 2": base64_at(2, KEY),
    "base64 for URLs": base64.urlsafe_b64encode(b">" * 2 + KEY.encode()).decode(),
    "encoded": quote(KEY, safe=""),
    "encoded in small letters": quote(KEY, safe="").replace("%2F", "%2f").replace("%2B", "%2b").replace("%3D", "%3d"),
    "encoded as a form": quote_plus(KEY),
    "as encodeURIComponent does": quote(KEY, safe="!'()*"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("file", ["page-1a2b3c4d5e6f7a8b.js", "page.js.map", "deep/er/index page.html"])
def test_a_secret_is_seen_in_each_form_in_each_file(host: Bundle, form: str, file: str) -> None:
    if form == "encoded in small letters":
        FORMS[form] = "".join(c if c.isalnum() else "".join(f"%{byte:02x}" for byte in c.encode()) for c in KEY)
    host.write({file: f"a=1;{'x' * 70000}{FORMS[form]}{'y' * 70000}"})
    result = host.measured(never=["KEY"])
    assert result.answer is Answer.FAIL and result.says.startswith(f"the value of KEY is in {file}"), result
    assert KEY not in repr(result) and FORMS[form] not in repr(result)


def test_where_no_secret_is_none_is_seen(host: Bundle) -> None:
    host.write({"near.js": KEY[:-1] + "x" + KEY[1:]})
    assert host.measured(never=["KEY"]).answer is Answer.PASS


def test_no_command_line_and_no_environment_has_a_secret(host: Bundle) -> None:
    """Programs that look at what each process is given stand in for those of the host."""
    seen = host.home / "seen"
    programs = host.home / "bin"
    programs.mkdir()
    for name in ("grep", "sed", "find", "sort", "gzip", "awk", "wc", "tr"):
        script = f'#!/bin/sh\n{{ tr "\\0" "\\n" </proc/$$/environ; printf "%s\\n" "$@"; }} >>"{seen}"\nPATH=/usr/bin:/bin exec {name} "$@"\n'
        script = script.replace("{ tr ", "{ PATH=/usr/bin:/bin /usr/bin/tr ")
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    host.remote.env["PATH"] = f"{programs}:/usr/bin:/bin"
    host.write({"a.js": KEY})
    assert host.measured(never=["KEY"], max={"x": 5}).answer is Answer.FAIL
    said = seen.read_text()
    assert "-lF" in said and not any(form in said for form in secret_forms(KEY)), "it is given to grep by stdin alone"


@pytest.mark.parametrize("value", ["short", "1234567"])
def test_a_value_that_is_in_files_by_chance_is_refused(value: str) -> None:
    site = MeasuredSite("app", "bundle", "a", known={"KEY": Secret(value)})
    said = bundle(never=["KEY"]).refusal(site)
    assert said.startswith("KEY has fewer than 8 characters") and value not in said


def test_texts_are_counted(host: Bundle) -> None:
    host.write({"b.js": "process.env.A process.env.B processXenv", "c.js": "process.env;" * 3})
    assert host.measured(max={"process.env": 6}).answer is Answer.PASS
    result = host.measured(max={"process.env": 5, "[b]*": 0})
    assert (result.answer, result.says) == (Answer.FAIL, "process.env stands there 6 times, at most 5")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda dist: dist.rename(dist.parent / "gone"), "cannot be entered"),
        (lambda dist: [file.unlink() for file in dist.rglob("*.*s")], "no file below dist ends with"),
        (lambda dist: (dist / "old.js.br").write_text("x"), "is compressed"),
        (lambda dist: (dist / "all.tgz").write_text("x"), "is compressed"),
        (lambda dist: (dist / "loop").symlink_to(dist), "loop"),
        (lambda dist: (dist / "dead.js").symlink_to(dist / "nothing"), ""),
        (lambda dist: (dist / "new\nline.js").write_text("x"), "unreadable"),
        (
            lambda dist: [(dist / "d\n.").mkdir(), (dist / "d").touch(), (dist / "d\n./logo.svg").touch()],
            "more than one",
        ),
    ],
)
def test_what_cannot_be_read_is_no_pass(host: Bundle, change: Any, says: str) -> None:
    change(host.home / "app/current/dist")
    result = host.measured(never=["KEY"], max_chunk="1MB")
    if says:
        assert result.answer is Answer.BLIND and says in result.says, result
    else:
        assert result.answer is Answer.PASS, "a link to nothing serves nothing"


@pytest.mark.parametrize("name", ["grep", "awk", "gzip"])
def test_a_program_that_is_killed_has_found_nothing_out(host: Bundle, name: str) -> None:
    host.write({"a.js": "process.env " + KEY})
    wrapped(host.remote, name, "kill -9 $$")
    result = host.measured(never=["KEY"], max={"process.env": 5}, total="1MB")
    assert result.answer is not Answer.PASS and f"{name} ended with exit code 137" in result.says, result


@pytest.mark.parametrize("line", ["chunk *** 3 a.js", "chunk 3 a.js", "count 1 ***"])
def test_a_number_that_is_none_is_not_0(line: str) -> None:
    assert parse_bundle(f"{line}\nend", 0, texts=1).unreadable, line


def test_a_search_that_is_killed_for_one_of_the_forms(host: Bundle) -> None:
    host.write({"a.js": KEY})
    wrapped(host.remote, "grep", 'case $1 in -qF) kill -9 $$ ;; esac\nexec "$real" "$@"')
    assert host.measured(never=["KEY"]).answer is Answer.BLIND


def test_a_list_of_files_that_is_cut_off(host: Bundle) -> None:
    once = '[ ! -e "$HOME/once" ] || exit 0\ntouch "$HOME/once"\nexec "$real" "$@"'
    wrapped(host.remote, "sort", once)
    result = host.measured(never=["KEY"])
    assert result.answer is Answer.BLIND and "did not search all files" in result.says, result


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("302 Found\r\nLocation: /login\r\nContent-Length: 5\r\n\r\nMoved", "it answered 302"),
        ("200 OK\r\nContent-Length: 0\r\n\r\n", "it is empty"),
        ("503 No\r\nContent-Length: 2\r\n\r\nno", "503"),
        ("200 OK\r\nContent-Length: 900\r\n\r\nhalf", "transfer closed"),
    ],
)
def test_a_page_that_did_not_come_is_no_page_without_secrets(host: Bundle, answer: str, says: str) -> None:
    with talking(lambda to: to.sendall(f"HTTP/1.1 {answer}".encode())) as port:
        result = host.measured(never=["KEY"], page=f"http://127.0.0.1:{port}/")
    assert result.answer is Answer.BLIND and says in result.says, result


def test_a_page_of_the_host_itself_is_asked_of_no_proxy(host: Bundle) -> None:
    with serving(Web()) as proxy, serving(Web()) as web:
        host.remote.env |= {"http_proxy": proxy.url, "NO_PROXY": "example.com"}
        result = host.measured(never=["KEY"], page=web.url)
    assert result.answer is Answer.PASS and (len(proxy.asked), len(web.asked)) == (0, 1), result


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(host: Bundle) -> None:
    (host.home / "app/current/dist/css/app.css").chmod(0)
    assert host.measured(never=["KEY"]).answer is Answer.BLIND


def test_a_secret_is_told_although_other_files_cannot_be_read(host: Bundle) -> None:
    host.write({"old.js.br": "x", "a.js": KEY})
    assert host.measured(never=["KEY"]).answer is Answer.FAIL


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "it judges nothing"),
        ({"path": "/srv/dist", "total": 1}, "is no folder in the release"),
        ({"path": "../dist", "total": 1}, "is no folder in the release"),
        ({"total": "5 GB"}, "is not a size"),
        ({"growth": "lots"}, "is no growth"),
        ({"growth": "-100%"}, "is no growth"),
        ({"max": {"": 1}}, "a text that is counted has one line"),
        ({"total": 1, "files": ["js"]}, "is no end of a file's name"),
    ],
)
def test_what_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        bundle(**settings)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("chunks/framework-64ad27b21261a9ce.js", "chunks/framework-*.js"),
        ("chunks/1234-0123abcd4567ef89.js", "chunks/1234-*.js"),
        ("main.3f5e2a1b.chunk.js", "main.*.chunk.js"),
        ("assets/index-BsWnM5hk.js", "assets/index-*.js"),
        ("css/1a2b3c4d5e6f.css", "css/*.css"),
        ("chunk-YSVJ4XQB.js", "chunk-*.js"),
        ("main-QWERTZUI.mjs", "main-*.mjs"),
        ("assets/index-DiwrgTda.js", "assets/index-*.js"),
        ("assets/index-C-7XgT_a.js.map", "assets/index-*.js.map"),
        ("QpKz9-aB_cDeFgHiJkLmN/_buildManifest.js", "*/_buildManifest.js"),
        ("app/settings/page.js", "app/settings/page.js"),
        ("facade.decade.js", "facade.decade.js"),
        ("react-dom-settings.min.js", "react-dom-settings.min.js"),
        ("README/UserList.js", "README/UserList.js"),
        ("_app-with-a-long-name/x.js", "_app-with-a-long-name/x.js"),
    ],
)
def test_names_have_no_hash(path: str, name: str) -> None:
    assert stable_name(path) == name


VALUES = st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), min_size=SHORTEST)


@given(VALUES, st.binary(max_size=5), st.binary(max_size=5))
def test_base64_of_anything_with_the_value_in_it_has_a_form_of_it(value: str, before: bytes, after: bytes) -> None:
    forms = secret_forms(value)
    coded = base64.b64encode(before + value.encode() + after).decode()
    assert any(form in coded for form in forms)
    assert any(form in base64.urlsafe_b64encode(before + value.encode() + after).decode() for form in forms)


@given(VALUES)
def test_encoders_of_others_make_a_form(value: str) -> None:
    forms = secret_forms(value)
    encoders = [
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(value),
        json.dumps([value], ensure_ascii=False),
    ]
    assert all(any(form in text for form in forms) for text in encoders)
    assert all(form and "\n" not in form and len(form) >= SHORTEST for form in forms)


def test_a_key_of_several_lines_is_searched_without_its_frame() -> None:
    lines = ["-----BEGIN PRIVATE KEY-----", "MIIEvQIBADANBgkqhkiG", "abc", "-----END PRIVATE KEY-----"]
    forms = secret_forms("\n".join(lines))
    assert lines[1] in forms and "abc" not in forms and not any("PRIVATE" in form for form in forms)


@given(st.text(), st.integers(-1, 255))
def test_no_answer_of_a_host_is_an_error_of_ours(text: str, code: int) -> None:
    facts = parse_bundle(text, code, texts=1)
    assert facts.unreadable or "end" in text
