"""The value Finding: what one check says in a sentence, and what to type about it."""

from __future__ import annotations

from typing import Literal

from lockstitch.model.lazy_dataclass import dataclass

Level = Literal["pass", "note", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """The result of one check, and what to type or do about it. Only `fail` stops a deploy; `says` may have several
    lines."""

    check: str
    level: Level
    says: str
    hint: str = ""
