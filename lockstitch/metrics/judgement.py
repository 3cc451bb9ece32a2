"""Counts against limits. No data is never a pass, and never a failure either."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import TypeVar

from lockstitch.metrics.intervals import (
    CONFIDENCE,
    Interval,
    Proportion,
    difference,
    needed,
    rate_ratio,
    wilson,
)
from lockstitch.model.lazy_dataclass import dataclass

CERTAIN = 0.999
IN_A_ROW = 3
LEAST_BAD = 3
T = TypeVar("T")


class Answer(Enum):
    """Answers of counts to a limit. The last three are inconclusive.

    `FEW`: there are fewer requests than a clean record would need. `UNCLEAR`: there are enough, but the limit lies
    inside the interval. `BLIND`: the source cannot be read, is stale, or is not understood.
    """

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    FEW = "few"
    UNCLEAR = "unclear"
    BLIND = "blind"


@dataclass(frozen=True)
class Traffic:
    """Number of events in so many seconds."""

    events: int
    seconds: float


@dataclass(frozen=True)
class Comparison:
    """Counts of new hosts, beside those they are compared with.

    `other` is what old hosts counted in the same time, or what the new ones did before. With both `new_before` and
    `other_before`, each is compared with itself before the change.
    """

    new: Proportion
    other: Proportion
    new_before: Proportion | None = None
    other_before: Proportion | None = None

    @property
    def terms(self) -> tuple[tuple[int, Proportion], ...]:
        """Each count with its sign, for `difference`."""
        terms = [(1, self.new), (-1, self.other)]
        if self.new_before is not None and self.other_before is not None:
            terms += [(-1, self.new_before), (1, self.other_before)]
        return tuple(terms)


def confidence_of(gates: int) -> float:
    """Return the confidence with which each of so many gates is judged that may roll back: together 0.95."""
    return 1 - (1 - CONFIDENCE) / max(1, gates)


def judge_share(count: Proportion, limit: float, confidence: float = CONFIDENCE) -> Answer:
    """Judge whether the share that is bad is below a limit (between 0 and 1)."""
    return _judge(wilson(count, confidence), limit, count.total >= needed(limit, confidence))


def judge_worsening(comparison: Comparison, by: float, confidence: float = CONFIDENCE) -> Answer:
    """Judge whether new hosts are worse than others by more than `by`, in shares. A failure needs 3 bad requests."""
    clean = [(sign, Proportion(0, count.total)) for sign, count in comparison.terms]
    answer = _judge(difference(comparison.terms, confidence), by, enough=difference(clean, confidence).high < by)
    if answer is Answer.FAIL and comparison.new.bad < LEAST_BAD:
        return Answer.FEW
    return answer


def judge_drop(now: Traffic, before: Traffic, drop: float, confidence: float = CONFIDENCE) -> Answer:
    """Judge whether traffic has dropped by no more than `drop` (between 0 and 1) of what it was before."""
    if not before.events or not now.seconds or not before.seconds:
        return Answer.FEW
    least = 1 - drop
    ratio = rate_ratio(now.events, now.seconds, before.events, before.seconds, confidence)
    same = round(before.events * now.seconds / before.seconds)
    steady = rate_ratio(same, now.seconds, before.events, before.seconds, confidence)
    # The smaller the ratio the worse: the share is what is missing.
    return _judge(Interval(-ratio.high, -ratio.low), -least, enough=steady.low > least)


def judge_increase(
    now: Traffic, before: Traffic, events: int = 0, part: float = 0.0, confidence: float = CONFIDENCE
) -> Answer:
    """Judge whether something happened no more often than before: by `events`, or by `part` of what it was. It passes
    where it did not, and fails where that is certain; a failure needs 3 of them."""
    scale = now.seconds / before.seconds if before.seconds else 1.0
    if now.events <= before.events * scale * (1 + part) + events:
        return Answer.PASS
    ratio = rate_ratio(max(0, now.events - events), now.seconds, before.events, before.seconds or 1.0, confidence)
    return Answer.FAIL if ratio.low > 1 + part and now.events >= LEAST_BAD else Answer.UNCLEAR


def judge_not_worse(comparison: Comparison, limit: float, confidence: float = CONFIDENCE) -> Answer:
    """Judge whether new hosts are no worse than before, where that was over a limit already: a failure is shown, and so
    is a pass by as many requests as a clean record needs."""
    if judge_worsening(comparison, 0.0, confidence) is Answer.FAIL:
        return Answer.FAIL
    enough = comparison.new.total >= needed(limit, confidence) and comparison.other.total > 0
    return Answer.PASS if enough else Answer.FEW


def fails_early(readings: Sequence[T], judge: Callable[[T, float], Answer], confidence: float = CONFIDENCE) -> bool:
    """Return whether readings over disjoint windows, the newest last, fail before the time is over: three in a row
    do, or one that is all but certain. `judge` gets a reading and a confidence."""
    if not readings:
        return False
    if judge(readings[-1], max(CERTAIN, confidence)) is Answer.FAIL:
        return True
    row = readings[-IN_A_ROW:]
    return len(row) == IN_A_ROW and all(judge(reading, confidence) is Answer.FAIL for reading in row)


def _judge(bounds: Interval, limit: float, enough: bool) -> Answer:
    if bounds.low > limit:
        return Answer.FAIL
    if bounds.high < limit:
        return Answer.PASS
    return Answer.UNCLEAR if enough else Answer.FEW
