"""Pure: text that is safe on a terminal, and tables of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence


def neutral(text: str) -> str:
    """What a host said, with every control character made visible: shown, not obeyed. Newlines and tabs stay."""
    if text.isprintable():
        return text
    return "".join(c if c in "\n\t" or not _obeyed(c) else _visible(c) for c in text)


def _obeyed(character: str) -> bool:
    # Cf holds the characters that reorder or hide text, such as right-to-left overrides.
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _visible(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def width(text: str) -> int:
    """How many columns a text takes on a terminal."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.category(c) in ("Mn", "Me") for c in text)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns aligned by spaces, the headings first; cells are neutralised and kept on one line."""
    lines = [list(headings), *([neutral(cell).replace("\n", " ").replace("\t", " ") for cell in row] for row in rows)]
    sizes = [max(width(line[i]) for line in lines) for i in range(len(headings))]
    return "\n".join(
        "  ".join(cell + " " * (size - width(cell)) for cell, size in zip(line, sizes, strict=True)).rstrip()
        for line in lines
    )


def indented(lines: Iterable[str], by: str = "    ") -> list[str]:
    """Lines moved to the right, each safe on a terminal."""
    return [by + neutral(line) for line in lines]


def counted(number: int, noun: str) -> str:
    """`1 host`, `3 hosts`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def seconds(value: float) -> str:
    """A span of time as people read it."""
    if value < 60:
        return f"{value:.1f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"
