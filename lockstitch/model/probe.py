"""The value Probe: a read-only command, and the parser of what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from lockstitch.model.command import Command
from lockstitch.model.lazy_dataclass import dataclass

T = TypeVar("T")
_DIGITS = 15


@dataclass(frozen=True)
class Probe(Generic[T]):
    """A question to a host.

    `parse` gets what the command printed (stdout and stderr as they came) and its exit code, and makes the fact;
    it never raises for an answer a host can give, but says it in the fact.
    """

    name: str
    command: Command
    parse: Callable[[str, int], T]


def number(text: str) -> int | None:
    """The whole number that a host printed; None for whatever else it printed."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None


def object_of(text: str) -> Mapping[str, Any] | None:
    """The JSON object that a text is; None where it is something else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def text_of(answer: Mapping[str, Any], key: str) -> str:
    """A value as text; empty where there is none."""
    value = answer.get(key)
    return "" if value is None else str(value)


def number_of(answer: Mapping[str, Any], key: str) -> int | None:
    """A number that is not below 0; None where it is none."""
    value = answer.get(key)
    return max(0, int(value)) if isinstance(value, int | float) and not isinstance(value, bool) else None


KeyedLines = Mapping[str, list[str]]


def collect(text: str) -> KeyedLines:
    """Return the rest of each line by its first word, in the order of the lines."""
    said: dict[str, list[str]] = {}
    # Not splitlines(): a subject or a message may hold one of the other characters it takes for the end of a line.
    for line in text.split("\n"):
        word, _, rest = line.partition(" ")
        said.setdefault(word, []).append(rest)
    return said


def last(said: KeyedLines, word: str) -> str:
    """Return the rest of a word's last line; empty where it was not."""
    return said.get(word, [""])[-1]


def unreadable(said: KeyedLines, code: int) -> tuple[str, ...]:
    """Return what the host could not read, and why: all of it where the question itself failed."""
    broken = (f"the question about it ended with exit code {code}",) if code else ()
    return (*said.get("unreadable", ()), *broken)


def record(line: str) -> dict[str, str] | None:
    """A line of a journal as words; None where it is no JSON object."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return {str(k): str(v) for k, v in entry.items()} if isinstance(entry, dict) else None
