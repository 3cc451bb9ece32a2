"""Records of simulated runs, judged by other limits than those of then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest

from lockstitch.checks.past_runs import PastRun, app_limits, judge_run
from lockstitch.engine.journal import Journal, Recorder, records
from lockstitch.errors import ExitCode
from lockstitch.model.wave_watch import Way
from tests.engine.simulated import ERRORS, P95, RUN, START, Simulation

Simulate = Callable[..., Simulation]
RULES = {"rollback_on": {"errors": {"over": "10%", "for": "5m"}}}
WORSE = {"source": "access", "status": "5xx", "against": ["old", "before"], "by": "1%"}
TRAFFIC = {"source": "access", "rate": "requests", "against": "before", "drop": "50%"}


@pytest.fixture
def simulate(monkeypatch: pytest.MonkeyPatch) -> Simulate:
    def make(**settings: Any) -> Simulation:
        made = Simulation(**settings)
        monkeypatch.setattr("lockstitch.engine.ask.time", SimpleNamespace(time=made.now, monotonic=made.now))
        return made

    return make


def record(simulation: Simulation, *, watch: bool = False) -> list[Mapping[str, Any]]:
    """Return the record of a simulated run, as it is read back from its file."""
    with TemporaryDirectory() as folder, Journal(Path(folder), RUN) as journal:
        journal.path.write_text("")
        journal.write("run", run=RUN, kind="deploy", environment="prod", by="ada", message="")
        if watch:
            journal.write("watch", state="began", by="ada", start=START, until=START + 3600)
        recorder = Recorder(journal, lambda event: None)
        for event in simulation.events:
            recorder(event)
        return records(journal.path)[0]


def judged(
    simulation: Simulation, gates: dict[str, Any], app: dict[str, Any] | None = None, *, watch: bool = False
) -> PastRun:
    """Judge the record of a simulated run by these gates."""
    events = record(simulation, watch=watch)
    simulation.gates, simulation.app = gates, app or {}
    past = judge_run(RUN, events, app_limits(simulation.fleet()))
    assert past is not None
    return past


def new_bad(share: float, begin: float = 0.0) -> Callable[[str, bool, float], float]:
    return lambda host, new, at: share if new and at >= begin else 0.001


GATES = {"errors": ERRORS, "p95": P95, "worse": WORSE, "traffic": TRAFFIC}


@pytest.mark.parametrize("share", [0.001, 0.03, 0.15])
def test_the_same_limits_say_the_same(simulate: Simulate, share: float) -> None:
    simulation = simulate(gates=GATES, bad=new_bad(share))
    outcome = simulation.deploy()
    last = {(event.begin, event.gate): event.answer for event in simulation.readings}
    past = judged(simulation, GATES)
    assert [gate.verdict for gate in past.gates] == [gate.then for gate in past.gates] == list(last.values())
    assert past.goes_back == past.went == (outcome.code is not ExitCode.DONE) == (share > 0.001), (past, outcome)
    if past.goes_back:
        # It is decided by the same reading.
        assert past.when == max(event.end for event in simulation.readings)


def test_a_lower_limit_takes_back_what_passed_and_a_higher_one_lets_it_pass(simulate: Simulate) -> None:
    simulation = simulate(bad=new_bad(0.03))
    assert simulation.deploy().code is ExitCode.DONE
    lower = judged(simulation, {"errors": {**ERRORS, "max": "1%"}})
    assert lower.goes_back and not lower.went and lower.when is not None
    assert START < lower.when <= START + 610 and "gate errors of api fails" in lower.reason
    assert judged(simulation, {"errors": {**ERRORS, "max": "20%"}}).goes_back is False

    failed = simulate(bad=new_bad(0.15))
    assert failed.deploy().code is not ExitCode.DONE
    higher = judged(failed, {"errors": {**ERRORS, "max": "30%"}})
    # That pause ended early: what it would have shown later was never counted.
    assert higher.went and higher.goes_back is None and "what came later is not known" in higher.notes[0]


def test_what_old_hosts_fail_as_well_takes_nothing_back(simulate: Simulate) -> None:
    simulation = simulate(bad=lambda host, new, at: 0.03 if at > 0 else 0.001)
    assert simulation.deploy().code is ExitCode.DONE
    past = judged(simulation, {"errors": {**ERRORS, "max": "1%"}})
    assert past.way is Way.ASK and past.goes_back is False and "with the old release too" in past.reason


def test_what_failed_before_is_judged_not_worse(simulate: Simulate) -> None:
    simulation = simulate(bad=lambda host, new, at: 0.03)
    assert simulation.deploy().code is ExitCode.DONE
    past = judged(simulation, {"errors": {**ERRORS, "max": "1%"}})
    assert past.goes_back is False and "not worse than before" in past.gates[0].says


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (
            {"errors": {**ERRORS, "status": 502}},
            "then it counted access: status 500 to 599, now access: status 502 to 502",
        ),
        ({"p95": {**P95, "max": "200ms"}}, "then it counted access: over 0.3 s, now access: over 0.2 s"),
        ({"errors": {"source": "page", "status": "5xx", "max": "5%"}}, "now page: status 500 to 599"),
        ({"other": ERRORS}, "the record has no reading of it"),
    ],
)
def test_counts_of_something_else_are_not_comparable(simulate: Simulate, now: dict[str, Any], says: str) -> None:
    simulation = simulate(gates={"errors": ERRORS, "p95": P95})
    assert simulation.deploy().code is ExitCode.DONE
    past = judged(simulation, now)
    assert past.goes_back is None and {gate.verdict for gate in past.gates} == {None}
    assert all(says in gate.says for gate in past.gates), past.gates
    dry = judged(simulation, {name: {**gate, "dry": True} for name, gate in now.items()})
    assert dry.goes_back is False, "what decides nothing keeps nothing from being known"


def test_another_percentile_of_the_same_limit_is_comparable(simulate: Simulate) -> None:
    simulation = simulate(gates={"p95": P95}, slow=lambda host, new, at: 0.2 if new else 0.001)
    assert simulation.deploy().code is not ExitCode.DONE
    (gate,) = judged(simulation, {"p95": {**P95, "percentile": 70}}).gates
    assert (gate.verdict, gate.then) == ("pass", "fail")


def test_a_source_that_was_blind_is_not_a_pass(simulate: Simulate) -> None:
    simulation = simulate(blind=lambda host, at: "no such file" if at > 0 else "", policy={"unclear": "continue"})
    simulation.deploy()
    past = judged(simulation, {"errors": ERRORS})
    assert {gate.verdict for gate in past.gates} == {"blind"} and past.way is not Way.ON


def test_a_watch_by_another_rule(simulate: Simulate) -> None:
    simulation = simulate(bad=new_bad(0.08, 600))
    assert simulation.watch(((3600.0, 300.0),)).state == "over"
    rules = {"rollback_on": {"errors": {"over": "5%", "for": "10m"}}}
    past = judged(simulation, {"errors": ERRORS}, rules, watch=True)
    assert past.goes_back and past.when == pytest.approx(START + 1200, abs=5), past
    assert "gate errors of api, for 10 min" in past.reason
    longer = {"rollback_on": {"errors": {"over": "5%", "for": "2h"}}}
    assert judged(simulation, {"errors": ERRORS}, longer, watch=True).goes_back is False
    higher = judged(simulation, {"errors": ERRORS}, RULES, watch=True)
    assert higher.goes_back is False and {gate.part for gate in higher.gates} == {"watch"}
    short = judged(simulation, {"errors": ERRORS}, {"rollback_on": {"errors": {"over": "5%", "for": "1m"}}}, watch=True)
    assert any("shorter than 5 min" in note for note in short.notes)


def test_a_time_below_the_limit_begins_anew(simulate: Simulate) -> None:
    simulation = simulate(bad=lambda host, new, at: 0.3 if new and at % 600 < 300 else 0.001)
    assert simulation.watch(((3600.0, 300.0),)).state == "over"
    rule = {"errors": {"over": "5%", "for": "10m"}}
    assert judged(simulation, {"errors": ERRORS}, {"rollback_on": rule}, watch=True).goes_back is False
    rule["errors"]["for"] = "5m"
    assert judged(simulation, {"errors": ERRORS}, {"rollback_on": rule}, watch=True).goes_back


def test_a_watch_that_went_back(simulate: Simulate) -> None:
    simulation = simulate(bad=new_bad(0.2, 600), app=RULES)
    assert simulation.watch(((3600.0, 300.0),)).state == "back"
    past = judged(simulation, {"errors": ERRORS}, RULES, watch=True)
    ((at, _),) = simulation.backs
    assert past.goes_back and past.when is not None and at - 30 <= past.when - START <= at
    assert judged(simulation, {"errors": ERRORS}, {}, watch=True).goes_back is False


def test_an_outage_that_old_hosts_share_takes_no_watch_back(simulate: Simulate) -> None:
    simulation = simulate(bad=lambda host, new, at: 0.3 if at > 600 else 0.001)
    simulation.watch(((3600.0, 300.0),), new=("web1",))
    past = judged(simulation, {"errors": ERRORS}, RULES, watch=True)
    assert past.goes_back is False


def test_readings_that_are_not_understood_are_told(simulate: Simulate) -> None:
    simulation = simulate()
    simulation.deploy()
    limits, events = app_limits(simulation.fleet()), record(simulation)
    events = [{**e, "counts": {"of": 1}} if e["event"] == "reading" else e for e in events]
    past = judge_run(RUN, events, limits)
    assert past is not None and past.goes_back is None
    assert "readings of its record are not understood" in past.notes[0]
    assert judge_run(RUN, [{"event": "run"}], limits) is None
