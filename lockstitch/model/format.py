"""Sizes, durations and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime


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


def moment(epoch: int | None) -> str:
    """Return a time in seconds since the epoch as `2026-11-29 01:20Z`; `-` where there is none."""
    try:
        return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%MZ") if epoch else "-"
    except (ValueError, OverflowError, OSError):
        return "-"
