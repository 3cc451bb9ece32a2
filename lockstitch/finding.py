"""The value Finding: what one check says in a sentence, and what to type about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["pass", "note", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """What one check says, and what to type or do about it. Only `fail` is a no; `says` may have several lines."""

    check: str
    level: Level
    says: str
    hint: str = ""


def span(seconds: float) -> str:
    """A time as people read it, in its two largest units."""
    left = int(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
