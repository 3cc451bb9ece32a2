"""A Laravel app is deployed, and fails at every step, found up and found down: it ends as it was found.

The engine and its shell texts for real, with small programs in place of PHP and systemd; the real ones are in
tests/containers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lockstitch import plans
from lockstitch.errors import CheckError, UsageError
from lockstitch.facts.site import Facts, Survey
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.selection import select
from lockstitch.model.command import Secret
from lockstitch.model.gate import passed
from lockstitch.model.layout import LayoutKind
from lockstitch.model.plan import Step
from lockstitch.report.apps import maintenance_text
from lockstitch.report.outcome import outcome_text
from lockstitch.report.plan import plan_text
from lockstitch.report.status import SiteStates, status_text
from lockstitch.services.maintenance import Page
from tests.engine.desk import HOSTS, DeskWorld
from tests.engine.world import different, step_at, steps_of, with_step

Make = Callable[..., DeskWorld]
CACHES = ["config:cache", "route:cache", "view:cache", "event:cache"]


@pytest.fixture
def make(tmp_path: Path, template: Path, layout: LayoutKind) -> Make:
    def made(**maintenance: Any) -> DeskWorld:
        return DeskWorld(tmp_path / "desk", template, layout, **maintenance)

    return made


@pytest.fixture
def make_one(tmp_path: Path, template: Path) -> Make:
    """Makes desks of the layout with folders, for what does not depend on the layout."""
    return lambda **maintenance: DeskWorld(tmp_path / "desk", template, "releases", **maintenance)


def heard(world: DeskWorld, host: str) -> list[str]:
    """What artisan and php-fpm were told on a host, without the questions."""
    return [line for line in world.log(host) if not line.endswith(("--version", "migrate:status"))]


def test_the_order_of_a_deploy(make: Make) -> None:
    world = make(when="always", retry=60, status=503).given("v1")
    world.forget()
    ended = world.run(world.plan_deploy("v2"))
    assert int(ended.code) == 0, outcome_text(ended)
    for host in HOSTS:
        told = heard(world, host)
        migrate = ["v2 migrate --force"] if host == "a" else []
        caches = [f"v2 {name}" for name in CACHES]
        first = ["v1 down --retry=60 --status=503"]
        assert told == [*first, *migrate, *caches, "reload v2", "v2 queue:restart", "v2 up"], told
        assert world.truth(host) == world.on("v2")
    assert world.marked() == [] and world.locks() == []


def test_all_hosts_are_down_before_the_migration_and_each_is_up_before_its_health_is_asked(make: Make) -> None:
    world = make(when="always").given("v1")
    waves = world.plan_deploy("v2").waves
    names = [[step.name for unit in wave.site_plans for step in unit.steps] for wave in waves]
    down = next(
        i for i, wave in enumerate(waves) if {s.name for u in wave.site_plans for s in u.steps} == {"maintenance"}
    )
    assert [unit.site.host for unit in waves[down].site_plans] == ["a", "b"]
    migrating = next(i for i, steps in enumerate(names) if "migrate" in steps)
    assert down < migrating
    for unit in (unit for wave in waves for unit in wave.site_plans if unit.gates):
        assert unit.steps[-1].name == "up" and [gate.name for gate in unit.gates] == ["serving", "health"]


@pytest.mark.parametrize("pending", [True, False])
def test_only_where_migrations_are_pending(make: Make, pending: bool) -> None:
    world = make(when="migrations").given("v1")
    world.forget()
    for host in HOSTS:
        if pending:
            (world.remote.home(host) / "pending").touch()
    plan = world.plan_deploy("v2")
    said = plan_text(plan)
    assert "if migrations are pending" in said
    assert "php-fpm's workers do not tell which code they serve: give `health.revision`" in said
    assert ("not applied yet, of the code that serves: 2026_01_01_000000_add_desks" in said) == pending
    ended = world.run(plan)
    assert int(ended.code) == 0, outcome_text(ended)
    for host in HOSTS:
        told = [line.split()[1] for line in heard(world, host)]
        assert ("down" in told, "up" in told) == (pending, pending), told
        assert world.truth(host) == world.on("v2")
    assert world.marked() == []


@pytest.mark.parametrize(("when", "found"), [("never", ("b",)), ("migrations", ("a", "b")), ("always", ("b",))])
def test_what_was_found_down_stays_down_and_it_is_said_before(make: Make, when: str, found: tuple[str, ...]) -> None:
    world = make(when=when).given("v1")
    world.put_down(*found)
    world.forget()
    plan = world.plan_deploy("v2")
    said = plan_text(plan)
    for host in HOSTS:
        assert (f"{host}: desk is in maintenance" in said) == (host in found), said
    ended = world.run(plan)
    assert int(ended.code) == 0, outcome_text(ended)
    for host in HOSTS:
        assert world.truth(host) == world.on("v2", down=host in found)
        assert not (host in found and {"down", "up"} & {line.split()[1] for line in heard(world, host)})
    assert world.marked() == []


@pytest.mark.parametrize("kind", ["deploy", "rollback"])
def test_every_step_that_fails_leaves_it_as_it_was_found(make: Make, kind: str) -> None:
    """One host is found up and the other one down, which are alike until one of them serves something else."""
    world = make(when="always").given("v1", "v2")
    world.put_down("b")
    before = {host: world.truth(host) for host in HOSTS}
    assert before == {"a": world.on("v2"), "b": world.on("v2", down=True)}
    plan = world.planner(kind, "v3")
    waves = plan().waves
    for at in steps_of(plan()):
        wave = waves[at[0]]
        if not wave.visible and at[1] not in dict(different(wave.site_plans)):
            continue
        for late in (False, True) if kind == "deploy" and world.layout == "releases" else (False,):
            made = plan()
            _, site, step = step_at(made, at)
            ended = world.run(with_step(made, at, fails_once(late)))
            why = f"{step.name} on {site}, {'after' if late else 'before'} it was done\n{outcome_text(ended)}"
            assert int(ended.code) in (5, 7), why
            assert {host: world.truth(host) for host in HOSTS} == before, why
            assert world.marked() == [] and world.locks() == [], why
            (world.remote.home(site.host) / "failed").unlink(missing_ok=True)


def fails_once(late: bool) -> Callable[[Step], Step]:
    """The same step, whose first attempt fails before or after it is done: what is done again on the way back works."""

    def change(step: Step) -> Step:
        did = f"(\n{step.command.text}\n)\n" if late else ""
        first = f'if [ ! -e "$HOME/failed" ]; then\n{did}: >"$HOME/failed"; echo boom; exit 9; fi\n'
        return replace(step, command=replace(step.command, text=f'{first}rm -f "$HOME/failed"\n{step.command.text}'))

    return change


def test_a_quick_rollback(make: Make) -> None:
    world = make(when="always").given("v1", "v2")
    world.forget()
    ended = world.run(world.plan_rollback())
    assert int(ended.code) == 0, outcome_text(ended)
    for host in HOSTS:
        told = [line.split()[1] for line in heard(world, host)]
        assert told[0] == "down" and told[-1] == "up" and "migrate" not in told
        assert world.truth(host) == world.on("v1")


def test_what_a_run_that_was_cut_off_left_down_the_next_one_takes_up(make: Make) -> None:
    world = make(when="migrations").given("v1")
    for host in HOSTS:
        (world.remote.home(host) / "srv/.lockstitch/desk/maintenance").write_text(
            '{"run":"20251231T000000Z-dead","by":"bob@elsewhere","kind":"deploy"}\n'
        )
    world.put_down("a")
    asked = world.survey(plans.usual_asks(world.fleet()))
    shown = status_text(asked, SiteStates({site: passed("yes") for site in asked.facts}), datetime.now(UTC))
    assert "in maintenance (on by bob@elsewhere, left by run 20251231T000000Z-dead)" in shown
    table = maintenance_text(asked, dict.fromkeys(asked.facts, True))
    assert "left by run 20251231T000000Z-dead" in table and " off" in table
    for version in ("v1", "v2"):
        plan = world.plan_deploy(version)
        assert ("was left in maintenance by run" in plan_text(plan)) == (version == "v1")
        ended = world.run(plan)
        assert int(ended.code) == 0, outcome_text(ended)
        assert [world.truth(host) for host in HOSTS] == [world.on(version), world.on(version)]


def test_what_somebody_does_between_the_survey_and_the_run_is_respected(make_one: Make) -> None:
    world = make_one(when="always").given("v1")
    plan = world.plan_deploy("v2")
    world.put_down("b")
    ended = world.run(plan)
    assert world.truth("b").down and world.truth("a").down is False
    assert int(ended.code) == 0, outcome_text(ended)
    assert [world.truth(host) for host in HOSTS] == [world.on("v2"), world.on("v2", down=True)]


def test_maintenance_on_and_off(make: Make) -> None:
    world = make(when="never").given("v1")
    page = Page("60", Secret("open-sesame"), "moving house")
    plan = world.plan_maintenance(on=True, page=page)
    assert "`artisan down` has no --message in Laravel 8.83" in plan_text(plan)
    assert "open-sesame" not in plan_text(plan, commands=True)
    assert int(world.run(plan).code) == 0
    for host in HOSTS:
        assert "v1 down --retry=60 --secret=open-sesame" in world.log(host)
    assert all(world.truth(host) == world.on("v1", down=True) for host in HOSTS)
    ended = world.run(world.plan_deploy("v2"))
    assert int(ended.code) == 0, outcome_text(ended)
    assert all(world.truth(host) == world.on("v2", down=True) for host in HOSTS)
    assert int(world.run(world.plan_maintenance(on=False)).code) == 0
    assert all(world.truth(host) == world.on("v2") for host in HOSTS)
    assert world.marked() == [] and world.locks() == []


@pytest.mark.parametrize("on", [True, False])
def test_maintenance_that_fails_on_one_host_is_put_back_on_all(make_one: Make, on: bool) -> None:
    world = make_one().given("v1")
    if not on:
        world.put_down(*HOSTS)
    (world.remote.home("b") / f"fails.{'down' if on else 'up'}").touch()
    ended = world.run(world.plan_maintenance(on=on))
    assert int(ended.code) == 5, outcome_text(ended)
    assert outcome_text(ended).endswith("next: fab -H box maintenance.status")
    assert [world.truth(host).down for host in HOSTS] == [not on, not on]
    assert world.locks() == []


def test_maintenance_that_nobody_can_see_is_refused_before_the_first_host(make_one: Make) -> None:
    """One of the hosts keeps it in its cache."""
    world = make_one(when="always").given("v1")
    (world.current("b") / ".env").write_text("APP_KEY=1\nAPP_MAINTENANCE_DRIVER=cache\n")
    world.forget()
    for plan in (
        partial(world.plan_maintenance, on=True),
        partial(world.plan_maintenance, on=False),
        partial(world.plan_deploy, "v2"),
    ):
        with pytest.raises(CheckError, match="b: its maintenance driver is `cache`") as refused:
            plan()
        assert "a:" not in refused.value.message and refused.value.exit_code == 7
    assert not any(line.split()[1] == "down" for host in HOSTS for line in world.log(host))


def test_an_app_whose_maintenance_nobody_knows(tmp_path: Path) -> None:
    text = """
