"""Fields of the lines of a record. Pure.

A record may be damaged, old or written by somebody else: what is of another type than expected counts as absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lockstitch.model.format import finite, time_of

RecordLine = Mapping[str, Any]


def text_of(event: RecordLine, key: str) -> str:
    """Return a field as text; empty where it is none."""
    value = event.get(key)
    return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""


def number_of(event: RecordLine, key: str) -> float | None:
    """Return a field as a finite number."""
    value = event.get(key)
    return finite(value)


def rows_of(event: RecordLine, key: str) -> list[RecordLine]:
    """Return the objects of a field that is a list."""
    value = event.get(key)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else []


def texts_of(event: RecordLine, key: str) -> tuple[str, ...]:
    """Return the texts of a field that is a list."""
    value = event.get(key)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list | tuple) else ()


def epoch_of(event: RecordLine, key: str = "at") -> float | None:
    """Return the time of an event in epoch seconds; None where it has none."""
    return at.timestamp() if (at := time_of(text_of(event, key))) else None


def lasted(begin: float, end: float) -> float | None:
    """Return the seconds between two times; None where the clock has gone back."""
    return round(end - begin, 3) if end >= begin else None


def is_within(event: RecordLine, begin: datetime, end: datetime) -> bool:
    """Tell whether an event lies in a time, both ends included."""
    return (at := epoch_of(event)) is not None and begin.timestamp() <= at <= end.timestamp()


def site_of(event: RecordLine) -> str:
    """Return the site that an event names by its host and app."""
    host, app = text_of(event, "host"), text_of(event, "app")
    return f"{app}@{host}" if app and host else app or host
