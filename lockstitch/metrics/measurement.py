"""Counts of a metric source on one host: requests by status, and their durations, in windows of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from math import inf
from typing import TypeVar

from lockstitch.errors import ExitCode
from lockstitch.metrics.intervals import Proportion, percentile_ranks
from lockstitch.model.command import Command, Value
from lockstitch.model.lazy_dataclass import dataclass

# The edges of the buckets of durations: the first is a millisecond, each further one 5 % longer.
_FIRST_EDGE, _STEP = 0.001, 1.05
# The statuses of errors: 499, where the client went away, is none.
ERROR = range(500, 600)
Key = TypeVar("Key", int, float, tuple[float, float])


@dataclass(frozen=True)
class Window:
    """A stretch of time on the host's own clock, in epoch seconds, or below 0 as seconds before now; 0 is now."""

    begin: float
    end: float = 0.0

    @property
    def words(self) -> str:
        return f"{self.begin:.0f}:{self.end:.0f}"

    @property
    def seconds(self) -> float:
        """Its length; both ends are of one kind."""
        return self.end - self.begin


@dataclass(frozen=True)
class LogPlace:
    """A place of an app's logs, one of three: a file or a pattern, a unit whose journal is read, or a command that
    prints paths."""

    path: str = ""
    unit: str = ""
    ask: Command | None = None


@dataclass(frozen=True)
class Question:
    """A question to a source about one host: its requests in `windows`, and how many took longer than each limit
    (seconds). Requests for `ignored` paths, such as health checks, do not count. `patterns` are regular expressions of
    records in the logs at `places`.

    `known` are the values of the source's references to secrets, and `lacking` is why others cannot be had.

    `since` is when the release was taken, where that is known: a source that counts only now and then may
    count a window from the last time before it that is of the same release. `switch` is when the change to it began.
    `names` are those of the release that serves, by VERSION_NAMES, where that is known.
    """

    windows: tuple[Window, ...]
    limits: tuple[float, ...] = ()
    ignored: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    places: tuple[LogPlace, ...] = ()
    since: float | None = None
    switch: float | None = None
    known: Mapping[str, Value] = field(default_factory=dict)
    lacking: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def missing(self, references: Iterable[str]) -> str:
        """Return why one of these secrets cannot be had; empty where all are known."""
        unknown = [reference for reference in references if not self.known.get(reference)]
        return self.lacking.get(unknown[0], f"the secret {unknown[0]} was not looked up") if unknown else ""


@dataclass(frozen=True)
class CountedSpan:
    """A window in epoch seconds. Nothing from before `floor` may be counted in it, which is not later than `begin`; a
    process that began after `switch` serves the release that the window is of."""

    begin: float
    end: float
    floor: float
    switch: float
    is_after_release: bool = True

    @classmethod
    def of(cls, window: Window, question: Question, now: float) -> CountedSpan:
        """Return a window of a question. One that begins after the release may be counted from there on."""
        begin, end = (edge if edge > 0 else now + edge for edge in (window.begin, window.end))
        since, switch = (
            None if edge is None else edge if edge > 0 else now + edge for edge in (question.since, question.switch)
        )
        # Edges are whole seconds for some sources.
        if since is None or since > begin + 1:
            return cls(begin, end, begin, begin, since is None)
        floor = min(begin, since)
        return cls(begin, end, floor, floor if switch is None else min(floor, switch))


@dataclass(frozen=True)
class Durations:
    """Durations of requests: how many were in each bucket, and how many were longer than each limit (seconds), which
    is exact; but for those that are `unsure`, where a limit lies within a bucket of the source.

    `spans` are buckets that a source has of its own: from and to how many seconds.
    """

    total: int = 0
    buckets: Mapping[int, int] = field(default_factory=dict)
    longer: Mapping[float, int] = field(default_factory=dict)
    unsure: Mapping[float, int] = field(default_factory=dict)
    spans: Mapping[tuple[float, float], int] = field(default_factory=dict)

    def percentile(self, percentile: float, confidence: float = 0.95) -> tuple[float, float | None] | None:
        """Return the bounds in seconds between which a percentile lies; the upper one is None where it has none. None
        where nothing was timed."""
        spans = _sum(self.spans, {_span(bucket): count for bucket, count in self.buckets.items()})
        if not self.total or not spans:
            return None
        low, high = percentile_ranks(self.total, percentile, confidence)
        above = inf if high is None else _span_at(spans, high)[1]
        return _span_at(spans, low)[0], None if above == inf else above

    def __add__(self, other: Durations) -> Durations:
        return Durations(
            self.total + other.total,
            _sum(self.buckets, other.buckets),
            _sum(self.longer, other.longer),
            _sum(self.unsure, other.unsure),
            _sum(self.spans, other.spans),
        )