groups:
  backend: {hosts: [a], apps: [api]}
apps:
  api: {repository: r, path: srv/api, service: {kind: command, reload: ':', status: ':'}}
"""
    (tmp_path / "prod.yml").write_text(text)
    (fleet,) = select(InventoryFolder(tmp_path), "prod").fleets
    found = Survey({ask.site: Facts(ask.site) for ask in plans.usual_asks(fleet)})
    with pytest.raises(UsageError) as refused:
        plans.maintenance(fleet, found, plans.MaintenanceOptions("run", "ada", True))
    assert "maintenance_page" in refused.value.hint


def test_a_first_deploy_that_fails_leaves_nothing_served(make: Make) -> None:
    world = make(when="always")
    (world.remote.home("a") / "fails.queue.restart").touch()
    ended = world.run(world.plan_deploy("v1"))
    assert int(ended.code) == 5, outcome_text(ended)
    assert world.layout == "in_place" or not any(world.current(host).exists() for host in HOSTS)
    assert world.locks() == []


@pytest.mark.parametrize("what", ["--version", "migrate", "migrate:status", "queue:restart"])
def test_an_artisan_that_lies_fails_the_deploy(make_one: Make, what: str) -> None:
    """It ends with 0 and has done nothing, as Laravel's does where it may not write its log."""
    world = make_one(when="migrations").given("v1")
    world.forget()
    for host in HOSTS:
        (world.remote.home(host) / "pending").touch()
    plan = world.plan_deploy("v2")
    for host in HOSTS:
        for name in (what, "list") if what == "--version" else (what,):
            (world.remote.home(host) / f"lies.{name.replace(':', '.')}").touch()
    ended = world.run(plan)
    said = outcome_text(ended)
    if what == "queue:restart":
        # It is done again on the way back, and lies again: nobody knows then what the workers run.
        assert int(ended.code) == 6 and "did not print what it prints when it has worked" in said, said
        return
    assert int(ended.code) == 5, said
    assert {"migrate": "still pending", "migrate:status": "printed no list"}.get(
        what, "In StreamHandler.php line 146"
    ) in said
    if what in ("--version", "migrate:status"):
        assert not any("down" in line or "reload" in line for line in world.log("a")), "before anything visible"
    assert world.locks() == [] and world.marked() == []
