"""The loop itself: gates that take their time, a pause that is watched, time limits, and secrets in what hosts say."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lockstitch.cli.run_plan import while_same
from lockstitch.engine.journal import Journal, journaled
from lockstitch.engine.runner import run
from lockstitch.errors import CheckError, SiteChangedError, StepTimeoutError
from lockstitch.model.gate import Verdict, failed, passed
from lockstitch.model.host import Host
from lockstitch.model.outcome import GateAsked, RunEvent, RunMessage
from lockstitch.model.plan import Plan, Script, SitePlan
from lockstitch.model.results import Observer, Result, StepEnded, nobody
from lockstitch.report.outcome import outcome_json, outcome_text
from lockstitch.report.plan import plan_json, plan_text
from tests.engine.conftest import MakeWorld
from tests.engine.world import SITES, World, with_unit

Judge = Callable[[int], Verdict]


def first_switch(plan: Plan) -> int:
    return next(number for number, wave in enumerate(plan.waves) if wave.visible)


def judged(plan: Plan, judge: Judge, **how: Any) -> Plan:
    """The plan whose first switch is judged by how often it was asked."""
    asked = iter(range(1, 1000))

    def changed(unit: SitePlan) -> SitePlan:
        gates = (replace(gate, judge=lambda reading: judge(next(asked)), interval=0.01, **how) for gate in unit.gates)
        return replace(unit, gates=tuple(gates))

    return with_unit(plan, first_switch(plan), 0, changed)


def attempts(events: list[Any], site: str) -> list[tuple[int, bool]]:
    return [(e.attempt, e.verdict.passed) for e in events if isinstance(e, GateAsked) and str(e.site) == site]


def test_a_gate_is_asked_until_it_passes(any_world: World) -> None:
    plan = judged(any_world.given("v1").plan_deploy("v2"), lambda n: passed("well") if n == 3 else failed("not yet"))
    ended = any_world.run(plan)
    assert ended.code == 0
    assert attempts(ended.events, "api@a") == [(1, False), (2, False), (3, True)]


def test_a_gate_is_asked_no_more_often_than_it_may(any_world: World) -> None:
    before = any_world.given("v1").truth()
    ended = any_world.run(judged(any_world.plan_deploy("v2"), lambda n: failed(f"no {n}", "do this"), tries=4))
    assert ended.code == 5
    (failure,) = ended.outcome.failures
    assert (failure.reason, failure.hint) == ("no 4", "do this")
    assert attempts(ended.events, "api@a")[:4] == [(1, False), (2, False), (3, False), (4, False)]
    assert any_world.truth() == before


def test_a_gate_that_cannot_pass_by_waiting_is_asked_no_more_once_that_is_certain(world: World) -> None:
    lasting = replace(failed("it tells revision 'b'"), lasting=True)
    verdicts = {2: failed("no answer"), 4: failed("no answer")}
    plan = judged(world.given("v1").plan_deploy("v2"), lambda n: verdicts.get(n, lasting), tries=30, certain=3)
    ended = world.run(plan)
    assert ended.code == 5
    assert ended.outcome.failures[0].reason == "it tells revision 'b'"
    assert len([event for event in attempts(ended.events, "api@a") if not event[1]]) == 7, "three in a row"


@pytest.mark.parametrize("then", [True, False])
def test_after_a_pause_the_gates_are_asked_once_more(any_world: World, then: bool) -> None:
    before = any_world.given("v1").truth()
    verdicts = {1: passed("well"), 2: passed("still") if then else failed("it fell over")}
    plan = judged(any_world.plan_deploy("v2"), lambda n: verdicts[n], tries=1)
    number = first_switch(plan)
    paused = replace(plan.waves[number], pause=0.05)
    plan = replace(plan, waves=(*plan.waves[:number], paused, *plan.waves[number + 1 :]))
    ended = any_world.run(plan)
    assert [e.text for e in ended.events if isinstance(e, RunMessage)][:1] == [f"waiting 0.05 s after {paused.name}"]
    assert ended.code == (0 if then else 5)
    assert any_world.truth() == (any_world.on("v2") if then else before)
    assert any_world.served("b", "api") == ("v2" if then else "v1"), "no further wave"


def test_a_step_that_takes_too_long_takes_every_host_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = world.given("v1").truth()
    plan = world.plan_deploy("v2")
    slow = plan.waves[-1].site_plans[1]

    carry_out = world.remote.run

    def too_long(host: Host, script: Script, observe: Observer = nobody) -> tuple[Result, ...]:
        results = carry_out(host, script, observe)
        if (host.name, script.app, script.steps[0].name) == (slow.site.host, slow.site.app, slow.steps[0].name):
            raise StepTimeoutError(host.name, f"`{slow.steps[-1].name}` took longer than 300 s and was ended")
        return results

    monkeypatch.setattr(world.remote, "run", too_long)
    ended = world.run(plan)
    assert ended.code == 5, outcome_text(ended.outcome)
    assert "took longer than 300 s" in ended.outcome.failures[0].reason
    assert world.truth() == before
    assert world.leftovers() == []


TOKEN = "s3cret-'\"$x\\-token"


def test_a_secret_that_a_host_prints_is_masked_in_everything_that_is_kept(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LT_TOKEN", TOKEN)
    loud = """{kind: command, status: 'printf "%s\\n" "$TOKEN"; false', reload: 'printf "%s\\n" "$TOKEN"; cp built "$HOME/served.api"'}"""
    world = make_world("releases", service=loud, more='secrets: {TOKEN: "env:LT_TOKEN"}')
    plan = judged(world.plan_deploy("v1"), lambda n: failed(f"it says {TOKEN}", TOKEN), tries=1)
    shown: list[Any] = []
    with Journal(world.root / "runs", plan.run) as journal:
        hosts = {host.name: host for host in world.fleet().hosts}
        outcome = run(plan, world.remote, hosts, journaled(journal, plan, shown.append))
    assert outcome.code == 5
    kept = [
        journal.path.read_text(),
        repr(shown),
        outcome_text(outcome),
        json.dumps(outcome_json(outcome)),
        plan_text(plan, commands=True),
        json.dumps(plan_json(plan)),
        *(json.dumps(world.journal(*site)) for site in SITES),
    ]
    assert not [text for text in kept if "s3cret" in text]
    assert sum("***" in text for text in kept) >= 4
    sent = [step.command.render() for unit in plan.units() for step in unit.steps if step.name == "reload"]
    assert any("s3cret" in text for text in sent), "but the host gets it"


def test_what_a_cut_run_has_left_is_ended_after_the_survey(world: World) -> None:
    """Its record appears between the survey and the lock: the same plan is made again, by itself."""
    world.given("v1")
    told: list[str] = []
    cuts = iter(["one", "two"])

    def cut(host: Host, script: Script) -> None:
        if script.steps[0].name == "lock" and host.name == "a" and (run := next(cuts, None)):
            with (world.state("a", "api") / "journal.jsonl").open("a") as journal:
                journal.write(json.dumps({"event": "cut", "run": run, "by": "ada", "app": "api", "at": "now"}) + "\n")

    world.remote.faults.append(cut)
    ended = while_same(plan_of(world, "v2"), lambda: plan_of(world, "v2"), world.run, told.append)
    assert ended.code == 0 and world.truth() == world.on("v2")
    assert [text.partition(",")[0] for text in told] == [
        f"a: api was changed by ada, run {run}".partition(",")[0] for run in ("one", "two")
    ]
    assert world.leftovers() == []


def test_a_site_that_somebody_else_has_changed_is_no_longer_what_was_planned_for(world: World) -> None:
    world.given("v1")
    others = iter([lambda: world.deploy("v3")])

    def deployed(host: Host, script: Script) -> None:
        if script.steps[0].name == "lock" and (deploy := next(others, None)):
            deploy()

    world.remote.faults.append(deployed)
    with pytest.raises(SiteChangedError, match="was changed by ada@desk"):
        while_same(plan_of(world, "v2"), lambda: plan_of(world, "v2"), world.run, lambda text: None)
    assert world.truth() == world.on("v3") and world.leftovers() == []


def plan_of(world: World, ref: str) -> Plan:
    """A plan as one session makes it: with the same run each time."""
    world._runs = itertools.count(500)
    return world.plan_deploy(ref)


def test_an_untouched_host_whose_journal_cannot_be_written_needs_nobody(world: World) -> None:
    world.given("v1")
    plan, journal = world.plan_deploy("v2"), world.state("c", "web") / "journal.jsonl"

    def in_its_place(host: Host, script: Script) -> None:
        if host.name == "c" and script.journal and journal.is_file():
            journal.rename(journal.with_name("saved"))
            journal.mkdir()

    world.remote.faults.append(in_its_place)
    ended = world.run(plan)
    said = outcome_text(ended.outcome)
    assert ended.code == 5 and ended.outcome.manual_actions == (), said
    assert "cannot be written" in said and "web@c: its journal lacks this run, which has changed nothing there" in said
    assert world.truth() == world.on("v1") and world.leftovers() == []


def test_a_host_that_was_changed_and_cannot_record_it_needs_a_person(world: World) -> None:
    """It went back, and its journal does not say so."""
    world.given("v1")
    plan, journal = (
        judged(world.plan_deploy("v2"), lambda n: failed("no"), tries=1),
        world.state("a", "api") / "journal.jsonl",
    )

    def in_its_place(host: Host, script: Script) -> None:
        if host.name == "a" and script.steps[0].name == plan.failed[0].steps[0].name:
            journal.rename(journal.with_name("saved"))
            journal.mkdir()

    world.remote.faults.append(in_its_place)
    ended = world.run(plan)
    assert ended.code == 6, outcome_text(ended.outcome)
    ((site, what),) = [(str(left.site), left.what) for left in ended.outcome.manual_actions]
    assert site == "api@a" and what.startswith("its journal lacks this run")
    assert world.truth() == world.on("v1")


def test_what_cannot_be_followed_after_the_last_wave_began_is_a_note(world: World) -> None:
    plan = world.given("v1").plan_deploy("v2")
    hosts = {host.name: host for host in world.fleet().hosts}

    def observe(event: RunEvent) -> None:
        if isinstance(event, StepEnded) and event.name == "unlock":
            raise CheckError("no space left here")

    outcome = run(plan, world.remote, hosts, observe)
    assert outcome.code == 0 and "no space left here" in outcome.notes
    assert not [path for path in world.leftovers() if "lock.json" in path]
