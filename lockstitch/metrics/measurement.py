"""Counts of a metric source on one host: requests by status, and their durations, in windows of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import TypeVar

from lockstitch.metrics.intervals import Proportion, percentile_ranks
from lockstitch.model.lazy_dataclass import dataclass

# The edges of the buckets of durations: the first is a millisecond, each further one 5 % longer.
_FIRST_EDGE, _STEP = 0.001, 1.05
# The statuses of errors: 499, where the client went away, is none.
ERROR = range(500, 600)
Key = TypeVar("Key", int, float)


@dataclass(frozen=True)
class Window:
    """A stretch of time on the host's own clock, in epoch seconds, or below 0 as seconds before now; 0 is now."""

    begin: float
    end: float = 0.0

    @property
    def words(self) -> str:
        return f"{self.begin:.0f}:{self.end:.0f}"


@dataclass(frozen=True)
class Durations:
    """Durations of requests: how many were in each bucket, and how many were longer than each limit (seconds), which
    is exact."""

    total: int = 0
    buckets: Mapping[int, int] = field(default_factory=dict)
    longer: Mapping[float, int] = field(default_factory=dict)

    def percentile(self, percentile: float, confidence: float = 0.95) -> tuple[float, float | None] | None:
        """Return the bounds in seconds between which a percentile lies; the upper one is None where it has none. None
        where nothing was timed."""
        if not self.total:
            return None
        low, high = percentile_ranks(self.total, percentile, confidence)
        return self._below(low), None if high is None else self._above(high)

    def _below(self, rank: int) -> float:
        bucket = self._bucket(rank)
        return _FIRST_EDGE * _STEP ** (bucket - 1) if bucket else 0.0

    def _above(self, rank: int) -> float:
        return _FIRST_EDGE * _STEP ** self._bucket(rank)

    def _bucket(self, rank: int) -> int:
        seen = 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= rank:
                return bucket
        return max(self.buckets)

    def __add__(self, other: Durations) -> Durations:
        return Durations(self.total + other.total, _sum(self.buckets, other.buckets), _sum(self.longer, other.longer))


@dataclass(frozen=True)
class Requests:
    """The requests of one window: how many by status, and their durations; `untimed` have none."""

    statuses: Mapping[int, int] = field(default_factory=dict)
    durations: Durations = field(default_factory=Durations)
    untimed: int = 0

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    def with_status(self, statuses: Iterable[int]) -> Proportion:
        """Return how many of all requests had one of these statuses."""
        return Proportion(sum(self.statuses.get(status, 0) for status in statuses), self.total)

    def longer_than(self, limit: float) -> Proportion:
        """Return how many of the timed requests took longer than a limit that was asked for, in seconds."""
        return Proportion(self.durations.longer.get(limit, 0), self.durations.total)

    def __add__(self, other: Requests) -> Requests:
        return Requests(
            _sum(self.statuses, other.statuses), self.durations + other.durations, self.untimed + other.untimed
        )


@dataclass(frozen=True)
class Measurement:
    """The answer of a source on one host.

    `blind` says why nothing can be judged by it, with a hint; empty where it was read. `about` says how it was
    understood. `windows` are in the order in which they were asked for.
    """

    windows: tuple[Requests, ...] = ()
    about: str = ""
    blind: str = ""
    hint: str = ""
    untimed_hint: str = ""


def pooled(parts: Iterable[Requests]) -> Requests:
    """Return the requests of several hosts or windows together."""
    return sum(parts, Requests())


def _sum(first: Mapping[Key, int], other: Mapping[Key, int]) -> dict[Key, int]:
    return {key: first.get(key, 0) + other.get(key, 0) for key in {**first, **other}}
