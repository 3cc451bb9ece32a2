"""Pure: many streams of records as one, by time; the order of each stream is kept."""

from __future__ import annotations

import heapq
import re
from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from lockstitch.engine.logs.records import Record

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Origin:
    """Where a record is from: `source` is the file's path or the unit."""

    host: str
    app: str
    source: str


@dataclass(frozen=True)
class Told:
    """A record and where it is from."""

    origin: Origin
    record: Record

    @property
    def time(self) -> datetime:
        return self.record.time or _NEVER


def merged(streams: Iterable[Iterable[Told]]) -> Iterator[Told]:
    """One stream of many. Of records with the same time those of the earlier stream come first."""
    return heapq.merge(*streams, key=lambda told: told.time)


def in_order(batch: Iterable[tuple[Hashable, Told]]) -> Iterator[Told]:
    """What came at about the same time, by the stream that it is of."""
    streams: dict[Hashable, list[Told]] = {}
    for key, told in batch:
        streams.setdefault(key, []).append(told)
    return merged(streams.values())


def last_lines(stream: Iterable[Told], lines: int) -> Iterator[Told]:
    """The last so many lines of each app on each host, in whole records."""
    kept: dict[tuple[str, str], deque[Told]] = {}
    sizes: dict[tuple[str, str], int] = {}
    for told in stream:
        at = (told.origin.host, told.origin.app)
        mine = kept.setdefault(at, deque())
        mine.append(told)
        sizes[at] = sizes.get(at, 0) + len(told.record.lines)
        while len(mine) > 1 and sizes[at] - len(mine[0].record.lines) >= lines:
            sizes[at] -= len(mine.popleft().record.lines)
    return merged(kept.values())


class Grep:
    """Whether a record is wanted. Whole records are: what comes late of a wanted one is wanted too."""

    def __init__(self, pattern: re.Pattern[str] | None) -> None:
        self._pattern = pattern
        self._wanted: dict[Hashable, bool] = {}

    def wants(self, told: Told, stream: Hashable = None) -> bool:
        if self._pattern is None:
            return True
        wanted = bool(self._pattern.search("\n".join(told.record.lines)))
        if stream is not None:
            wanted = wanted or (told.record.late and self._wanted.get(stream, False))
            self._wanted[stream] = wanted
        return wanted
