"""Pure: text from elsewhere (hosts, commits, colleagues) made fit to be shown: it is seen, and not obeyed.

`neutral` keeps the lines of a text that we have put together; `oneline` is for what must stay one line, and `quoted`
for what may have several, of which only the first can be taken for ours.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

# All but the characters that are always shown as they are.
_ODD = re.compile(r"[^ -~]")
_NEXT = re.compile(r"^(\s*)(?=next:)", re.MULTILINE | re.IGNORECASE)


def neutral(text: str) -> str:
    """The text with every control character made visible. Newlines and tabs stay."""
    return _line_by_line(text, lambda c: c if c == "\t" or not _obeyed(c) else _visible(c))


def oneline(text: str) -> str:
    """The same, in one line: a newline is visible too."""
    return neutral(text).replace("\n", _visible("\n"))


def quoted(text: str) -> str:
    """The same, where every line but the first is marked as quoted."""
    return neutral(text.rstrip("\n")).replace("\n", "\n    | ")


def listed(lines: Iterable[str]) -> str:
    """Texts of one line each."""
    return "\n".join(map(oneline, lines))


def unforged(text: str) -> str:
    """A text in which no line says `next:`, which only the outcome of a run does."""
    return _NEXT.sub(r"\1| ", text)


def in_environment(hint: str, environment: str | None, host: str = "HOST") -> str:
    """A hint with the environment's name, and the host's, in the commands to type; without a name they keep `ENV`."""
    hint = hint.replace("-H ENV:HOST ", f"-H ENV:{host} ")
    return re.sub(r"(-H '?)ENV\b", lambda match: f"{match[1]}{environment}", hint) if environment else hint


def json_text(data: Any, indent: int | None = None, *, letters: bool = False) -> str:
    """JSON whose strings have every control character escaped. `letters` of any language are escaped too, unless they
    may stay as they are, which takes a stream in UTF-8."""
    text = json.dumps(data, indent=indent, default=str, ensure_ascii=not letters)
    return _line_by_line(text, lambda c: c if not _obeyed(c) else json.dumps(c)[1:-1] if c > "\x7f" else "\\u007f")


def _line_by_line(text: str, shown: Callable[[str], str]) -> str:
    """The text with each character as it is shown; few lines have one that has to be looked at."""
    lines = text.split("\n")
    return "\n".join(line if line.isprintable() else _ODD.sub(lambda c: shown(c[0]), line) for line in lines)


def _obeyed(character: str) -> bool:
    # Cf holds the characters that reorder or hide text, such as right-to-left overrides.
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _visible(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
