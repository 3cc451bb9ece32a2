"""Text for terminals: shown, not obeyed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.report.text import counted, neutral, seconds, table, width

ANYTHING = st.text(st.characters(exclude_categories=[]))


@given(ANYTHING)
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    said = neutral(text)
    assert not [c for c in said if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    said.encode()


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert neutral(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "␛[2J"),
        ("\x1b]0;owned\x07", "␛]0;owned␇"),
        ("a\rb", "a␍b"),
        ("\x9b1m", "\\x9b1m"),
        ("a‮b", "a\\u202eb"),
    ],
)
def test_control_characters_are_shown(text: str, shown: str) -> None:
    assert neutral(text) == shown


@given(st.lists(st.lists(ANYTHING, min_size=3, max_size=3), max_size=8))
def test_a_table_has_a_line_for_each_row_and_its_columns_stand_below_each_other(rows: list[list[str]]) -> None:
    marked = [[f"{cell}|" for cell in row] for row in rows]
    lines = table(("A|", "B|", "C|"), marked).split("\n")
    assert len(lines) == len(rows) + 1
    assert all("\x1b" not in line for line in lines)


def test_wide_characters_take_two_columns() -> None:
    assert width("日本") == 4
    lines = table(("NAME", "X"), [("日本", "1"), ("ab", "2")]).split("\n")
    assert [width(line) for line in lines] == [7, 7, 7]


@pytest.mark.parametrize(
    ("value", "text"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (61, "1 min 1 s"), (3600, "60 min 0 s")]
)
def test_spans_of_time(value: float, text: str) -> None:
    assert seconds(value) == text


def test_one_is_not_many() -> None:
    assert [counted(n, "host") for n in (0, 1, 2)] == ["0 hosts", "1 host", "2 hosts"]
