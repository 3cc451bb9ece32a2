"""Pure: parses the time that a log line begins with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from lockstitch.model.lazy_dataclass import dataclass

_NAMES = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
_MONTHS = {name: n for n, name in enumerate(_NAMES.split(), 1)}
_KEYS = ("time", "timestamp", "ts", "@timestamp", "asctime", "datetime", "date")
# Before the time may stand: what a process manager writes (`0|api  | `, `api: `), a level, and an opening bracket.
_ISO = re.compile(
    r"(?:\d+\|[^|]{1,60}\|\s*)?(?:[A-Za-z]{3,9}[:\s]\s*)?[\[(\"]?"
    r"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z\b|UTC|[+-]\d\d:?\d\d\b)?"
)
_ACCESS = re.compile(r"[^\[]{1,400}?\[(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})\]|"
                     r"\[(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})\]")  # fmt: skip
_SYSLOG = re.compile(r"(?:<\d{1,3}>)?([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)\b")
# What is later than that was not written by a clock, and neither was what is from before there were logs.
_LATEST = timedelta(days=1)
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_WIDEST = timedelta(hours=14)


@dataclass(frozen=True)
class LogClock:
    """The clock of a host: the time when it was asked, and the zone of times that do not name theirs."""

    now: datetime
    zone: timezone = UTC

    def of(self, line: str) -> datetime | None:
        """Return the time of a line in UTC; None where it does not begin with one."""
        try:
            time = self._json(line) if line.startswith("{") else self._text(line)
        except (ValueError, OverflowError, RecursionError):
            return None
        if time is None or not _EARLIEST <= time <= self.now + _LATEST:
            return None
        return time.astimezone(UTC)

    def at(self, epoch: float) -> datetime:
        """Convert seconds since the epoch to a time."""
        return datetime.fromtimestamp(epoch, UTC)

    def _text(self, line: str) -> datetime | None:
        if match := _ISO.match(line):
            *parts, fraction, zone = match.groups()
            return self._made(parts, fraction or "0", zone)
        if match := _SYSLOG.match(line):
            month, *rest = match.groups()
            return self._this_year(_MONTHS.get(month, 0), [int(part) for part in rest])
        if match := _ACCESS.match(line):
            day, name, year, *clock, zone = [part for part in match.groups() if part is not None]
            return self._made([year, _MONTHS.get(name, 0), day, *clock], "0", zone)
        return None

    def _made(self, parts: list[Any], fraction: str, zone: str | None) -> datetime:
        year, month, day, hour, minute, second = map(int, parts)
        micro = int(fraction.ljust(6, "0")[:6])
        # A leap second is written as 60.
        return datetime(year, month, day, hour, minute, min(second, 59), micro, self._zone(zone))

    def _zone(self, text: str | None) -> timezone:
        if text is None:
            return self.zone
        if text in ("Z", "UTC"):
            return UTC
        return zone_of(text) or self.zone

    def _this_year(self, month: int, rest: list[int]) -> datetime:
        """Complete a time without a year: the latest one that is not in the future."""
        here = self.now.astimezone(self.zone)
        for year in (here.year + 1, here.year, here.year - 1):
            # There is not a 29th of February in each of them.
            with suppress(ValueError):
                time = datetime(year, month, rest[0], rest[1], rest[2], min(rest[3], 59), tzinfo=self.zone)
                if time <= self.now + _LATEST:
                    return time
        raise ValueError("no such day")

    def _json(self, line: str) -> datetime | None:
        fields = json.loads(line) if len(line) < 1024 * 1024 else None
        if not isinstance(fields, Mapping):
            return None
        for key in _KEYS:
            value = fields.get(key)
            if isinstance(value, str):
                return self._text(value)
            if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
                return self.at(_in_seconds(float(value)))
        return None


def zone_of(text: str) -> timezone | None:
    """Parse `+0200` or `+02:00`. Returns None where no such zone exists."""
    match = re.fullmatch(r"([+-])(\d\d):?(\d\d)", text)
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-offset if match[1] == "-" else offset) if offset <= _WIDEST else None


def _in_seconds(value: float) -> float:
    """Convert seconds, milliseconds, microseconds or nanoseconds since the epoch to seconds, by their size."""
    while value > 1e11:
        value /= 1000
    return value
