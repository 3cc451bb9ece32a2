"""Confidence intervals of counts: what a proportion, a difference or a ratio can be, given what was seen.

Wilson's interval is used for proportions, Newcombe's (square-and-add, method 10 of his paper of 1998) for differences.
Each bound holds by itself with the given confidence: these are one-sided bounds, of which two make an interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

from lockstitch.model.lazy_dataclass import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Proportion:
    """`bad` of `total`: requests with errors, requests that took too long, …"""

    bad: int
    total: int

    def __add__(self, other: Proportion) -> Proportion:
        return Proportion(self.bad + other.bad, self.total + other.total)

    @property
    def share(self) -> float:
        """The share that was bad, from 0 to 1; 0 where nothing was counted."""
        return self.bad / self.total if self.total else 0.0


@dataclass(frozen=True)
class Interval:
    """The lower and the upper bound of a value."""

    low: float
    high: float


@lru_cache
def normal_quantile(confidence: float) -> float:
    """Return the standard normal quantile of a one-sided confidence: 1.645 for 0.95."""
    return NormalDist().inv_cdf(confidence)


def wilson(count: Proportion, confidence: float = CONFIDENCE) -> Interval:
    """Return Wilson's bounds of a share; from 0 to 1 where nothing was counted."""
    if not count.total:
        return Interval(0.0, 1.0)
    z = normal_quantile(confidence)
    k, n = count.bad, count.total
    middle, reach = k + z * z / 2, z * math.sqrt(k * (n - k) / n + z * z / 4)
    # The formula gives exactly 0 and 1 at the ends, but for rounding.
    low = 0.0 if k == 0 else (middle - reach) / (n + z * z)
    return Interval(low, 1.0 if k == n else (middle + reach) / (n + z * z))


def needed(limit: float, confidence: float = CONFIDENCE) -> int:
    """Return how many requests without an error show that the share is below a limit (between 0 and 1)."""
    z = normal_quantile(confidence)
    return math.floor(z * z * (1 - limit) / limit) + 1


def difference(signed: Sequence[tuple[int, Proportion]], confidence: float = CONFIDENCE) -> Interval:
    """Return the bounds of a sum of shares, each taken with its sign (1 or -1): `[(1, new), (-1, old)]` is Newcombe's
    interval of new − old, and two more terms make a difference of differences."""
    value, below, above = 0.0, 0.0, 0.0
    for sign, count in signed:
        bounds, share = wilson(count, confidence), count.share
        if not count.total:
            # Nothing is known of it: it can be anything, on both sides.
            return Interval(-float(len(signed)), float(len(signed)))
        value += sign * share
        less, more = share - bounds.low, bounds.high - share
        below += (less if sign > 0 else more) ** 2
        above += (more if sign > 0 else less) ** 2
    return Interval(value - math.sqrt(below), value + math.sqrt(above))


def rate_ratio(
    now: int, now_seconds: float, before: int, before_seconds: float, confidence: float = CONFIDENCE
) -> Interval:
    """Return the bounds of the ratio of two rates, now to before: how often something happened in how many seconds.

    Given their sum, `now` is binomial with the share of time. The upper bound is infinite where before may be 0.
    """
    share = wilson(Proportion(now, now + before), confidence)
    scale = before_seconds / now_seconds
    return Interval(*(math.inf if p >= 1 else p / (1 - p) * scale for p in (share.low, share.high)))


def percentile_ranks(total: int, percentile: float, confidence: float = CONFIDENCE) -> tuple[int, int | None]:
    """Return the ranks (from 1) of the ordered values between which a percentile (0 to 1) lies, each bound with the
    confidence. The upper one is None where even the largest value may be too small."""
    z = normal_quantile(confidence)
    middle, reach = total * percentile, z * math.sqrt(total * percentile * (1 - percentile))
    upper = None if percentile**total > 1 - confidence else min(total, math.ceil(middle + reach))
    return max(1, math.floor(middle - reach)), upper
