"""Pure: groups lines into records. A line without a time belongs to the line before, so a traceback stays together."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lockstitch.engine.logs.timestamps import LogClock
from lockstitch.model.lazy_dataclass import dataclass

# A record that is longer is told in parts.
MOST_LINES = 2000
MOST_CHARACTERS = 1024 * 1024
# How much of a file without any time is shown where a time is asked for.
UNTIMED = 50
_TRACE = "Traceback (most recent call last)"
_GOES_ON = re.compile(r"\s|$|Traceback \(most recent call last\)|During handling of|The above exception|Caused by:|}$")


@dataclass(frozen=True)
class Record:
    """Lines that belong together. `time` is None where they have none; `late` marks the later part of a record whose
    beginning was passed on already."""

    time: datetime | None
    lines: tuple[str, ...]
    late: bool = False


class _Open:
    """A record that may still grow."""

    def __init__(self) -> None:
        self._time: datetime | None = None
        self._lines: list[str] = []
        self._size = 0
        self._begun = self._late = self._trace = False

    def flush(self) -> Iterator[Record]:
        """Pass on the record so far; lines that still belong to it come as a late part."""
        if self._lines:
            yield Record(self._time, tuple(self._lines), self._late)
            self._lines, self._size, self._late = [], 0, True

    def _begin(self, time: datetime | None, text: str, shown: str = "") -> Iterator[Record]:
        yield from self.flush()
        self._time, self._begun, self._late = time, True, False
        self._add(text, shown)

    def _go_on(self, text: str, shown: str = "") -> Iterator[Record]:
        if len(self._lines) >= MOST_LINES or self._size > MOST_CHARACTERS:
            yield from self.flush()
        self._add(text, shown)

    def _add(self, text: str, shown: str) -> None:
        self._lines.append(shown or text)
        self._size += len(text)
        # The line that names the exception is the first after it that is not indented.
        self._trace = text.startswith(_TRACE) or (self._trace and (not text or text[0].isspace()))

    def _belongs(self, text: str) -> bool:
        return self._begun and (self._trace or bool(_GOES_ON.match(text)))


class Records(_Open):
    """Records of a file, made line by line."""

    def __init__(self, clock: LogClock, *, timed: bool = False) -> None:
        super().__init__()
        self._clock, self.timed = clock, timed

    def feed(self, line: str) -> Iterator[Record]:
        """Take the next line, and yield the records that it completes."""
        time = self._clock.of(line)
        if time is None and self._begun and (self.timed or self._belongs(line)):
            yield from self._go_on(line)
        else:
            self.timed = self.timed or time is not None
            yield from self._begin(time, line)


class JournalRecords(_Open):
    """Records of journald, made entry by entry (`-o json`).

    A program that writes a traceback to its stdout makes an entry of each line: they become one record again.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cursor, self.unit = "", ""
        self._by: tuple[str, str] = ("", "")

    def feed(self, line: str) -> Iterator[Record]:
        entry = _entry(line)
        if entry is None:
            return
        self.cursor, unit = str(entry.get("__CURSOR") or self.cursor), unit_of(entry)
        by = (unit, str(entry.get("_PID") or ""))
        time = datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
        head = f"{time.isoformat(timespec='milliseconds')} {entry.get('SYSLOG_IDENTIFIER') or unit or '-'}"
        head += f"[{by[1]}]: " if by[1] else ": "
        for n, text in enumerate(_message(entry).split("\n")):
            if by == self._by and (n or self._belongs(text)):
                yield from self._go_on(text, head + text)
            else:
                yield from self._begin(time, text, head + text)
                self.unit, self._by = unit, by


def unit_of(entry: dict[str, Any]) -> str:
    """Return the unit of an entry: what the service manager says about a unit belongs to that unit."""
    return str(entry.get("UNIT") or entry.get("OBJECT_SYSTEMD_UNIT") or entry.get("_SYSTEMD_UNIT") or "")


def cursor_of(line: str) -> tuple[int, str]:
    """Return the time of an entry in microseconds since the epoch, and its cursor."""
    entry = _entry(line) or {}
    return int(entry.get("__REALTIME_TIMESTAMP", 0)), str(entry.get("__CURSOR", ""))


def _entry(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
        return entry if isinstance(entry, dict) and int(entry["__REALTIME_TIMESTAMP"]) >= 0 else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _message(entry: dict[str, Any]) -> str:
    message = entry.get("MESSAGE")
    if isinstance(message, list):
        # What is not text comes as numbers.
        return bytes(part for part in message if isinstance(part, int) and 0 <= part < 256).decode("utf-8", "replace")
    return "" if message is None else str(message).rstrip("\n")


def of_file(
    lines: Iterable[str], clock: LogClock, last: datetime, *, cut: bool = False, since: datetime | None = None
) -> Iterator[Record]:
    """Yield the records of a part of a file, each with a time; `last` is when the file was last written to.

    `cut` marks a part that begins in the middle of the file: lines before its first time belong to a record whose
    beginning is missing. Of a file without times, only the last lines pass if `since` is given.
    """
    reading = Records(clock)
    untimed: deque[Record] = deque(maxlen=UNTIMED if since else MOST_LINES)
    for record in _all(reading, lines):
        if record.time is None:
            untimed.append(record)
            continue
        while untimed:
            first = untimed.popleft()
            if not cut and (since is None or record.time >= since):
                yield replace(first, time=record.time)
        if since is None or record.time >= since:
            yield record
    yield from (replace(record, time=last) for record in untimed)


def of_journal(lines: Iterable[str]) -> Iterator[Record]:
    """Yield the records of a part of the journal."""
    yield from _all(JournalRecords(), lines)


def _all(reading: Records | JournalRecords, lines: Iterable[str]) -> Iterator[Record]:
    for line in lines:
        yield from reading.feed(line)
    yield from reading.flush()
