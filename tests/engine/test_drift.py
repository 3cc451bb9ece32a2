"""Differences between what runs and its settings: seen before a deploy, and at its gates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lockstitch import plans
from lockstitch.errors import CheckError
from lockstitch.model.gate import Gate
from lockstitch.model.plan import Plan, SitePlan
from lockstitch.plans.gates import judge_drift
from lockstitch.services.command import CommandService
from lockstitch.services.state import ServiceState
from tests.engine.world import World, quick

DRIFT = "api.service was changed after api was started"


class Drifting:
    """A world whose api runs with the unit it had before, until the reload or the restart that a test says."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, *, reload_ends: bool) -> None:
        self.world = world

        def parse(text: str, code: int) -> ServiceState:
            return ServiceState(
                code == 0, "its status", also=tuple(line for line in text.split("\n") if "drift" in line)
            )

        usual = CommandService.probe

        def probe(service: CommandService, place: object) -> object:
            made = usual(service, place)  # type: ignore[arg-type]
            text = f'({made.command.text}\n)\ncode=$?; [ ! -e "$HOME/drift" ] || cat "$HOME/drift"; exit $code\n'
            return replace(made, command=replace(made.command, text=text), parse=parse)

        monkeypatch.setattr(CommandService, "probe", probe)
        monkeypatch.setattr(CommandService, "reload_ends_drift", lambda service: reload_ends)

    def begin(self) -> None:
        (self.world.remote.home("a") / "drift").write_text(f"drift {DRIFT}\n")

    def end(self, host: object = None, script: object = None) -> None:
        (self.world.remote.home("a") / "drift").unlink(missing_ok=True)


@pytest.mark.parametrize("reload_ends", [False, True])
def test_a_deploy_of_the_same_revision_says_which_command_makes_it_so(
    world: World, monkeypatch: pytest.MonkeyPatch, reload_ends: bool
) -> None:
    drifting = Drifting(world.given("v1"), monkeypatch, reload_ends=reload_ends)
    assert world.plan_deploy("v1").empty
    drifting.begin()
    plan = world.plan_deploy("v1")
    assert plan.empty is not reload_ends
    assert any(DRIFT in note for note in plan.notes)
    if not reload_ends:
        assert f"{DRIFT}; fab -H box service.restart api makes it so" in plan.empty_reason


def test_new_code_is_refused_where_a_reload_would_leave_the_old_settings(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    drifting = Drifting(world.given("v1"), monkeypatch, reload_ends=False)
    drifting.begin()
    with pytest.raises(CheckError, match=f"api@a: {DRIFT}") as refused:
        world.plan_deploy("v2")
    assert "service.restart api" in refused.value.hint
    assert not world.plan_rollback("v1", force=True).empty, "a rollback has to work"
    drifting.end()
    assert world.deploy("v2").code == 0


def test_a_deploy_that_leaves_the_old_settings_fails_at_its_gate_and_a_rollback_does_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    drifting = Drifting(world.given("v1", "v2"), monkeypatch, reload_ends=False)
    plan = hasty(world.plan_deploy("v3"))
    drifting.begin()
    ended = world.run(plan)
    assert ended.code == 5
    (failure,) = ended.outcome.failures
    assert failure.what == "gate serving" and failure.reason.endswith(f"but {DRIFT}")
    assert "service.restart api" in failure.hint
    assert world.truth() == world.on("v2")
    assert world.rollback().code == 0


def test_a_restart_that_leaves_the_old_settings_is_not_done(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    drifting = Drifting(world.given("v1"), monkeypatch, reload_ends=False)
    drifting.begin()
    fleet = world.fleet()
    found = world.surveyed(plans.rollback_asks(fleet, ""))
    asked = plans.ServiceChange(world.new_run(), "ada@desk", "reload", env=plans.environments(fleet, reveal=True))
    ended = world.run(hasty(plans.service(fleet, found, asked)))
    assert ended.code != 0
    assert DRIFT in ended.outcome.failures[0].reason


def hasty(plan: Plan) -> Plan:
    def fast(gate: Gate) -> Gate:
        return replace(quick(gate), tries=2)

    def unit(each: SitePlan) -> SitePlan:
        return replace(each, gates=tuple(map(fast, each.gates)), rollback_gates=tuple(map(fast, each.rollback_gates)))

    return replace(plan, waves=tuple(replace(w, site_plans=tuple(map(unit, w.site_plans))) for w in plan.waves))


def test_only_what_passes_is_judged_by_its_drift() -> None:
    from lockstitch.model.gate import failed, passed

    drifted = ServiceState(True, also=(f"drift {DRIFT}",))
    assert judge_drift("api", failed("it does not run"), drifted).reason == "it does not run"
    assert judge_drift("api", passed("it runs"), ServiceState(True)).passed
    assert not judge_drift("api", passed("it runs"), drifted).passed
