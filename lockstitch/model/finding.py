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
