"""Series of samples, and how much a counter grew in a window."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from lockstitch.metrics.counters import Series
from lockstitch.metrics.measurement import CountedSpan
from lockstitch.model.lazy_dataclass import dataclass


@dataclass(frozen=True)
class ScrapedProcess:
    """The process that series are of: when it was scraped, and when it began (epoch seconds) as it said each time."""

    scrapes: tuple[float, ...] = ()
    starts: tuple[tuple[float, float], ...] = ()

    def began(self, at: float) -> float | None:
        """Return when the process began that was scraped at a time; None where it does not say."""
        known = [start for time, start in self.starts if time <= at]
        return known[-1] if known else None

    def scraped(self, begin: float, before: float) -> bool:
        """Tell whether it was scraped from `begin` on and before another time."""
        return bisect_left(self.scrapes, begin) < bisect_left(self.scrapes, before)


def grown(series: Series, window: CountedSpan, target: ScrapedProcess) -> float:
    """Return by how much a counter grew up to each of its samples in a window.

    A fall is a reset: it went on from 0. It is counted from its last sample before the window, if that is not before
    the floor; else from its first one in the window, unless it is known to have begun after the floor: its process did,
    or was scraped since when there was no such series yet.
    """
    times = series.times
    first, last = bisect_left(times, window.begin), bisect_right(times, window.end)
    if first >= last:
        return 0.0
    total = 0.0
    if first and times[first - 1] >= window.floor:
        first -= 1
    elif _began_since(times, first, window, target):
        total = series.values[first]
    counts = series.values[first:last]
    resets = sum(before for before, value in pairwise(counts) if value < before)
    return total + counts[-1] - counts[0] + resets


def _began_since(times: Sequence[float], first: int, window: CountedSpan, target: ScrapedProcess) -> bool:
    at = times[first]
    began = target.began(at)
    if began is not None and window.switch <= began <= at:
        return True
    return first == 0 and target.scraped(window.floor, at)


def usual_gap(times: Iterable[float]) -> float:
    """Return the usual time between two scrapes; 0 where there are not two."""
    return median(after - before for before, after in pairwise(sorted(set(times)))) if len(set(times)) > 1 else 0.0
