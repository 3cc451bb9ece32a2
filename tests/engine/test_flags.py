"""Feature flags in an environment file: set on all hosts or none, and after whatever fails the value before is back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lockstitch import plans
from lockstitch.engine.ask import Query, ask
from lockstitch.engine.runner import run
from lockstitch.errors import CheckError, HostLostError, LockHeldError, UsageError
from lockstitch.facts.flags import flag_records
from lockstitch.flags import FlagPlace
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.command import Command, Value
from lockstitch.model.outcome import RunEvent
from lockstitch.model.plan import Plan, Site, SitePlan, Step, Wave
from lockstitch.model.wave_watch import Decision, Way
from lockstitch.report.outcome import outcome_text
from lockstitch.report.plan import plan_json, plan_text
from tests.engine.conftest import MakeWorld
from tests.engine.world import World, quick, step_at, steps_of, with_step

HOSTS = ("a", "b")
# What it serves with: the flag as its code reads it from the file when it is reloaded.
RELOAD = 'grep "^PERCENT=" .env >"$HOME/taken" || : >"$HOME/taken"; cp VERSION "$HOME/served.api"'
SERVICE = {"kind": "command", "reload": RELOAD, "status": "test -e VERSION", "stop": "true"}
FLAG = """shared: [.env]
    flags:
      PHASE_1: {variable: PERCENT, read_by: app, steps: [{to: 0}, {to: 10, for: 0.01}, {to: 50}, {to: 100}]}"""
FILE = "# settings\nSECRET='x y'\nPERCENT=5\nLAST=1"


@pytest.fixture
def flagged(make_world: MakeWorld) -> World:
    """A world that serves v1, whose api has a flag in its environment file on both hosts."""
    world = make_world("releases", more=FLAG, service=json.dumps(SERVICE))
    world.settings |= {"more": FLAG, "service": json.dumps(SERVICE)}
    for host in HOSTS:
        write(world, host, FILE)
    assert world.deploy("v1", "box:backend").code == 0
    return world


def env_file(world: World, host: str) -> Path:
    return world.path(host, "api") / "shared" / ".env"


def write(world: World, host: str, text: str) -> None:
    env_file(world, host).parent.mkdir(parents=True, exist_ok=True)
    env_file(world, host).write_text(text)


def files(world: World) -> dict[str, str]:
    return {host: env_file(world, host).read_text() for host in HOSTS}


def taken(world: World) -> dict[str, str]:
    """The value of the flag that each app serves with."""
    return {host: (world.remote.home(host) / "taken").read_text().strip() for host in HOSTS}


def asked(
    world: World, fleet: Fleet, name: str, known: Mapping[str, Value] | None = None
) -> tuple[Mapping[Site, plans.FlagFacts], dict[Site, FlagPlace]]:
    places = plans.flag_places(fleet, name, known or {})
    probes = plans.flag_probes(fleet, {name: places})
    queries = []
    for host, app in fleet.sites():
        at = plans.site(host.name, app)
        queries.append(
            Query(str(at), host, (flag_records(at), *(p for _, p in probes.get(at, ()))), app.name, app.user)
        )
    replies = ask(world.remote, queries)
    facts = {}
    for host, app in fleet.sites():
        at = plans.site(host.name, app)
        records, *states = replies[str(at)].facts
        facts[at] = plans.FlagFacts(states[0] if states else None, records)
    return facts, places


def planned(world: World, *what: Any, **more: Any) -> Plan:
    return planner(world, *what, **more)()


def planner(
    world: World,
    verb: plans.FlagVerb,
    value: str = "",
    name: str = "PHASE_1",
    known: Mapping[str, Value] | None = None,
) -> Callable[[], Plan]:
    """A function that makes a plan, each time with a run of its own, from what the hosts say now."""
    fleet = plans.judged_by(plans.flag_fleet(world.fleet("box"), name), name)
    survey = world.surveyed(plans.rollback_asks(fleet, ""))
    facts, places = asked(world, fleet, name, known)
    env = plans.environments(fleet, reveal=True)

    def hasty(unit: SitePlan) -> SitePlan:
        return replace(unit, gates=tuple(map(quick, unit.gates)), rollback_gates=tuple(map(quick, unit.rollback_gates)))

    def plan() -> Plan:
        options = plans.FlagOptions(world.new_run(), "ada@desk", verb, name, value, env=env)
        made = plans.flag(fleet, survey, facts, places, options)
        return replace(made, waves=tuple(replace(w, site_plans=tuple(map(hasty, w.site_plans))) for w in made.waves))

    return plan


def records(world: World, host: str) -> list[dict[str, str]]:
    return [entry for entry in world.journal(host, "api") if entry["event"] == "flag"]


def test_a_flag_is_set_on_every_host_and_taken_by_the_app(flagged: World) -> None:
    plan = planned(flagged, "set", "25")
    assert "PHASE_1 is 5 now on a, b (PERCENT in .env)" in plan_text(plan)
    assert plan_json(plan)["flags"] == [
        {"flag": "PHASE_1", "app": "api", "host": host, "from": "5", "to": "25"} for host in HOSTS
    ]
    ended = flagged.run(plan)
    assert ended.code == 0, outcome_text(ended.outcome)
    assert set(files(flagged).values()) == {FILE.replace("PERCENT=5", "PERCENT=25")}
    assert set(taken(flagged).values()) == {"PERCENT=25"}
    assert flagged.leftovers() == []
    assert [(e["from"], e["to"], e["verb"]) for e in records(flagged, "b")] == [("5", "25", "set")]
    assert planned(flagged, "set", "25").empty


def test_a_rollout_takes_its_steps_in_order_and_leaves_out_what_it_has_passed(flagged: World) -> None:
    plan = planned(flagged, "rollout")
    assert [wave.name for wave in plan.waves] == [
        "set PHASE_1 to 10 1/2: a",
        "set PHASE_1 to 10 2/2: b",
        "PHASE_1 at 10 on every host",
        "set PHASE_1 to 50 1/2: a",
        "set PHASE_1 to 50 2/2: b",
        "set PHASE_1 to 100 1/2: a",
        "set PHASE_1 to 100 2/2: b",
    ]
    assert "PHASE_1 is as far already: 0 left out" in plan.notes
    ended = flagged.run(plan)
    assert ended.code == 0, outcome_text(ended.outcome)
    assert set(taken(flagged).values()) == {"PERCENT=100"}
    assert [(e["from"], e["to"]) for e in records(flagged, "a")] == [("5", "10")], "once a run"
    assert planned(flagged, "rollout").empty


def test_a_rollout_takes_no_visitor_out_where_the_hosts_differ(flagged: World) -> None:
    write(flagged, "b", FILE.replace("PERCENT=5", "PERCENT=50"))
    assert planned(flagged, "rollout").waves[0].name == "set PHASE_1 to 50 1/2: a"
    write(flagged, "b", FILE.replace("PERCENT=5", "PERCENT=30"))
    assert planned(flagged, "rollout").waves[0].name == "set PHASE_1 to 50 1/2: a"


def test_whatever_step_fails_the_value_before_is_back_on_every_host(flagged: World) -> None:
    before, serves, again = files(flagged), taken(flagged), planner(flagged, "rollout")
    plan = again()
    places = steps_of(plan)
    assert len(places) == 2 * (3 + 2 + 2) + 2, "the first step of a site records, sets and reloads"
    for at in places:
        for change in (fails, fails_after):
            wave, site, step = step_at(plan, at)
            broken = with_step(replace(again(), journal_sizes={}), at, change)
            ended = flagged.run(broken)
            (flagged.remote.home(site.host) / ".boom").unlink(missing_ok=True)
            why = f"{change.__name__} {wave.name} {site} {step.name}\n{outcome_text(ended.outcome)}"
            assert ended.code == 5, why
            assert files(flagged) == before, why
            assert taken(flagged) == serves or set(taken(flagged).values()) == {"PERCENT=5"}, why
            assert flagged.leftovers() == [], why


def fails(step: Step) -> Step:
    return replace(step, command=Command("echo boom; exit 9"), redo_on_rollback=False)


def fails_after(step: Step) -> Step:
    """The same step, that fails when all is done; on the way back it works."""
    text = f'({step.command.text}\n) || exit 1\n[ -e "$HOME/.boom" ] && rm "$HOME/.boom" || {{ : >"$HOME/.boom"; exit 9; }}'
    return replace(step, command=replace(step.command, text=text))


def test_a_gate_that_fails_after_the_last_step_puts_the_value_before_back(flagged: World) -> None:
    before = files(flagged)

    def refuse(host: object, script: object) -> None:
        if "set flag" in [step.name for step in script.steps] and env_file(flagged, "a").read_text() != FILE:  # type: ignore[attr-defined]
            write(flagged, "a", FILE.replace("PERCENT=5", "PERCENT=7"))

    flagged.remote.faults.append(refuse)
    ended = flagged.run(planned(flagged, "rollout"))
    assert ended.code == 5
    assert "changed by somebody else: it was 'value 10' and is 'value 7'" in outcome_text(ended.outcome)
    assert files(flagged) == before
    assert set(taken(flagged).values()) == {"PERCENT=5"}


def test_a_host_that_is_lost_is_reached_again_and_has_the_value_before(flagged: World) -> None:
    before = files(flagged)
    lost: list[object] = []

    def loss(host: object, script: object) -> BaseException | None:
        if "set flag" in [step.name for step in script.steps] and not lost:  # type: ignore[attr-defined]
            lost.append(host)
            return HostLostError("a", "the connection dropped")
        return None

    flagged.remote.losses.append(loss)
    ended = flagged.run(planned(flagged, "set", "25"))
    assert ended.code == 5, outcome_text(ended.outcome)
    assert files(flagged) == before


def test_undo_goes_back_to_what_each_host_had_and_then_has_nothing_to_do(flagged: World) -> None:
    write(flagged, "b", FILE.replace("PERCENT=5\n", ""))
    before = files(flagged)
    assert flagged.run(planned(flagged, "set", "25")).code == 0
    assert records(flagged, "b")[-1]["set"] == "no"
    ended = flagged.run(planned(flagged, "undo"))
    assert ended.code == 0, outcome_text(ended.outcome)
    assert files(flagged) == {"a": before["a"], "b": before["b"] + "\n"}, "the line feed after the last line stays"
    assert taken(flagged) == {"a": "PERCENT=5", "b": ""}
    assert planned(flagged, "undo").empty


def test_undo_knows_nothing_of_a_change_that_failed(flagged: World) -> None:
    with pytest.raises(CheckError, match="no rollout or set of PHASE_1 is recorded"):
        planned(flagged, "undo")
    plan = planned(flagged, "set", "25")
    ended = flagged.run(with_step(plan, steps_of(plan)[-1], fails))
    assert ended.code == 5 and len(records(flagged, "a")) == 1
    with pytest.raises(CheckError, match="no rollout or set of PHASE_1 is recorded"):
        planned(flagged, "undo")


def test_undo_goes_back_from_a_run_that_could_not_put_its_value_back(flagged: World) -> None:
    before = files(flagged)
    plan = planned(flagged, "set", "25")

    def away(step: Step) -> Step:
        return replace(step, undo=Command("exit 1")) if step.undo else step

    for at in steps_of(plan):
        plan = with_step(plan, at, away)
    ended = flagged.run(with_step(plan, steps_of(plan)[-1], fails))
    assert ended.code == 6 and set(files(flagged).values()) == {FILE.replace("PERCENT=5", "PERCENT=25")}
    assert flagged.run(planned(flagged, "undo")).code == 0
    assert files(flagged) == before
    with pytest.raises(CheckError, match="no rollout or set of PHASE_1 is recorded"):
        planned(flagged, "undo")


def test_two_changes_of_one_flag_do_not_mix(flagged: World) -> None:
    plan = planned(flagged, "set", "25")
    lock = flagged.state("b", "api") / "lock.json"
    lock.write_text('{"run":"other","by":"bob","message":"flag.rollout PHASE_1","at":"now"}')
    with pytest.raises(LockHeldError, match="bob"):
        flagged.run(plan)
    assert set(files(flagged).values()) == {FILE}


def test_what_cannot_be_is_refused_before_anything_changes(flagged: World) -> None:
    with pytest.raises(UsageError, match="there is no flag PHASE_2: did you mean PHASE_1"):
        planned(flagged, "set", "1", name="PHASE_2")
    with pytest.raises(UsageError, match="would be read differently by dotenv and by unit files"):
        planned(flagged, "set", "a$b")
    with pytest.raises(UsageError, match="b would be left out"):
        plans.flag_fleet(flagged.fleet("box:a"), "PHASE_1")
    write(flagged, "b", FILE + "\nPERCENT=6\n")
    with pytest.raises(CheckError, match="api@b: PERCENT in .env: it is set more than once, in lines 3, 5"):
        planned(flagged, "set", "1")
    env_file(flagged, "b").unlink()
    with pytest.raises(CheckError, match="there is no srv/api/current/.env"):
        planned(flagged, "set", "1")


def test_status_tells_where_hosts_differ_and_what_undo_goes_back_to(flagged: World) -> None:
    assert flagged.run(planned(flagged, "set", "25")).code == 0
    fleet = plans.flag_fleet(flagged.fleet("box"), "PHASE_1")
    facts, places = asked(flagged, fleet, "PHASE_1")
    status = plans.flag_status(fleet, {"PHASE_1": places}, {"PHASE_1": facts}, {})
    assert [(each.value, each.before, each.problem) for each in status] == [("25", "5", "")] * 2
    write(flagged, "b", FILE)
    facts, places = asked(flagged, fleet, "PHASE_1")
    status = plans.flag_status(fleet, {"PHASE_1": places}, {"PHASE_1": facts}, {})
    assert [each.problem for each in status] == ["the hosts differ"] * 2


# Twenty visitors, each with a number of its own between 0 and 99 that never changes.
VISITORS = (
    """percent=$(sed -n "s/^PERCENT=//p" .env); list=; """
    "for id in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do "
    'n=$(printf "PHASE_1 %s" "$id" | cksum); [ $((${n%% *} % 100)) -ge "${percent:-0}" ] || list="$list $id"; done; '
    'echo "$list" >>"$HOME/visitors"; cp VERSION "$HOME/served.api"'
)


def test_going_up_takes_nobody_out_and_going_back_is_the_same_as_before(make_world: MakeWorld) -> None:
    service = json.dumps({**SERVICE, "reload": VISITORS})
    world = make_world("releases", more=FLAG, service=service)
    for host in HOSTS:
        write(world, host, FILE.replace("PERCENT=5", "PERCENT=20"))
    assert world.deploy("v1", "box:backend").code == 0
    assert world.run(planned(world, "rollout")).code == 0
    for host in HOSTS:
        lines = (world.remote.home(host) / "visitors").read_text().splitlines()
        seen = [set(line.split()) for line in lines]
        assert len(seen) == 3 and all(before <= after for before, after in zip(seen, seen[1:], strict=False)), seen
        assert 0 < len(seen[0]) < len(seen[1]) < len(seen[2]) == 20
    assert world.run(planned(world, "undo")).code == 0
    for host in HOSTS:
        lines = (world.remote.home(host) / "visitors").read_text().splitlines()
        assert lines[-1] == lines[0]


GATED = FLAG.replace("steps:", "gates: [errors], steps:").replace(
    "flags:", "gates: {errors: {source: logs, match: ERROR, max: 3}}\n    flags:"
)


@pytest.mark.parametrize("way", [Way.BACK, Way.STOP, Way.ON])
def test_a_step_is_watched_with_the_gates_of_the_flag_alone(flagged: World, way: Way, tmp_path: Path) -> None:
    flagged.settings["more"] = GATED
    before, watched = files(flagged), []

    def watch(wave: Wave, old: Sequence[Site], observe: Callable[[RunEvent], None]) -> Decision:
        assert wave.watch is not None and old == ()
        watched.append((wave.name, wave.watch.gates, files(flagged)["b"]))
        return Decision(way, "errors", "gate errors of api fails: 30 of 100 requests")

    plan = planned(flagged, "rollout")
    waves = tuple(replace(w, watch=replace(w.watch, gates=("errors",))) if w.watch else w for w in plan.waves)
    hosts = {host.name: host for host in flagged.fleet().hosts}
    outcome = run(replace(plan, waves=waves), flagged.remote, hosts, lambda event: None, watch=watch)
    assert watched == [("PHASE_1 at 10 on every host", ("errors",), FILE.replace("PERCENT=5", "PERCENT=10"))]
    if way is Way.ON:
        assert outcome.code == 0
    elif way is Way.BACK:
        assert outcome.code == 5 and files(flagged) == before and set(taken(flagged).values()) == {"PERCENT=5"}
    else:
        assert outcome.code == 6 and set(taken(flagged).values()) == {"PERCENT=10"}
        text = outcome_text(outcome)
        assert "it keeps PHASE_1 at this step; to take it back: fab -H box flag.undo PHASE_1" in text, text


@pytest.mark.parametrize(("path", "dialect"), [(".env", "systemd"), ("other.env", "any")])
def test_a_flag_is_read_in_the_dialect_of_the_environment_file_that_it_is_in(
    make_world: MakeWorld, path: str, dialect: str
) -> None:
    more = FLAG.replace("[.env]", "[.env, other.env]") + f"\n    env_file: {{path: {path}, format: systemd}}"
    world = make_world("releases", more=more, service=json.dumps(SERVICE))
    assert {place.dialect for place in plans.flag_places(world.fleet("box"), "PHASE_1", {}).values()} == {dialect}
