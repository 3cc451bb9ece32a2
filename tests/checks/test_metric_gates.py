"""Gates judged by measurements of several hosts."""

from __future__ import annotations

from typing import Any

import pytest

from lockstitch.checks.metric_gates import HostMeasurement, judge_gate
from lockstitch.inventory.metrics import GateSettings
from lockstitch.metrics.judgement import Answer
from lockstitch.metrics.measurement import Durations, Measurement, Requests

ERRORS = {"status": "5xx", "max": "5%"}
P95 = {"percentile": 95, "max": "300ms"}


def gate(**settings: Any) -> GateSettings:
    return GateSettings.model_validate({"source": "access", **settings})


def requests(total: int, bad: int = 0, slow: int = 0, untimed: int = 0) -> Requests:
    durations = Durations(total - untimed, {10: total - untimed}, {0.3: slow})
    return Requests({200: total - bad, 502: bad}, durations, untimed)


def host(name: str, now: Requests, before: Requests | None = None, *, new: bool = True) -> HostMeasurement:
    return HostMeasurement(name, new, Measurement((now, before or requests(0))), 60.0)


def test_hosts_are_pooled() -> None:
    hosts = [host("a", requests(30)), host("b", requests(30))]
    assert judge_gate("errors", gate(**ERRORS), hosts).answer is Answer.PASS
    assert judge_gate("errors", gate(**ERRORS), hosts[:1]).answer is Answer.FEW


def test_only_the_new_hosts_are_judged() -> None:
    hosts = [host("a", requests(100)), host("b", requests(100, bad=50), new=False)]
    reading = judge_gate("errors", gate(**ERRORS), hosts)
    assert (reading.answer, reading.says[:18]) == (Answer.PASS, "0 of 100 requests ")


def test_a_percentile_is_a_share() -> None:
    assert judge_gate("p95", gate(**P95), [host("a", requests(300, slow=8))]).answer is Answer.PASS
    assert judge_gate("p95", gate(**P95), [host("a", requests(300, slow=22))]).answer is Answer.FAIL


@pytest.mark.parametrize("settings", [ERRORS, P95])
def test_a_blind_host_makes_the_gate_blind(settings: dict[str, Any]) -> None:
    lost = HostMeasurement("b", True, Measurement(blind="no such file", hint="look"), 60.0)
    reading = judge_gate("g", gate(**settings), [host("a", requests(1000)), lost])
    assert (reading.answer, reading.says, reading.hint) == (Answer.BLIND, "b: no such file", "look")


def test_no_host_is_no_pass() -> None:
    assert judge_gate("errors", gate(**ERRORS), []).answer is Answer.BLIND


def test_requests_without_durations_make_a_percentile_blind_and_not_the_errors() -> None:
    hosts = [host("a", requests(1000, untimed=1))]
    assert judge_gate("p95", gate(**P95), hosts).answer is Answer.BLIND
    assert judge_gate("errors", gate(**ERRORS), hosts).answer is Answer.PASS


def test_against_the_old_hosts_and_each_host_itself_before() -> None:
    always_worse = [
        host("a", requests(3000, bad=60), requests(3000, bad=60)),
        host("b", requests(3000, bad=15), requests(3000, bad=15), new=False),
    ]
    against = {"status": "5xx", "by": "0.5%"}
    assert judge_gate("w", gate(against="old", **against), always_worse).answer is Answer.FAIL
    assert judge_gate("w", gate(against=["old", "before"], **against), always_worse).answer is not Answer.FAIL
    assert judge_gate("w", gate(against="before", **against), always_worse).answer is not Answer.FAIL
    worse = [host("a", requests(3000, bad=180), requests(3000, bad=60)), always_worse[1]]
    for beside in (["old", "before"], ["before"]):
        assert judge_gate("w", gate(against=beside, **against), worse).answer is Answer.FAIL


def test_without_old_hosts_nothing_is_compared_with_them() -> None:
    reading = judge_gate("w", gate(status="5xx", against="old", by="1%"), [host("a", requests(1000))])
    assert (reading.answer, reading.says) == (Answer.FEW, "no host runs another release")


def test_traffic() -> None:
    drop = gate(rate="requests", against="before", drop="50%")
    assert judge_gate("t", drop, [host("a", requests(400), requests(1000))]).answer is Answer.FAIL
    assert judge_gate("t", drop, [host("a", requests(950), requests(1000))]).answer is Answer.PASS
    assert judge_gate("t", drop, [host("a", requests(0), requests(1000))]).answer is Answer.FAIL
    assert judge_gate("t", drop, [host("a", requests(9), requests(0))]).answer is Answer.FEW


@pytest.mark.parametrize(
    ("slow", "unsure", "answer"),
    [(8, 0, Answer.PASS), (2, 6, Answer.PASS), (8, 14, Answer.UNCLEAR), (22, 50, Answer.FAIL), (8, 4, Answer.UNCLEAR)],
)
def test_a_limit_between_two_buckets_passes_or_fails_only_if_both_counts_agree(
    slow: int, unsure: int, answer: Answer
) -> None:
    durations = Durations(300, {}, {0.3: slow}, {0.3: unsure})
    reading = judge_gate("p95", gate(**P95), [host("a", Requests({200: 300}, durations))])
    assert reading.answer is answer
    assert ("between two buckets" in reading.says) == (reading.answer is Answer.UNCLEAR)


def test_a_single_status_is_not_judged_by_kinds_of_statuses() -> None:
    hosts = [host("a", Requests({200: 100, 500: 50}, grouped=150))]
    assert judge_gate("errors", gate(status=502, max="5%"), hosts).answer is Answer.BLIND
    assert judge_gate("errors", gate(**ERRORS), hosts).answer is Answer.FAIL