def _span(bucket: int) -> tuple[float, float]:
    """Return from and to how many seconds a bucket is."""
    return _FIRST_EDGE * _STEP ** (bucket - 1) if bucket else 0.0, _FIRST_EDGE * _STEP**bucket


def _span_at(spans: Mapping[tuple[float, float], int], rank: int) -> tuple[float, float]:
    seen = 0
    for span in sorted(spans):
        seen += spans[span]
        if seen >= rank:
            break
    return span


@dataclass(frozen=True)
class Requests:
    """The requests of one window: how many by status, and their durations; `untimed` have none. Of `grouped` only the
    kind of status is known: 500 stands for all from 500 to 599.

    A source that counts something else than requests has a `share` that is bad, or the `records` of logs that match,
    of all there are, by pattern.
    """

    statuses: Mapping[int, int] = field(default_factory=dict)
    durations: Durations = field(default_factory=Durations)
    untimed: int = 0
    grouped: int = 0
    share: Proportion = Proportion(0, 0)
    records: Mapping[str, Proportion] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    def with_status(self, statuses: Iterable[int]) -> Proportion:
        """Return how many of all requests had one of these statuses."""
        return Proportion(sum(self.statuses.get(status, 0) for status in statuses), self.total)

    def longer_than(self, limit: float) -> Proportion:
        """Return how many of the timed requests took longer than a limit that was asked for, in seconds: at least."""
        return Proportion(self.durations.longer.get(limit, 0), self.durations.total)

    def perhaps_longer_than(self, limit: float) -> Proportion:
        """Return the same, at most."""
        return self.longer_than(limit) + Proportion(self.durations.unsure.get(limit, 0), 0)

    def __add__(self, other: Requests) -> Requests:
        none = Proportion(0, 0)
        return Requests(
            _sum(self.statuses, other.statuses),
            self.durations + other.durations,
            self.untimed + other.untimed,
            self.grouped + other.grouped,
            self.share + other.share,
            {
                pattern: self.records.get(pattern, none) + other.records.get(pattern, none)
                for pattern in {**self.records, **other.records}
            },
        )


@dataclass(frozen=True)
class Snapshot:
    """All that one process has counted since it `started`, as it was at a `time` (epoch seconds of the host)."""

    time: float
    started: float
    requests: Requests


@dataclass(frozen=True)
class Measurement:
    """The answer of a source on one host.

    `blind` says why nothing can be judged by it, with a hint; empty where it was read. `about` says how it was
    understood. `windows` are in the order in which they were asked for. `values` are those of now by name, of a source
    that has such, and `unread` says why others cannot be read. A source that knows no windows has a `snapshot`
    instead. `away` is the code that a run ends with where the host could not be asked at all.
    """

    windows: tuple[Requests, ...] = ()
    about: str = ""
    blind: str = ""
    hint: str = ""
    untimed_hint: str = ""
    values: Mapping[str, float] = field(default_factory=dict)
    snapshot: Snapshot | None = None
    away: ExitCode | None = None
    unread: Mapping[str, str] = field(default_factory=dict)


def pooled(parts: Iterable[Requests]) -> Requests:
    """Return the requests of several hosts or windows together."""
    return sum(parts, Requests())


def _sum(first: Mapping[Key, int], other: Mapping[Key, int]) -> dict[Key, int]:
    return {key: first.get(key, 0) + other.get(key, 0) for key in {**first, **other}}
