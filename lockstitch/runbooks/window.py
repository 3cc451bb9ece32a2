"""Change windows: the days and hours in which a runbook may change what users see, by the clock of a zone. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from lockstitch.inventory.settings import Settings, wrong
from lockstitch.inventory.types import WrittenType

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)")
_DAY_LIST = {"type": "array", "items": {"enum": list(DAYS)}}


def days(value: object) -> tuple[str, ...]:
    """Parse days of the week, from `mon-thu`, `fri` or a list of such words. Raises ValueError."""
    named: set[int] = set()
    words = list(value) if isinstance(value, list | tuple) else [value]
    for word in words:
        first, _, last = str(word).lower().partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise ValueError(f"{word!r} is no day: write {', '.join(DAYS)}, or several like mon-thu")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        named |= {day % 7 for day in range(begin, end + 1 if begin <= end else end + 8)}
    return tuple(day for number, day in enumerate(DAYS) if number in named)


def hours(value: object) -> tuple[time, time]:
    """Parse the hours of a day, from `06:00-09:00`; those of `22:00-02:00` end on the next day. Raises ValueError."""
    match = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if not match or (match[3] == "24" and match[4] != "00"):
        raise ValueError(f"{value!r} are no hours: write them in quotes, like '06:00-09:00'")
    begin, end = time(int(match[1]), int(match[2])), time(int(match[3]) % 24, int(match[4]))
    if begin == end and match[3] != "24":
        raise ValueError(f"{value!r} begins and ends at the same time")
    return begin, end


def zone(value: object) -> str:
    """Parse the name of a time zone, such as `Europe/Berlin`. Raises ValueError."""
    try:
        if not isinstance(value, str) or not value:
            raise ValueError
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{value!r} is no time zone of this machine: write one like Europe/Berlin, or UTC") from error
    return value


Days = Annotated[
    tuple[str, ...], WrittenType("days, such as `mon-thu`", days, {"anyOf": [{"type": "string"}, _DAY_LIST]})
]
Hours = Annotated[
    Any, WrittenType("hours, such as `06:00-09:00`", hours, {"type": "string", "pattern": f"^{_HOURS.pattern}$"})
]
Zone = Annotated[str, WrittenType("time zone", zone, {"type": "string", "minLength": 1})]


class ChangeWindow(Settings):
    """The days and hours in which a stage that changes something may begin."""

    days: Days = Field(default=DAYS, description="the days on which it begins")
    exclude: Days = Field(default=(), alias="not", description="days that are left out, such as `[fri, sat, sun]`")
    hours: Hours = Field(
        default=(time(0), time(0)),
        validate_default=False,
        description="from and to; `22:00-02:00` ends on the next day",
    )
    zone: Zone = Field(description="the time zone of these hours; summer time is that of the zone")

    @model_validator(mode="after")
    def _some(self) -> ChangeWindow:
        if not set(self.days) - set(self.exclude):
            raise wrong("days", "no day is left: the window never opens")
        return self

    def is_open(self, at: datetime) -> bool:
        """Tell whether a time, which has a zone, lies in the window. Its end does not."""
        local = at.astimezone(ZoneInfo(self.zone))
        begin, end = self.hours
        clock = local.time().replace(fold=0)
        if begin < end or end == time(0):
            return self._is_day(local) and begin <= clock and (clock < end or end == time(0))
        return (clock >= begin and self._is_day(local)) or (clock < end and self._is_day(local - timedelta(days=1)))

    def opening(self, after: datetime) -> datetime:
        """Return when the window opens next, in its own zone."""
        return next(at for at in self._openings(after) if at.astimezone(UTC) > after and self.is_open(at))

    def _openings(self, after: datetime) -> Iterator[datetime]:
        own = ZoneInfo(self.zone)
        midnight = after.astimezone(own).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        # Two weeks: the hour of an opening may be one that summer time leaves out.
        for number in range(15):
            begin = (midnight + timedelta(days=number)).replace(hour=self.hours[0].hour, minute=self.hours[0].minute)
            last = begin.astimezone(UTC)
            # An hour that summer time leaves out lies between what its two offsets make of it: minutes are looked at.
            first = min(last, begin.replace(fold=1).astimezone(UTC))
            gap = first if last.astimezone(own).time() != begin.time() else last
            for minute in range(int((last - gap).total_seconds()) // 60 + 1):
                yield (gap + timedelta(minutes=minute)).astimezone(own)
            # Where summer time ends, an hour comes twice.
            yield begin.replace(fold=1).astimezone(UTC).astimezone(own)

    def _is_day(self, local: datetime) -> bool:
        day = DAYS[local.weekday()]
        return day in self.days and day not in self.exclude

    def __str__(self) -> str:
        begin, end = self.hours
        open_days = [day for day in self.days if day not in self.exclude]
        return f"{', '.join(open_days)} {begin:%H:%M}-{'24:00' if end == time(0) else f'{end:%H:%M}'} {self.zone}"
