"""The bounds of counts, against exact binomial probabilities."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.metrics.intervals import Interval, Proportion, difference, needed, percentile_ranks, rate_ratio, wilson

counts = st.integers(0, 100_000).flatmap(lambda n: st.integers(0, n).map(lambda k: Proportion(k, n)))


@given(counts, st.sampled_from([0.95, 0.99, 0.999]))
def test_wilson_holds_the_share_and_grows_with_the_confidence(count: Proportion, confidence: float) -> None:
    bounds, wider = wilson(count, confidence), wilson(count, 0.9999)
    assert 0 <= wider.low <= bounds.low <= count.share <= bounds.high <= wider.high <= 1 or not count.total


@given(st.floats(0.001, 0.5), st.sampled_from([0.95, 0.99]))
def test_needed_is_the_fewest_requests_whose_clean_record_passes(limit: float, confidence: float) -> None:
    n = needed(limit, confidence)
    assert wilson(Proportion(0, n), confidence).high < limit <= wilson(Proportion(0, n - 1), confidence).high + 1e-12


def _binomial(k: int, n: int, p: float) -> float:
    return math.comb(n, k) * p**k * (1 - p) ** (n - k)


@pytest.mark.parametrize("n", [30, 100, 300, 1000])
@pytest.mark.parametrize("p", [0.02, 0.05, 0.1, 0.2])
def test_a_share_at_the_limit_is_seldom_outside_of_its_bound(n: int, p: float) -> None:
    above = sum(_binomial(k, n, p) for k in range(n + 1) if wilson(Proportion(k, n)).low > p)
    below = sum(_binomial(k, n, p) for k in range(n + 1) if wilson(Proportion(k, n)).high < p)
    # The nominal probability is 0.05. The exact one jumps around it, as counts are whole numbers, and is higher where
    # less than three bad requests are expected: why one reading alone does not fail early.
    assert above < (0.09 if n * p >= 3 else 0.15)
    assert below < 0.09


@given(counts, counts)
def test_a_difference_is_that_of_the_other_side_negated(one: Proportion, other: Proportion) -> None:
    ahead, behind = difference([(1, one), (-1, other)]), difference([(1, other), (-1, one)])
    assert ahead.low == pytest.approx(-behind.high)
    if one.total and other.total:
        assert ahead.low <= one.share - other.share <= ahead.high


def test_a_difference_is_newcombes() -> None:
    # 56/70 and 48/80, two-sided 95 %: the first example of Newcombe (1998), method 10.
    bounds = difference([(1, Proportion(56, 70)), (-1, Proportion(48, 80))], confidence=0.975)
    assert (round(bounds.low, 4), round(bounds.high, 4)) == (0.0524, 0.3339)


def test_nothing_counted_on_one_side_says_nothing_of_the_difference() -> None:
    assert difference([(1, Proportion(5, 10)), (-1, Proportion(0, 0))]) == Interval(-2.0, 2.0)


def test_rate_ratio() -> None:
    few, many = rate_ratio(40, 60, 100, 60), rate_ratio(400, 60, 1000, 60)
    assert [round(bound, 2) for bound in (few.low, few.high, many.low, many.high)] == [0.29, 0.54, 0.36, 0.44]
    assert rate_ratio(10, 60, 0, 60).high == math.inf


@pytest.mark.parametrize(("n", "ranks"), [(100, (90, 100)), (500, (465, 485)), (2000, (1880, 1920))])
def test_percentile_ranks_are_order_statistics(n: int, ranks: tuple[int, int]) -> None:
    assert percentile_ranks(n, 0.95, 0.975) == ranks


def test_a_p95_of_fewer_than_59_has_no_upper_bound() -> None:
    assert percentile_ranks(58, 0.95)[1] is None
    assert percentile_ranks(59, 0.95)[1] == 59
