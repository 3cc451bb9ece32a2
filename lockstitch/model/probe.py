"""The value Probe: a read-only command, and the parser of what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
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


Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class TableQuery(Generic[T]):
    """A probe whose answer is a tuple of values of one kind, and the columns of its table.

    `rows` has a row for each value. A probe that ends with another code than 0 has no answer: what it printed is why.
    """

    probe: Probe[tuple[T, ...]]
    headings: tuple[str, ...]
    rows: Callable[[tuple[T, ...]], Rows]


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


class KeyedLines(dict[str, list[str]]):
    """The rest of each line of an answer by its first word, in the order of the lines; empty where no line has it."""

    def __missing__(self, word: str) -> list[str]:
        return []


def collect(lines: str | Iterable[str], known: Container[str] | None = None) -> KeyedLines:
    """Return the lines by their first words. With `known`, those of other words are as they are under the empty word,
    and blank ones left out."""
    said = KeyedLines()
    # Not splitlines(): a subject or a message may hold one of the other characters it takes for the end of a line.
    for line in lines.split("\n") if isinstance(lines, str) else lines:
        word, rest = fields(line, 2)
        if known is not None and word not in known:
            if not line.strip():
                continue
            word, rest = "", line
        said.setdefault(word, []).append(rest)
    return said


def fields(line: str, count: int) -> list[str]:
    """Return exactly `count` words of a line: the last one is all the rest, and those that are missing are empty."""
    words = line.split(" ", count - 1)
    return [*words, *[""] * (count - len(words))]


def last(said: KeyedLines, word: str) -> str:
    """Return the rest of a word's last line; empty where it was not."""
    return (said[word] or [""])[-1]


def unreadable(said: KeyedLines, code: int) -> tuple[str, ...]:
    """Return what the host could not read, and why: all of it where the question itself failed."""
    broken = (f"the question about it ended with exit code {code}",) if code else ()
    return (*said["unreadable"], *broken)


def record(line: str) -> dict[str, str] | None:
    """A line of a journal as words; None where it is no JSON object."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return {str(k): str(v) for k, v in entry.items()} if isinstance(entry, dict) else None
