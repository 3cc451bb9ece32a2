"""The table of kinds of faults names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
NAMED = re.compile(r"`([\w/]+\.py)(?:::(\w+))?`")


def test_every_test_that_the_table_names_is_there() -> None:
    table = (TESTS / "README.md").read_text(encoding="utf-8").partition("| --- |")[2]
    rows = [row for row in table.splitlines() if row.startswith("| ") and "**" not in row]
    assert len(rows) > 40
    for row in rows:
        named = NAMED.findall(row)
        assert named, f"this row names no test: {row}"
        for file, test in named:
            text = (TESTS / file).read_text(encoding="utf-8")
            assert not test or f"def {test}(" in text, f"{file}::{test} is gone"
