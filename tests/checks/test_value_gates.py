"""Gates on shares of something else than requests, on records of logs, and on values of now."""

from __future__ import annotations

from typing import Any

import pytest

from lockstitch.checks.metric_gates import HostMeasurement, judge_gate
from lockstitch.inventory.metrics import GateSettings
from lockstitch.metrics.intervals import Proportion
from lockstitch.metrics.judgement import Answer
from lockstitch.metrics.measurement import Measurement, Requests

NO_REQUESTS = Requests()


def gate(**settings: Any) -> GateSettings:
    return GateSettings.model_validate({"source": "other", **settings})


def host(name: str, now: Requests, before: Requests = NO_REQUESTS, *, new: bool = True) -> HostMeasurement:
    return HostMeasurement(name, new, Measurement((now, before)), 60.0)


def share(bad: int, total: int) -> Requests:
    return Requests(share=Proportion(bad, total))


def records(bad: int, total: int) -> Requests:
    return Requests(records={"ERROR": Proportion(bad, total)})


def value(name: str, number: float | None, key: str = "") -> HostMeasurement:
    values = {} if number is None else {key: number}
    return HostMeasurement(name, True, Measurement((Requests(), Requests()), values=values), 60.0)


@pytest.mark.parametrize(
    ("bad", "total", "answer"),
    [(0, 51, Answer.FEW), (0, 52, Answer.PASS), (8, 100, Answer.UNCLEAR), (9, 100, Answer.FAIL), (0, 0, Answer.FEW)],
)
def test_a_share_is_judged_by_the_same_table(bad: int, total: int, answer: Answer) -> None:
    reading = judge_gate("g", gate(max="5%"), [host("a", share(bad, total))])
    assert reading.answer is answer
    assert reading.says.startswith(f"{bad} of {total} are bad")


def test_shares_are_pooled_and_compared() -> None:
    hosts = [host("a", share(180, 3000), share(60, 3000)), host("b", share(15, 3000), share(15, 3000), new=False)]
    for against in ("old", "before", ["old", "before"]):
        assert judge_gate("g", gate(against=against, by="0.5%"), hosts).answer is Answer.FAIL
    assert judge_gate("g", gate(max="1%"), [hosts[0], hosts[0]]).says.startswith("360 of 6000")


@pytest.mark.parametrize(
    ("now", "before", "increase", "answer"),
    [
        (0, 0, 0, Answer.PASS),
        (5, 5, 0, Answer.PASS),
        (5, 9, 0, Answer.PASS),
        (1, 0, 0, Answer.UNCLEAR),
        (2, 0, 0, Answer.UNCLEAR),
        (3, 0, 0, Answer.FAIL),
        (6, 4, 0, Answer.UNCLEAR),
        (40, 10, 0, Answer.FAIL),
        (3, 0, 3, Answer.PASS),
        (4, 0, 3, Answer.UNCLEAR),
        (6, 0, 3, Answer.FAIL),
        (14, 10, "50%", Answer.PASS),
        (18, 10, "50%", Answer.UNCLEAR),
        (40, 10, "50%", Answer.FAIL),
    ],
)
def test_records_against_before(now: int, before: int, increase: Any, answer: Answer) -> None:
    settings = gate(match="ERROR", against="before", increase=increase)
    reading = judge_gate("g", settings, [host("a", records(now, 100), records(before, 100))])
    assert reading.answer is answer, reading
    assert f"{now} of 100 records match ERROR, {before} of 100 before" in reading.says


@pytest.mark.parametrize(("bad", "total", "answer"), [(0, 10, "pass"), (2, 10, "pass"), (3, 10, "fail"), (0, 0, "few")])
def test_a_number_of_records(bad: int, total: int, answer: str) -> None:
    assert judge_gate("g", gate(match="ERROR", max=2), [host("a", records(bad, total))]).answer.value == answer


def test_logs_without_a_record_are_no_pass() -> None:
    settings = gate(match="ERROR", against="before", increase=0)
    assert judge_gate("g", settings, [host("a", records(0, 0), records(0, 0))]).answer is Answer.FEW
    assert judge_gate("g", settings, [host("a", Requests())]).answer is Answer.FEW


def test_values_are_judged_host_by_host() -> None:
    settings = gate(value="memory", max="90%")
    reading = judge_gate("g", settings, [value("a", 0.5, "memory"), value("b", 0.93, "memory")])
    assert (reading.answer, reading.says) == (Answer.FAIL, "b: memory is 93 %, at most 90 %")
    assert judge_gate("g", settings, [value("a", 0.5, "memory"), value("b", 0.9, "memory")]).answer is Answer.PASS
    reading = judge_gate("g", settings, [value("a", 0.5, "memory"), value("b", None)])
    assert (reading.answer, reading.says) == (Answer.BLIND, "b: the source does not say memory")


def test_a_number() -> None:
    reading = judge_gate("g", gate(max=100), [value("a", 100.0), value("b", 7.0)])
    assert (reading.answer, reading.says) == (Answer.PASS, "a: 100, at most 100")
    assert judge_gate("g", gate(max=0), [value("a", 0.5)]).answer is Answer.FAIL
