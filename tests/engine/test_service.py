"""Services that are started, stopped and restarted: what is where afterwards, and what a failure leaves alone."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lockstitch import plans
from lockstitch.errors import CheckError, HostLostError, LockHeldError, UsageError
from lockstitch.model.plan import Plan, SitePlan
from lockstitch.report.outcome import outcome_json, outcome_text
from lockstitch.report.plan import plan_text
from tests.engine.conftest import MakeWorld
from tests.engine.world import SITES, Ended, World, quick

NAME = "$(case $PWD in */api*) echo api ;; *) echo web ;; esac)"
# `refuse` keeps it from starting, `once` does so one time; each start leaves a line.
START = (
    f'[ ! -e "$HOME/refuse" ] && if [ -e "$HOME/once" ]; then rm "$HOME/once"; false; else '
    f'cp VERSION "$HOME/served.{NAME}" && echo start >>"$HOME/started.{NAME}"; fi'
)
STATUS = f'cmp VERSION "$HOME/served.{NAME}"'
STOP = f'[ ! -e "$HOME/stays" ] && rm -f "$HOME/served.{NAME}"'
SERVICE = {"kind": "command", "reload": START, "status": STATUS, "stop": STOP}


@pytest.fixture
def served(make_world: MakeWorld) -> World:
    """A world that serves v1, whose services can be kept from starting and from stopping."""
    world = make_world("releases", service=json.dumps(SERVICE).replace("{", "{{").replace("}", "}}"))
    world.settings["service"] = json.dumps(SERVICE)
    assert world.deploy("v1").code == 0
    return world


def planned(world: World, verb: plans.Verb, selection: str = "box") -> Plan:
    fleet = world.fleet(selection)
    found = world.surveyed(plans.rollback_asks(fleet, ""))
    asked = plans.ServiceChange(world.new_run(), "ada@desk", verb, env=plans.environments(fleet, reveal=True))
    plan = plans.service(fleet, found, asked)

    def hasty(unit: SitePlan) -> SitePlan:
        return replace(unit, gates=tuple(map(quick, unit.gates)), rollback_gates=tuple(map(quick, unit.rollback_gates)))

    return replace(plan, waves=tuple(replace(w, site_plans=tuple(map(hasty, w.site_plans))) for w in plan.waves))


def did(world: World, verb: plans.Verb) -> Ended:
    return world.run(planned(world, verb))


def starts(world: World) -> dict[tuple[str, str], int]:
    """How often each service was started."""
    files = {(host, app): world.remote.home(host) / f"started.{app}" for host, app in SITES}
    return {site: len(file.read_text().splitlines()) for site, file in files.items()}


def touch(world: World, host: str, name: str) -> None:
    (world.remote.home(host) / name).touch()


def results(ended: Ended) -> dict[str, str]:
    return {f"{one['app']}@{one['host']}": one["result"] for one in outcome_json(ended.outcome)["results"]}


def test_a_restart_starts_each_service_once_and_leaves_nothing(served: World) -> None:
    before = starts(served)
    plan = planned(served, "restart")
    assert [wave.name for wave in plan.waves] == [
        "restart api 1/2: a",
        "restart api 2/2: b",
        "restart web 1/2: b",
        "restart web 2/2: c",
    ], "the rollout of web is `all`: it is halved"
    ended = served.run(plan)
    assert ended.code == 0, outcome_text(ended.outcome)
    assert starts(served) == {site: count + 1 for site, count in before.items()}
    assert served.truth() == served.on("v1")
    assert served.leftovers() == []
    assert set(results(ended).values()) == {"done"}
    assert "restart of box done" in outcome_text(ended.outcome)


def test_a_service_that_does_not_start_again_is_named_and_the_others_are_left_alone(served: World) -> None:
    touch(served, "a", "refuse")
    before = starts(served)
    ended = did(served, "restart")
    assert ended.code == 6
    assert [str(left.site) for left in ended.outcome.manual_actions] == ["api@a"]
    assert results(ended) == {"api@a": "see to it", "api@b": "not begun", "web@b": "not begun", "web@c": "not begun"}
    assert starts(served) == before
    assert {site for site, (_, version) in served.truth().items() if not version} == {("a", "api")}
    assert served.leftovers() == []
    assert "fab -H box:a status" in outcome_text(ended.outcome)


def test_one_that_starts_the_second_time_needs_nobody(served: World) -> None:
    touch(served, "b", "once")
    ended = did(served, "restart")
    assert ended.code == 5
    assert results(ended) == {"api@a": "done", "api@b": "failed", "web@b": "not begun", "web@c": "not begun"}
    assert served.truth() == served.on("v1")
    assert served.leftovers() == []
    assert "what was done stays, and no host needs a person" in outcome_text(ended.outcome)


def test_a_host_that_is_lost_is_reached_again_and_started(served: World) -> None:
    lost: list[str] = []

    def loss(host: object, script: object) -> BaseException | None:
        steps = [step.name for step in script.steps]  # type: ignore[attr-defined]
        if "stop" in steps and not lost:
            lost.append("a")
            return HostLostError("a", "the connection dropped")
        return None

    served.remote.losses.append(loss)
    ended = did(served, "restart")
    assert ended.code == 5, outcome_text(ended.outcome)
    assert served.truth() == served.on("v1")


def test_stopped_they_stay_stopped_until_they_are_started(served: World) -> None:
    text = plan_text(planned(served, "stop"))
    assert "no host of backend will serve api, until `service.start`" in text
    assert did(served, "stop").code == 0
    assert {version for _, version in served.truth().values()} == {""}
    again = planned(served, "stop")
    assert again.empty
    assert again.empty_reason == "every service is stopped"
    assert did(served, "start").code == 0
    assert served.truth() == served.on("v1")
    assert planned(served, "start").empty
    assert served.leftovers() == []


def test_one_that_does_not_stop_is_named_and_nobody_is_started(served: World) -> None:
    touch(served, "b", "stays")
    ended = did(served, "stop")
    assert ended.code == 6
    assert {str(left.site) for left in ended.outcome.manual_actions} == {"api@b", "web@b"}
    assert {site for site, (_, version) in served.truth().items() if version} == {("b", "api"), ("b", "web")}


def test_who_does_not_serve_is_restarted_first(served: World) -> None:
    (served.remote.home("b") / "served.api").unlink()
    assert [wave.name for wave in planned(served, "restart").waves][:2] == ["restart api 1/2: b", "restart api 2/2: a"]


def test_a_lock_that_is_held_is_respected(served: World) -> None:
    plan = planned(served, "restart")
    (served.state("c", "web") / "lock.json").write_text('{"run":"other","by":"bob","message":"","at":"now"}')
    before = starts(served)
    with pytest.raises(LockHeldError, match="bob"):
        served.run(plan)
    assert starts(served) == before


def test_what_is_not_deployed_is_left_out_and_refused_where_nothing_is(make_world: MakeWorld) -> None:
    with pytest.raises(CheckError, match="nothing is deployed here yet"):
        planned(make_world("releases"), "start")


def test_a_service_that_cannot_be_stopped_says_so(served: World) -> None:
    served.settings["service"] = json.dumps({key: line for key, line in SERVICE.items() if key != "stop"})
    for verb in ("stop", "restart"):
        with pytest.raises(UsageError, match="does not know how it is stopped"):
            planned(served, verb)
    assert did(served, "reload").code == 0
