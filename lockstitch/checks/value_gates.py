"""Gates on records of logs, and on values of now: what is no share of requests. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from lockstitch.inventory.metrics import GateSettings
from lockstitch.metrics.intervals import CONFIDENCE, Proportion
from lockstitch.metrics.judgement import Answer, Traffic, judge_increase

# The answer, the sentence that says why, and what to do about it.
_Verdict = tuple[Answer, str, str]
_NO_RECORD = "the logs have no record in that time"


def judge_records(
    gate: GateSettings,
    now: tuple[Proportion, float],
    before: tuple[Proportion, float],
    confidence: float = CONFIDENCE,
    *,
    not_worse: bool = False,
) -> _Verdict:
    """Judge how many records match, by their number or by that of before; each with the seconds it was counted in. With
    `not_worse` the number may be what it was before."""
    (count, seconds), (earlier, earlier_seconds) = now, before
    says = f"{count.bad} of {count.total} records match {gate.match}"
    if gate.max is not None and gate.max.number is not None and not not_worse:
        if not count.total:
            return Answer.FEW, f"{_NO_RECORD}: nothing to judge by", ""
        limit = gate.max.number
        return Answer.FAIL if count.bad > limit else Answer.PASS, f"{says}, at most {limit:g}", ""
    if not count.total and not earlier.total:
        return Answer.FEW, f"{_NO_RECORD}, and none before: nothing to judge by", ""
    records, part = (int(gate.increase.number or 0), gate.increase.part or 0.0) if gate.increase else (0, 0.0)
    answer = judge_increase(
        Traffic(count.bad, seconds), Traffic(earlier.bad, earlier_seconds), records, part, confidence
    )
    more = f"{part * 100:g} %" if part else str(records)
    return answer, f"{says}, {earlier.bad} of {earlier.total} before; at most {more} more", ""


def judge_values(gate: GateSettings, values: Mapping[str, float | None]) -> _Verdict:
    """Judge the value of each host by itself: there is nothing to add up, and no interval."""
    assert gate.max is not None
    share = gate.max.part is not None
    limit = gate.max.part if gate.max.part is not None else gate.max.number
    assert limit is not None
    for host, value in values.items():
        if value is None:
            return Answer.BLIND, f"{host}: the source does not say {gate.value or 'its value'}", ""
    host, worst = max(values.items(), key=lambda each: each[1] or 0.0)
    assert worst is not None
    name = f"{gate.value} is " if gate.value else ""
    says = f"{host}: {name}{_shown(worst, share)}, at most {_shown(limit, share)}"
    return Answer.FAIL if worst > limit else Answer.PASS, says, ""


def _shown(value: float, share: bool) -> str:
    return f"{value * 100:.3g} %" if share else f"{value:.6g}"
