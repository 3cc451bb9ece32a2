"""Who has put a Laravel app down, and what else may have to go back first, before it is taken up again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lockstitch import plans
from lockstitch.engine.fanout import HostScript, run_on_hosts
from lockstitch.engine.runner import run
from lockstitch.model.command import Command, Secret
from lockstitch.model.gate import passed
from lockstitch.model.lock import LockInfo
from lockstitch.model.outcome import RunEvent
from lockstitch.model.plan import Plan, Script, Step
from lockstitch.model.results import Event, StepBegan, StepOutput
from lockstitch.report.apps import maintenance_text
from lockstitch.report.outcome import outcome_text
from lockstitch.report.plan import plan_text
from lockstitch.report.status import SiteStates, status_text
from tests.engine.desk import HOSTS, DeskWorld
from tests.engine.world import commit, step_at, steps_of, with_step

Make = Callable[..., DeskWorld]
MIGRATION = "database/migrations/2026_01_01_000000_add_desks.php"


@pytest.fixture
def make(tmp_path: Path, template: Path) -> Make:
    def made(**maintenance: Any) -> DeskWorld:
        return DeskWorld(tmp_path / "desk", template, "releases", **maintenance)

    return made


def with_migration(world: DeskWorld) -> DeskWorld:
    """Version v5 is deployed after v1, and brings a migration."""
    (world.repository / MIGRATION).parent.mkdir(parents=True)
    commit(world.repository, "v5", **{MIGRATION: "<?php"})
    return world.given("v1", "v5")


def failing(plan: Plan, host: str, name: str) -> Plan:
    at = next(at for at in steps_of(plan) if (step_at(plan, at)[1].host, step_at(plan, at)[2].name) == (host, name))
    return with_step(plan, at, lambda step: replace(step, command=replace(step.command, text="echo boom; exit 9")))


def test_nobody_is_up_before_the_database_is_back(make: Make) -> None:
    """One host is on the older code already when the other fails: both wait until the database has its tables again."""
    world = with_migration(make(when="always"))
    began: list[tuple[str, str]] = []

    def note(event: RunEvent) -> None:
        if isinstance(event, StepBegan):
            began.append((event.host, event.name))

    plan = failing(world.plan_rollback("v1", database="down"), "b", "up")
    ended = run(plan, world.remote, {host.name: host for host in world.fleet().hosts}, note)
    assert int(ended.code) == 5, outcome_text(ended)
    back = began.index(("a", "undo migrate down"))
    assert began.index(("a", "undo up")) < began.index(("a", "undo activate")) < back
    assert began.index(("a", "undo resume")) < back, "its workers are paused once more"
    for host in HOSTS:
        assert back < began.index((host, "undo pause")) < began.index((host, "undo maintenance")), began
    assert [world.truth(host) for host in HOSTS] == [world.on("v5")] * 2
    assert world.marked() == [] and world.locks() == []


def test_a_database_is_taken_back_under_an_app_that_was_found_down(make: Make) -> None:
    world = with_migration(make(when="always"))
    world.put_down(*HOSTS)
    world.forget()
    plan = world.plan_rollback("v1", database="down")
    assert "when: never" not in plan_text(plan)
    ended = world.run(plan)
    assert int(ended.code) == 0, outcome_text(ended)
    told = [line for line in world.log("a") if "queue:restart" in line or "rollback" in line]
    assert told == ["v5 queue:restart", "v5 migrate:rollback --step=1 --force", "v1 queue:restart"]
    assert [world.truth(host) for host in HOSTS] == [world.on("v1", down=True)] * 2


def test_workers_are_kept_from_the_database_where_the_app_does_not_go_down(make: Make) -> None:
    world = with_migration(make(when="never"))
    world.forget()
    plan = world.plan_rollback("v1", database="down")
    assert "when: never" in plan_text(plan)
    names = [{step.name for unit in wave.site_plans for step in unit.steps} for wave in plan.waves]
    at = [next(at for at, steps in enumerate(names) if name in steps) for name in ("pause", "migrate down", "resume")]
    assert at == sorted(at) and len(set(at)) == 3
    ended = world.run(plan)
    assert int(ended.code) == 0, outcome_text(ended)
    told = [line for line in world.log("a") if "queue:restart" in line or "rollback" in line]
    assert told == ["v5 queue:restart", "v5 migrate:rollback --step=1 --force", "v1 queue:restart"]
    assert [world.truth(host) for host in HOSTS] == [world.on("v1")] * 2


def test_what_somebody_put_down_after_a_run_was_cut_off_is_theirs(make: Make) -> None:
    """The run that was cut off left the app down; by hand it was taken up, and later put down again."""
    world = make(when="always").given("v1")
    plan = world.plan_deploy("v2")
    down = next(wave for wave in plan.waves if wave.name.startswith("put desk"))
    for unit in down.site_plans:
        world.remote.run(next(h for h in world.fleet().hosts if h.name == unit.site.host), Script(unit.steps))
    asked = world.survey(plans.usual_asks(world.fleet()))
    assert all(facts.maintenance.temporary for facts in asked.facts.values())
    for host in HOSTS:
        world.down_file(host).rename(world.down_file(host).with_name("away"))
    world.put_down(*HOSTS)
    ended = world.run(world.plan_deploy("v2"))
    assert int(ended.code) == 0, outcome_text(ended)
    assert [world.truth(host) for host in HOSTS] == [world.on("v2", down=True)] * 2


def test_a_run_that_goes_on_has_left_nothing(make: Make) -> None:
    world = make().given("v1")
    (world.remote.home("a") / "srv/.lockstitch/desk/maintenance").write_text('{"run":"R","by":"bob","kind":"deploy"}\n')
    world.put_down("a")
    asked = world.survey(plans.usual_asks(world.fleet()))
    held = {
        site: replace(facts, host=replace(facts.host, lock=LockInfo("R", "bob", "", "now")))
        for site, facts in asked.facts.items()
    }
    now = replace(asked, facts=held)
    for text in (
        maintenance_text(now, dict.fromkeys(held, True)),
        status_text(now, SiteStates(dict.fromkeys(held, passed("yes"))), datetime.now(UTC)),
    ):
        assert "put down by run R, which holds the lock" in text and "left by run" not in text


def test_whether_migrations_are_pending_cannot_be_told(make: Make) -> None:
    world = make(when="migrations").given("v1")
    before = [world.truth(host) for host in HOSTS]
    plan = world.plan_deploy("v2")
    (world.remote.home("a") / "fails.migrate.status").touch()
    ended = world.run(plan)
    assert int(ended.code) == 5 and "it fails" in outcome_text(ended)
    assert [world.truth(host) for host in HOSTS] == before
    assert world.marked() == [] and world.locks() == []


def test_a_host_where_nothing_is_deployed_is_left_out(make: Make) -> None:
    world = make().given("v1")
    world.current("b").unlink()
    plan = world.plan_maintenance(on=True)
    assert "desk@b: nothing is deployed here yet: it is left out" in plan_text(plan)
    ended = world.run(plan)
    assert int(ended.code) == 0, outcome_text(ended)
    assert world.down_file("a").exists() and not (world.path("b") / "shared/storage/framework/down").exists()


def test_who_is_not_selected_keeps_serving_while_it_is_migrated(make: Make) -> None:
    world = make(when="always").given("v1")
    whole = world.fleet()
    part = replace(whole, cells=whole.cells[:1])
    found = world.survey(plans.deploy_asks(part, "v2"))
    said = plan_text(plans.deploy(part, found, plans.DeployOptions(world.new_run(), "ada@desk")))
    assert "desk: b not selected: the code before serves there" in said


@pytest.mark.parametrize("on", [True, False])
def test_maintenance_that_fails_leaves_it_to_whom_it_was(make: Make, on: bool) -> None:
    """What a run that was cut off has left does not become what somebody wants."""
    world = make().given("v1")
    marker = world.remote.home("a") / "srv/.lockstitch/desk/maintenance"
    marker.write_text('{"run":"20251231T000000Z-dead","by":"bob","kind":"deploy"}\n')
    world.put_down(*HOSTS[: 1 if on else 2])
    (world.remote.home("b") / f"fails.{'down' if on else 'up'}").touch()
    plan = world.plan_maintenance(on=on)
    assert ("a is in maintenance already (on by bob" in plan_text(plan)) == on
    ended = world.run(plan)
    assert int(ended.code) == 5, outcome_text(ended)
    facts = {site.host: found for site, found in world.survey(plans.usual_asks(world.fleet())).facts.items()}
    assert facts["a"].maintenance.temporary and facts["a"].maintenance.by == "bob"
    assert facts["b"].maintenance.on is not on


def test_what_an_app_prints_of_its_secrets_is_masked(make: Make) -> None:
    world, said = make(), list[Event]()
    (host, *_) = world.fleet().hosts
    told = Command('echo "the key is $KEY"', env={"KEY": Secret("open-sesame")})
    done = run_on_hosts(world.remote, [HostScript("desk", host, Script((Step("run", "", told),)))], said.append)
    assert done["desk"].results[0].output == "the key is ***\n"
    assert [event.line for event in said if isinstance(event, StepOutput)] == ["the key is ***"]
