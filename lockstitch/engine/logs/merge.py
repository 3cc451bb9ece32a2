"""Pure: merges many streams of records by time. The order within each stream is kept."""

from __future__ import annotations

import heapq
import re
import threading
from bisect import bisect_right, insort
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf
from time import monotonic

from lockstitch.engine.logs.records import JournalRecords, Record, Records
from lockstitch.model.lazy_dataclass import dataclass

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Origin:
    """The source of a record: `source` is the path of the file, or the unit."""

    host: str
    app: str
    source: str


@dataclass(frozen=True)
class LogRecord:
    """A record with its origin."""

    origin: Origin
    record: Record

    @property
    def time(self) -> datetime:
        return self.record.time or _NEVER


def merged(streams: Iterable[Iterable[LogRecord]]) -> Iterator[LogRecord]:
    """Merge streams into one. Of records with the same time, those of the earlier stream come first."""
    return heapq.merge(*streams, key=lambda entry: entry.time)


def in_order(batch: Iterable[tuple[Hashable, LogRecord]]) -> Iterator[LogRecord]:
    """Sort records that arrived at about the same time. Each comes with the key of its stream."""
    streams: dict[Hashable, list[LogRecord]] = {}
    for key, entry in batch:
        streams.setdefault(key, []).append(entry)
    return merged(streams.values())


def last_lines(stream: Iterable[LogRecord], lines: int) -> Iterator[LogRecord]:
    """Keep the last `lines` lines of each app on each host, in whole records."""
    kept: dict[tuple[str, str], deque[LogRecord]] = {}
    sizes: dict[tuple[str, str], int] = {}
    for entry in stream:
        at = (entry.origin.host, entry.origin.app)
        mine = kept.setdefault(at, deque())
        mine.append(entry)
        sizes[at] = sizes.get(at, 0) + len(entry.record.lines)
        while len(mine) > 1 and sizes[at] - len(mine[0].record.lines) >= lines:
            sizes[at] -= len(mine.popleft().record.lines)
    return merged(kept.values())


class Grep:
    """A filter of records by a pattern; None lets all pass. The later parts of a record that matched pass as well."""

    def __init__(self, pattern: re.Pattern[str] | None) -> None:
        self._pattern = pattern
        self._matches: dict[Hashable, bool] = {}

    def wants(self, entry: LogRecord, stream: Hashable = None) -> bool:
        if self._pattern is None:
            return True
        matches = bool(self._pattern.search("\n".join(entry.record.lines)))
        if stream is not None:
            matches = matches or (entry.record.late and self._matches.get(stream, False))
            self._matches[stream] = matches
        return matches


WINDOW = 0.3
# A record to which nothing came for so long is whole.
QUIET = 0.1
# So many records do not wait: memory is not unbounded.
ENOUGH = 5000


class LiveMerger:
    """Merges lines that several threads feed. `tell` is called with records in order, by one thread at a time, and
    returns False once nobody reads them."""

    def __init__(self, tell: Callable[[Iterable[LogRecord]], bool], grep: Grep, window: float = WINDOW) -> None:
        self._tell, self._grep, self._window = tell, grep, window
        self._lock = threading.Lock()
        self._open: dict[Hashable, tuple[float, float, Origin, Records | JournalRecords]] = {}
        self._batch: list[tuple[float, Hashable, LogRecord]] = []
        self._heard = True

    def feed(
        self, stream: Hashable, origin: Origin | Callable[[], Origin], records: Records | JournalRecords, line: str
    ) -> None:
        """Take the next line of a stream."""
        with self._lock:
            now = monotonic()
            began, _, was, _ = self._open.pop(stream, (now, now, None, None))
            for record in records.feed(line):
                self._add(stream, was or (origin() if callable(origin) else origin), record, began)
                began, was = now, None
            self._open[stream] = (began, now, origin() if callable(origin) else origin, records)
            if len(self._batch) >= ENOUGH:
                self._release()

    def tick(self) -> bool:
        """Pass on the records that have waited long enough. Returns False once nobody reads them."""
        with self._lock:
            now = monotonic()
            waiting = [began for began, _, _ in self._batch[:1]] + [began for began, *_ in self._open.values()]
            due = bool(waiting) and now - min(waiting) >= self._window
            for stream, (began, last, origin, records) in list(self._open.items()):
                if due and (now - began >= self._window or now - last >= QUIET):
                    del self._open[stream]
                    for record in records.flush():
                        self._add(stream, origin, record, began)
            if self._batch and now - self._batch[0][0] >= self._window:
                # What came after the beginning of a record that still grows waits for that one.
                self._release(min((began for began, *_ in self._open.values()), default=now))
            return self._heard and self._tell(())

    def close(self) -> None:
        """Pass on all remaining records."""
        with self._lock:
            for stream, (began, _, origin, records) in self._open.items():
                for record in records.flush():
                    self._add(stream, origin, record, began)
            self._open.clear()
            self._release()

    def _add(self, stream: Hashable, origin: Origin, record: Record, began: float) -> None:
        if record.time is None:
            # What has no time of its own has that at which it came.
            record = replace(record, time=datetime.now(UTC) - timedelta(seconds=monotonic() - began))
        entry = LogRecord(origin, record)
        if self._grep.wants(entry, stream):
            insort(self._batch, (began, stream, entry), key=lambda waiting: waiting[0])

    def _release(self, until: float = inf) -> None:
        # Of the same time, what came first is first: of a file that was turned over its end, then the new beginning.
        number = bisect_right(self._batch, until, key=lambda waiting: waiting[0])
        batch, self._batch = self._batch[:number], self._batch[number:]
        if batch and self._heard:
            self._heard = self._tell(in_order((stream, entry) for _, stream, entry in batch))
