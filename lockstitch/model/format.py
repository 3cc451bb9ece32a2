"""Sizes, durations and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any

_MOST = 1e100


def finite(value: Any) -> float | None:
    """Return a value of a record as a number; None for what is none, or larger than any that can be counted with."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -_MOST <= value <= _MOST else None


def sized(size: int) -> str:
    """Return a number of bytes in its largest unit: `512 B`, `1.5 GiB`."""
    for unit, power in (("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << power:
            return f"{size / (1 << power):.1f} {unit}"
    return f"{size} B"


def span(seconds: float, *, tenths: bool = False) -> str:
    """Return a duration in its two largest units: `3 d 4 h`, `45 s`; with `tenths`, `45.2 s` where it is that short."""
    if tenths and seconds < 60:
        return f"{seconds:.1f} s"
    remaining = int(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, remaining = divmod(remaining, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def when(at: str, now: datetime, zone: tzinfo | None = None) -> tuple[str, str]:
    """Return a time in UTC, as journals have it, in local time (that of `zone`, or of this machine), and how long ago
    that is: `2026-11-24 14:03` and `5 d ago`. What is no time is returned as it is."""
    then = time_of(at)
    if then is None:
        return at, ""
    seconds = (now - then).total_seconds()
    ago = f"{' '.join(span(seconds).split(' ')[:2])} ago" if seconds >= 1 else "now"
    return then.astimezone(zone).strftime("%Y-%m-%d %H:%M"), ago


def time_of(at: str) -> datetime | None:
    """Return a time of a record in UTC, which is its zone where it names none; None for what is no time, or so far away
    that not every zone has it."""
    try:
        then = datetime.fromisoformat(at)
        then = (then if then.tzinfo else then.replace(tzinfo=UTC)).astimezone(UTC)
        return then if 1 < then.year < 9999 else None
    except (ValueError, OverflowError):
        return None


def moment(epoch: int | None) -> str:
    """Return a time in seconds since the epoch as `2026-11-29 01:20Z`; `-` where there is none."""
    try:
        return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%MZ") if epoch else "-"
    except (ValueError, OverflowError, OSError):
        return "-"
