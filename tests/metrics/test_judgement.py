"""Verdicts of counts: the values of the specification, and how often the rules are wrong."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.metrics.intervals import Proportion, needed
from lockstitch.metrics.judgement import (
    Answer,
    Comparison,
    Traffic,
    confidence_of,
    fails_early,
    judge_drop,
    judge_not_worse,
    judge_share,
    judge_worsening,
)

TABLE = {
    0.1: (25, "2/10 few · 3/10 fail · 15/100 fail"),
    0.05: (
        52,
        "0/51 few · 0/52 pass · 1/100 pass · 2/100 unclear · 8/100 unclear · 9/100 fail · 8/300 pass · 22/300 fail",
    ),
    0.02: (133, "0/132 few · 0/133 pass"),
    0.01: (268, "0/100 few · 3/100 fail · 0/300 pass · 6/300 fail"),
    0.005: (539, "0/538 few · 0/539 pass"),
    0.001: (2703, "0/2702 few · 0/2703 pass"),
}
ROWS = [(limit, row) for limit, (_, rows) in TABLE.items() for row in rows.split(" · ")]


@pytest.mark.parametrize(("limit", "row"), ROWS)
def test_share(limit: float, row: str) -> None:
    counts, answer = row.split()
    bad, total = map(int, counts.split("/"))
    assert judge_share(Proportion(bad, total), limit).value == answer


@pytest.mark.parametrize(("limit", "n"), [(limit, n) for limit, (n, _) in TABLE.items()])
def test_a_clean_record_needs_so_many(limit: float, n: int) -> None:
    assert needed(limit) == n


@given(st.floats(0.001, 0.9), st.sampled_from([0.95, 0.99]))
def test_nothing_asked_is_neither_pass_nor_fail(limit: float, confidence: float) -> None:
    nothing = Proportion(0, 0)
    assert judge_share(nothing, limit, confidence) is Answer.FEW
    assert judge_worsening(Comparison(nothing, Proportion(0, 500)), limit, confidence) is Answer.FEW
    assert judge_worsening(Comparison(Proportion(400, 500), nothing), limit, confidence) is Answer.FEW
    assert judge_drop(Traffic(5, 60), Traffic(0, 60), limit, confidence) is Answer.FEW
    assert judge_not_worse(Comparison(nothing, Proportion(90, 100)), limit, confidence) is Answer.FEW
    assert judge_not_worse(Comparison(Proportion(90, 100), nothing), limit, confidence) is Answer.FEW
    assert not fails_early([], _share(limit), confidence)
    assert not fails_early([nothing] * 3, _share(limit), confidence)


def _share(limit: float) -> Callable[[Proportion, float], Answer]:
    return lambda count, confidence: judge_share(count, limit, confidence)


def test_what_failed_before_only_must_not_be_worse() -> None:
    broken = Proportion(40, 100)
    for bad, answer in ((0, Answer.PASS), (40, Answer.PASS), (45, Answer.PASS), (70, Answer.FAIL)):
        assert judge_not_worse(Comparison(Proportion(bad, 100), broken), 0.05) is answer
    assert judge_not_worse(Comparison(Proportion(0, 20), broken), 0.05) is Answer.FEW


@given(st.integers(0, 400), st.integers(0, 400), st.floats(0.01, 0.5))
def test_more_errors_never_make_a_better_answer(bad: int, good: int, limit: float) -> None:
    order = [Answer.PASS, Answer.FEW, Answer.UNCLEAR, Answer.FAIL]
    n = bad + good
    if n and good:
        better, worse = judge_share(Proportion(bad, n), limit), judge_share(Proportion(bad + 1, n), limit)
        assert order.index(better) <= order.index(worse)


def test_a_worsening_needs_three_bad_requests() -> None:
    clean = Proportion(0, 2000)
    assert judge_worsening(Comparison(Proportion(2, 20), clean), 0.005) is Answer.FEW
    assert judge_worsening(Comparison(Proportion(6, 60), clean), 0.005) is Answer.FAIL


def test_drop() -> None:
    assert judge_drop(Traffic(40, 60), Traffic(100, 60), 0.5) is Answer.UNCLEAR
    assert judge_drop(Traffic(400, 60), Traffic(1000, 60), 0.5) is Answer.FAIL
    assert judge_drop(Traffic(950, 60), Traffic(1000, 60), 0.5) is Answer.PASS
    assert judge_drop(Traffic(4, 60), Traffic(4, 60), 0.5) is Answer.FEW
    # A shorter window is judged by its rate.
    assert judge_drop(Traffic(240, 60), Traffic(1000, 240), 0.5) is Answer.PASS
    # No request at all is what a dead balancer looks like, and not "few".
    assert judge_drop(Traffic(0, 60), Traffic(1000, 60), 0.5) is Answer.FAIL


def test_an_early_failure_needs_three_in_a_row_or_certainty() -> None:
    bad, fine, certain = Proportion(5, 30), Proportion(0, 30), Proportion(15, 30)
    assert judge_share(bad, 0.05) is Answer.FAIL
    assert not fails_early([bad, bad], _share(0.05))
    assert not fails_early([bad, fine, bad, bad], _share(0.05))
    assert fails_early([fine, bad, bad, bad], _share(0.05))
    assert fails_early([certain], _share(0.05))


def test_several_gates_share_what_may_be_wrong() -> None:
    assert [round(confidence_of(n), 4) for n in (0, 1, 5)] == [0.95, 0.95, 0.99]


def _draw(source: random.Random, n: int, p: float) -> Proportion:
    return Proportion(sum(source.random() < p for _ in range(n)), n)


def test_false_alarms_of_a_watch() -> None:
    """60 readings of 30 requests with 2 % of errors, and a limit of 5 %."""
    source, watches = random.Random(20261129), 400
    raw = early = 0
    for _ in range(watches):
        readings = [_draw(source, 30, 0.02) for _ in range(60)]
        raw += any(count.share > 0.05 for count in readings)
        early += any(fails_early(readings[: n + 1], _share(0.05)) for n in range(60))
    print(f"raw {raw / watches:.4f}, ours {early / watches:.4f}")
    assert raw / watches > 0.99
    assert early / watches < 0.05


def test_false_blame_of_a_host_that_always_was_worse() -> None:
    """600 requests on each side: the new ones always had 2 % of errors, the old ones 1 %."""
    source, rounds = random.Random(20261129), 1000
    plain = itself = found = 0
    for _ in range(rounds):
        old, before, old_before = (_draw(source, 600, p) for p in (0.01, 0.02, 0.01))
        same, worse = _draw(source, 600, 0.02), _draw(source, 600, 0.06)
        plain += judge_worsening(Comparison(same, old), 0.0) is Answer.FAIL
        itself += judge_worsening(Comparison(same, old, before, old_before), 0.0) is Answer.FAIL
        found += judge_worsening(Comparison(worse, old, before, old_before), 0.0) is Answer.FAIL
    print(f"plain {plain / rounds:.3f}, beside itself {itself / rounds:.3f}, found {found / rounds:.3f}")
    assert plain / rounds > 0.3
    assert itself / rounds < 0.08
    assert found / rounds > 0.8
