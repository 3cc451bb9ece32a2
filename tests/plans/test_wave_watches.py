"""The plan's words about metric gates: what each needs, how long that takes, and what refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.checks.metric_gates import HostMeasurement, judge_gate, seconds_needed
from lockstitch.errors import CheckError, UsageError
from lockstitch.facts.site import CheckoutFacts, Facts, Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.metrics import GateSettings
from lockstitch.metrics.intervals import Proportion, needed
from lockstitch.metrics.measurement import Durations, Measurement, Requests
from lockstitch.model.plan import Change, Plan, Site, SitePlan, Wave
from lockstitch.model.wave_watch import WaveWatch
from lockstitch.plans.wave_watches import GateSurvey, survey_queries, with_pause, with_watches
from tests.engine.simulated import ERRORS, HOSTS, P95, Simulation


def fleet(gates: Mapping[str, Any], pause: float = 600.0) -> Fleet:
    return with_pause(Simulation(gates=dict(gates)).fleet(), pause)


def planned(known: Fleet, waves: Sequence[Sequence[str]] = (HOSTS[:1], HOSTS[1:])) -> Plan:
    app = known.inventory.app("api", HOSTS[0])
    at = {name: Site(name, "api", app.layout_paths, None) for name in HOSTS}
    pause = known.groups[0].rollout.pause
    watch = WaveWatch("api") if app.gates and pause else None
    made = tuple(
        Wave(f"api {n}", tuple(SitePlan(at[name], ()) for name in names), visible=True, pause=pause, watch=watch)
        for n, names in enumerate(waves, 1)
    )
    changes = tuple(Change(site, "a" * 40, "b" * 40, "r2") for site in at.values())
    return Plan("deploy", "prod", "r", "ada", "", made, changes=changes)


def survey(known: Fleet, answers: Mapping[str, Measurement], *waived: str) -> GateSurvey:
    """Counts of ten minutes before, by host."""
    sites = [(host, app) for host, app in known.sites()]
    at = {Site(h.name, a.name, a.layout_paths, None): Facts(Site(h.name, a.name, a.layout_paths)) for h, a in sites}
    deployed = {site: replace(facts, place=CheckoutFacts(True, "a" * 40, "r1")) for site, facts in at.items()}
    queries, made = survey_queries(known, Survey(deployed), ("api",))
    return replace(made, measured={query.key: answers[query.host.name] for query in queries}, waived=waived)


def counts(total: int, bad: int = 0) -> Measurement:
    return Measurement((Requests({200: total - bad, 502: bad}, Durations(total, {10: total}, {0.3: 0})),))


def notes(known: Fleet, answers: Mapping[str, Measurement], *waived: str) -> str:
    return "\n".join(with_watches(planned(known), known, survey(known, answers, *waived)).notes)


def test_the_price_is_that_of_the_wave_with_the_fewest_requests() -> None:
    known = fleet({"errors": ERRORS})
    said = notes(known, {"web1": counts(120), "web2": counts(6000), "web3": counts(6000)})
    assert (
        said == "api: gate errors needs 52 requests, and 12 came in a minute on web1: 4 min 17 s of the pause of 10 min"
    )


def test_a_pause_that_is_too_short_is_told() -> None:
    known = fleet({"errors": ERRORS, "p95": P95}, pause=60)
    said = notes(known, dict.fromkeys(HOSTS, counts(60)))
    # Two gates that may roll back are judged at 97.5 %, which needs more; durations wait for the warm-up besides.
    assert "gate errors needs 73 requests, and 60 came in a minute" in said
    assert said.count("for which the pause of 1 min is too short") == 2
    assert "gate p95 needs 73 requests, and 60 came in a minute on web1: 1 min 42 s" in said


def test_without_requests_a_gate_will_not_pass() -> None:
    said = notes(fleet({"errors": ERRORS}), dict.fromkeys(HOSTS, counts(0)))
    assert "needs 52 requests, and 0 came in a minute on web1: it will not pass in the pause of 10 min" in said


def test_without_a_pause_gates_judge_nothing() -> None:
    said = notes(fleet({"errors": ERRORS}, pause=0), {})
    assert said == "api: its metric gates judge nothing: there is no pause (rollout.pause, or --pause 15m)"


def test_an_app_that_no_gate_covers_is_told_where_there_are_sources() -> None:
    assert notes(fleet({}), {}) == "api: no metric gate judges this release"


def test_only_dry_gates_decide_nothing() -> None:
    known = fleet({"errors": {**ERRORS, "dry": True}})
    plan = with_watches(planned(known), known, survey(known, dict.fromkeys(HOSTS, counts(600))))
    assert plan.notes[0] == "api: no metric gate decides about this release"
    assert plan.waves[0].watch is not None and plan.waves[0].watch.deciding == ()


BLIND = {**dict.fromkeys(HOSTS, counts(600)), "web2": Measurement(blind="no such file", hint="look")}


def test_a_blind_gate_refuses_and_says_what_to_type() -> None:
    known = fleet({"errors": ERRORS})
    with pytest.raises(CheckError) as refused:
        notes(known, BLIND)
    assert "api: gate errors cannot be judged: web2: no such file; look" in refused.value.message
    assert "--blind-gates NAME" in refused.value.hint


def test_a_waived_gate_is_in_the_notes_which_the_record_keeps() -> None:
    known = fleet({"errors": ERRORS, "p95": P95})
    plan = with_watches(planned(known), known, survey(known, BLIND, "errors", "p95"))
    assert "api: gate errors cannot be judged (waived by --blind-gates): web2: no such file; look" in plan.notes
    assert plan.waves[0].watch is not None and plan.waves[0].watch.waived == ("errors", "p95")
    with pytest.raises(CheckError):
        notes(known, BLIND, "errors")
    with pytest.raises(UsageError, match="there is no such gate: did you mean errors"):
        notes(known, BLIND, "error")


def test_a_dry_gate_that_is_blind_refuses_nothing() -> None:
    said = notes(fleet({"errors": {**ERRORS, "dry": True}}), BLIND)
    assert "gate errors cannot be judged (dry): web2: no such file" in said


def test_a_gate_that_fails_before_is_judged_not_worse() -> None:
    known = fleet({"errors": ERRORS})
    plan = with_watches(planned(known), known, survey(known, dict.fromkeys(HOSTS, counts(600, bad=90))))
    assert plan.waves[0].watch is not None and plan.waves[0].watch.not_worse == ("errors",)
    assert "fails before the change already, and is judged not worse than that: 270 of 1800" in plan.notes[0]


def test_a_value_that_is_over_its_limit_before_decides_nothing() -> None:
    known = fleet({"errors": ERRORS, "memory": {"source": "host", "value": "memory", "max": "90%"}})
    full = {host: replace(counts(600), values={"memory": 0.97}) for host in HOSTS}
    plan = with_watches(planned(known), known, survey(known, full))
    assert plan.waves[0].watch is not None and plan.waves[0].watch.deciding == ("errors",)
    assert any("gate memory fails before the change already, and decides nothing" in note for note in plan.notes)


def test_records_that_match_too_often_before_must_not_increase() -> None:
    gate = GateSettings.model_validate({"source": "logs", "match": "ERROR", "max": 0})

    def reading(now: int, before: int) -> str:
        windows = tuple(Requests(records={"ERROR": Proportion(bad, 1000)}) for bad in (now, before))
        host = HostMeasurement("web1", True, Measurement(windows), 60, 60)
        return judge_gate("log", gate, [host], not_worse=True).answer.value

    assert (reading(20, 20), reading(0, 20), reading(80, 20)) == ("pass", "pass", "fail")


def test_a_first_deploy_asks_nobody() -> None:
    known = fleet({"errors": ERRORS})
    queries, made = survey_queries(known, Survey({}), ("api",))
    assert queries == []
    assert "nothing was counted before" in "\n".join(with_watches(planned(known), known, made).notes)


@given(rate=st.floats(0.01, 500), limit=st.sampled_from([0.005, 0.01, 0.05, 0.1]))
def test_after_that_time_a_clean_release_passes_and_not_before(rate: float, limit: float) -> None:
    gate = GateSettings.model_validate({"source": "s", "status": "5xx", "max": f"{limit * 100:g}%"})
    before = Requests({200: 1000})
    seconds = seconds_needed(gate, rate, before, 600, 0.95, 1e7)
    assert seconds is not None
    assert round(rate * seconds) >= needed(limit)
    assert round(rate * (seconds - 1)) <= needed(limit)
    assert judge_gate("g", gate, [], 0.95).answer.value == "blind"
