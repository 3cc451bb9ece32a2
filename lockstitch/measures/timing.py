"""Requests that were timed: each from the moment it was meant to begin, whatever had begun before it by then."""

from __future__ import annotations

import heapq
import itertools
import math
import operator
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from lockstitch.metrics.intervals import CONFIDENCE, Proportion, percentile_ranks
from lockstitch.metrics.measurement import Durations
from lockstitch.model.command import Value
from lockstitch.model.lazy_dataclass import dataclass

# The parts of a request, in order. `late` is how long it waited for others that were not answered yet.
PHASES = ("late", "dns", "connect", "tls", "first", "body", "total")
# The buckets of durations, as sources count them: the first ends at a millisecond, each further one is 5 % longer.
_FIRST_EDGE, _STEP = 0.001, 1.05
_EDGES = tuple(itertools.accumulate((_STEP,) * 256, operator.mul, initial=_FIRST_EDGE))
_MOST_REASONS = 5


@dataclass(frozen=True)
class RequestLoad:
    """Requests from here to one URL: those numbered from `begin` to `end` of a schedule of `rate` a second, with at
    most `concurrency` of them at once. Each may take `timeout` seconds. `headers` have a word before the value. Those
    below 0 warm up, and are not counted."""

    url: str
    begin: int
    end: int
    rate: float
    concurrency: int
    timeout: float
    limits: tuple[float, ...] = ()
    headers: Mapping[str, tuple[str, Value]] = field(default_factory=dict)
    status: int | None = None

    def accepts(self, status: int) -> bool:
        """Tell whether an answer with this status is no error."""
        return status == self.status if self.status else 200 <= status < 400


@dataclass(frozen=True)
class TimedRequest:
    """One request: its status (0: no answer, and `error` says why), and the seconds since it began at which its name
    was resolved, it was connected, secured, had its first byte and its last."""

    status: int
    times: tuple[float, float, float, float, float]
    error: str = ""

    @property
    def seconds(self) -> float:
        """From when it began to its last byte, or to when it was given up."""
        return self.times[-1]

    def phases(self, late: float) -> tuple[float, ...]:
        """Return the seconds of its phases, counted from when it was meant to begin."""
        parts = [end - begin for begin, end in itertools.pairwise((0.0, *self.times))]
        return (late, *(max(0.0, part) for part in parts), late + self.seconds)


@dataclass(frozen=True)
class TimedRequests:
    """Requests together: durations of those that were answered well, by phase; `failed` are all others, which count as
    longer than every limit, and `reasons` why, the most frequent ones. `warm_up` were left out. Sending them took
    `behind` times as long as it would have taken a client that needs no time itself."""

    phases: Mapping[str, Durations] = field(default_factory=dict)
    failed: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    warm_up: int = 0
    unreadable: str = ""
    behind: float = 1.0

    @property
    def durations(self) -> Durations:
        """The whole of each request that was answered well."""
        return self.phases.get("total", Durations())

    @property
    def total(self) -> int:
        return self.durations.total + self.failed

    def longer_than(self, limit: float) -> Proportion:
        """Return how many took longer than a limit that was asked for, in seconds: what failed took longer than any."""
        return Proportion(self.durations.longer.get(limit, 0) + self.failed, self.total)

    def beyond(self, seconds: float) -> Proportion:
        """Return how many took longer than any duration, by buckets: those of the bucket that it lies in did not."""
        edge = bucket(seconds)
        over = sum(count for at, count in self.durations.buckets.items() if at > edge)
        return Proportion(over + self.failed, self.total)

    def percentile(self, percentile: float, confidence: float = CONFIDENCE) -> tuple[float, float | None] | None:
        """Return the bounds in seconds between which a percentile lies, by order statistics. The upper one is None
        where it has none; None where nothing was asked."""
        if not self.total:
            return None
        low, high = percentile_ranks(self.total, percentile, confidence)
        upper = self._at(high) if high is not None else math.inf
        return _edge(self._at(low) - 1), None if upper == math.inf else _edge(upper)

    def _at(self, rank: int) -> float:
        """Return the bucket of a rank; infinity for what failed."""
        seen = 0
        for at in sorted(self.durations.buckets):
            seen += self.durations.buckets[at]
            if seen >= rank:
                return at
        return math.inf

    def middle(self, phase: str) -> float | None:
        """Return the median of a phase in seconds; None where nothing was timed."""
        timed = self.phases.get(phase, Durations())
        seen = 0
        for at in sorted(timed.buckets):
            seen += timed.buckets[at]
            if 2 * seen >= timed.total:
                return _edge(at)
        return None

    def __add__(self, other: TimedRequests) -> TimedRequests:
        reasons = {
            key: self.reasons.get(key, 0) + other.reasons.get(key, 0) for key in {**self.reasons, **other.reasons}
        }
        return TimedRequests(
            {
                phase: self.phases.get(phase, Durations()) + other.phases.get(phase, Durations())
                for phase in PHASES
                if phase in self.phases or phase in other.phases
            },
            self.failed + other.failed,
            _frequent(reasons),
            self.warm_up + other.warm_up,
            self.unreadable or other.unreadable,
            max(self.behind, other.behind),
        )


def lateness(seconds: Sequence[float], rate: float, concurrency: int) -> list[float]:
    """Return how late each request of a schedule begins, in seconds, because all that may be under way at once are not
    answered yet. It is reckoned from what each took, so what the asking machine needs itself is no time of the server;
    count.awk does the same."""
    free, late = [0.0] * concurrency, []
    for number, each in enumerate(seconds):
        due, earliest = number / rate, heapq.heappop(free)
        begun = max(due, earliest)
        heapq.heappush(free, begun + each)
        late.append(begun - due)
    return late


def gathered(asked: Sequence[TimedRequest], load: RequestLoad) -> TimedRequests:
    """Return requests together, in the order of their schedule, with how many took longer than each limit."""
    good: list[tuple[float, ...]] = []
    reasons: dict[str, int] = {}
    warm_up, limits = max(0, -load.begin), load.limits
    late = lateness([each.seconds for each in asked], load.rate, load.concurrency)
    for each, behind in list(zip(asked, late, strict=True))[warm_up:]:
        if load.accepts(each.status):
            good.append(each.phases(behind))
        else:
            reason = each.error or f"answered {each.status}"
            reasons[reason] = reasons.get(reason, 0) + 1
    phases = {}
    for at, phase in enumerate(PHASES):
        seconds = [each[at] for each in good]
        over = {limit: sum(value > limit for value in seconds) for limit in limits} if phase == "total" else {}
        phases[phase] = Durations(len(seconds), _counted(map(bucket, seconds)), over)
    return TimedRequests(phases, sum(reasons.values()), _frequent(reasons), min(warm_up, len(asked)))


def bucket(seconds: float) -> int:
    """Return the number of the bucket that a duration lies in: the first whose end it is below."""
    return bisect_right(_EDGES, seconds)


def _edge(at: float) -> float:
    """Return the end of a bucket in seconds."""
    return math.inf if at == math.inf else _FIRST_EDGE * _STEP**at if at >= 0 else 0.0


def _counted(values: Iterable[int]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return counts


def _frequent(reasons: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(reasons.items(), key=lambda each: (-each[1], each[0]))[:_MOST_REASONS])
