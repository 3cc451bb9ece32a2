"""Times as they are typed: `2h`, `yesterday`, `tuesday`, `2026-11-24 14:00`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from lockstitch.errors import UsageError

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(\d{1,5})\s*(m|min|h|d|w)(?:\s+ago)?")


def moment_of(text: str, now: datetime, *, option: str, end: bool = False) -> datetime | None:
    """Return the time that was typed, by the clock and the zone of `now`; None for an empty text. A day is its first
    moment, or with `end` that of the next. Raises UsageError for what is no time."""
    typed = " ".join(text.lower().split())
    if not typed:
        return None
    if match := _AGO.fullmatch(typed):
        return now - timedelta(**{_UNITS[match[2][0]]: int(match[1])})
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    day = typed.removeprefix("last ")
    if day in _DAYS:
        # Today is no `tuesday`: that is the last one.
        days = (now.weekday() - _DAYS.index(day)) % 7 or 7
        return _local(midnight - timedelta(days=days - end))
    if day in ("today", "yesterday"):
        return _local(midnight - timedelta(days=(day == "yesterday") - end))
    try:
        at = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError) as error:
        hint = "write 2h, 3d, today, yesterday, tuesday, 2026-11-24 or 2026-11-24T14:00"
        raise UsageError(f"{option} {text!r} is no time", hint=hint) from error
    whole_day = re.fullmatch(r"\d{4}-\d\d-\d\d", text.strip()) is not None
    return _local(at + timedelta(days=end and whole_day))


def due_of(text: str, now: datetime) -> datetime:
    """Return the time that `--due` means: so long from now, or the end of a day. Raises UsageError for what is none."""
    typed = text.strip().lower()
    if match := re.fullmatch(r"(\d{1,5})(m|h|d|w)", typed):
        return now + timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        at = _local(datetime.fromisoformat(typed) + timedelta(days=len(typed) == len("2026-11-24")))
    except (ValueError, OverflowError) as error:
        hint = "write 5d, 24h, 2026-12-04 (until its end) or 2026-12-04T14:00"
        raise UsageError(f"--due {text!r} is no time", hint=hint) from error
    if at <= now:
        raise UsageError(f"--due {text!r} is over already")
    return at


def _local(at: datetime) -> datetime:
    """Return a time in the zone of this machine as it was then: a change to summer time may lie between."""
    return at.replace(tzinfo=None).astimezone() if at.tzinfo is None else at
