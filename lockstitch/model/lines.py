"""Lines `WORD REST`, as a host answers a question with them."""

from __future__ import annotations

import json
from collections.abc import Mapping

Said = Mapping[str, list[str]]


def collect(text: str) -> Said:
    """Return the rest of each line by its first word, in the order of the lines."""
    said: dict[str, list[str]] = {}
    # Not splitlines(): a subject or a message may hold one of the other characters it takes for the end of a line.
    for line in text.split("\n"):
        word, _, rest = line.partition(" ")
        said.setdefault(word, []).append(rest)
    return said


def last(said: Said, word: str) -> str:
    """Return the rest of a word's last line; empty where it was not."""
    return said.get(word, [""])[-1]


def unreadable(said: Said, code: int) -> tuple[str, ...]:
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
