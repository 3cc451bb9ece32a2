"""Tables and other text that is safe on a terminal. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from lockstitch.text import oneline


def width(text: str) -> int:
    """Return the number of columns that a text takes on a terminal."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.category(c) in ("Mn", "Me") for c in text)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return columns aligned by spaces, the headings first; control characters in cells are shown, and each stays on
    one line."""
    lines = [list(headings), *([oneline(cell.replace("\n", " ").replace("\t", " ")) for cell in row] for row in rows)]
    sizes = [max(width(line[i]) for line in lines) for i in range(len(headings))]
    return "\n".join(
        "  ".join(cell + " " * (size - width(cell)) for cell, size in zip(line, sizes, strict=True)).rstrip()
        for line in lines
    )


def indented(lines: Iterable[str], by: str = "    ") -> list[str]:
    """Return the lines indented, each safe on a terminal."""
    return [by + oneline(line) for line in lines]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 host`, `3 hosts`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
