"""Text from hosts is shown, and not obeyed; tables stay tables whatever stands in them."""

from __future__ import annotations

import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from lockstitch.model.finding import Finding
from lockstitch.report.checks import CheckedHost, in_its_environment
from lockstitch.report.text import indented, table, width
from lockstitch.text import in_environment, neutral, oneline

ANY = st.text(st.characters(), max_size=40)
OBEYED = ("Cc", "Cf", "Cs", "Zl", "Zp")


@given(ANY)
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    made = neutral(text)
    assert not [c for c in made if unicodedata.category(c) in OBEYED and c not in "\n\t"]
    made.encode()
    assert neutral(made) == made


def test_no_character_there_is_slips_through() -> None:
    for code in range(sys.maxunicode + 1):
        made = neutral(chr(code))
        assert made in "\n\t" or not [c for c in made if unicodedata.category(c) in OBEYED], hex(code)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=40))
def test_words_stay_as_they_are(text: str) -> None:
    assert neutral(text) == text


def test_what_is_neutralised_can_be_read() -> None:
    assert neutral("\x1b[2J\x07\x00") == "\u241b[2J\u2407\u2400"
    assert neutral("\x7f\x9b") == "\\x7f\\x9b"
    assert neutral("a\u202eb\udc80") == "a\\u202eb\\udc80"
    assert neutral("a\tb\nc") == "a\tb\nc"
    assert neutral("\r\n") == "\u240d\n"


CELLS = st.text(st.sampled_from("ab\u0301ä漢🐟\t\n\x1b\u200d\u20dd é|"), max_size=8)


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), min_size=1, max_size=5)))
def test_columns_begin_where_their_heading_does(rows: list[list[str]]) -> None:
    headings = [f"H{number}" for number in range(len(rows[0]))]
    marked = [[f"|{cell}" for cell in row] for row in rows]
    text = table([f"|{heading}" for heading in headings], marked)
    lines = text.split("\n")
    assert len(lines) == len(rows) + 1, "every row is one line"
    sizes = [
        max(width(neutral(f"|{row[n]}").replace("\t", " ")) for row in [headings, *rows]) for n in range(len(headings))
    ]
    starts = [sum(sizes[:n]) + 2 * n for n in range(len(headings))]
    for line in lines:
        columns = 0
        seen = []
        for character in line:
            if character == "|":
                seen.append(columns)
            columns += width(character)
        assert set(starts) <= set(seen), (text, starts, seen)
    assert not [c for c in text if unicodedata.category(c) in OBEYED and c != "\n"]


def test_width() -> None:
    assert [width(text) for text in ("abc", "漢字", "e\u0301", "🐟", "a\u20dd", "")] == [3, 4, 1, 2, 1, 0]


def test_a_table() -> None:
    assert table(("HOST", "N"), [("web1", "1"), ("a", "10")]) == "HOST  N\nweb1  1\na     10"
    assert table(("HOST",), []) == "HOST"


@given(st.lists(ANY, max_size=4))
def test_indented_lines(lines: list[str]) -> None:
    assert indented(lines) == ["    " + oneline(line) for line in lines]


def test_commands_in_hints_are_typed_with_the_environment() -> None:
    assert in_environment("fab -H ENV service.restart api, or -H 'ENV,!a'", "prod") == (
        "fab -H prod service.restart api, or -H 'prod,!a'"
    )
    assert in_environment("fab -H ENV run", None) == "fab -H ENV run", "several are selected, or none"
    assert in_environment("export ENVIRONMENT; -H ENVOY", "prod") == "export ENVIRONMENT; -H ENVOY"
    found = Finding("queue", "fail", "why", "fab -H ENV queue.status")
    host = in_its_environment({"a": CheckedHost((("api", found),), hint="fab -H ENV:HOST shell")}, r"\1")["a"]
    assert (host.hint, host.findings[0][1].hint) == (r"fab -H \1:a shell", r"fab -H \1 queue.status")
