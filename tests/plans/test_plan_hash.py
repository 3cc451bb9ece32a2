"""The hash of a plan: the same for the same facts whoever asks, and another one for each change of what is done."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockstitch import plans
from lockstitch.facts.site import Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.metrics import GateSettings
from lockstitch.inventory.selection import select
from lockstitch.inventory.smoke import SmokeStepSettings
from lockstitch.model.command import Command, Secret
from lockstitch.model.plan import Change, Commit, Plan, SitePlan, Step, Wave
from lockstitch.model.smoke_check import SmokeCheck
from lockstitch.model.wave_watch import WaveWatch
from lockstitch.plans.plan_hash import plan_hash
from tests.plans.test_plans import INVENTORY, NEW, OLD, facts

COMMITS = tuple(Commit(f"{number:040x}", "Ada", f"change {number}") for number in range(3))
LAYOUTS = ("in_place", "releases")


@cache
def fleet(layout: str) -> Fleet:
    common = f"repository: r\n    layout: {layout}\n    service: {{kind: command, reload: ':', status: ':'}}"
    common += "\n    env: {A: '1'}\n    secrets: {KEY: 'env:KEY'}"
    with TemporaryDirectory() as folder:
        Path(folder, "prod.yml").write_text(INVENTORY.format(common=common))
        (selected,) = select(InventoryFolder(folder), "prod").fleets
    return selected


@cache
def survey(layout: str, migrations: tuple[str, ...] = ("0001",)) -> Survey:
    known = {}
    for ask in plans.usual_asks(fleet(layout)):
        site = facts(ask.site)
        assert site.target is not None
        known[ask.site] = replace(site, target=replace(site.target, commits=COMMITS, migrations=migrations))
    return Survey(known)


def deploy(
    layout: str = "releases",
    run: str = "20260302T000000Z-1f2e",
    by: str = "ada",
    message: str = "",
    secret: str = "",
    migrations: tuple[str, ...] = ("0001",),
) -> Plan:
    env = {site: {"KEY": Secret(secret, "env:KEY")} for site in plans.sites(fleet(layout))}
    options = plans.DeployOptions(run, by, message, env=env, tag_before="before")
    return plans.deploy(fleet(layout), survey(layout, migrations), options)


words = st.text(max_size=12) | st.sampled_from(["a", "api", "record", '"', "20260101T000000Z", "/home/ada/project"])
runs = st.builds(
    "{:%Y%m%dT%H%M%SZ}-{:04x}".format,
    st.datetimes(min_value=datetime(2026, 2, 1)),
    st.integers(0, 0xFFFF),
)


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=12, deadline=None)
@given(run=runs, by=words, message=words, secret=words)
def test_who_when_why_and_the_values_of_secrets_do_not_change_it(
    layout: str, run: str, by: str, message: str, secret: str
) -> None:
    assert plan_hash(deploy(layout, run, by, message, secret)) == plan_hash(deploy(layout))


def test_sentences_sizes_and_the_lengths_of_journals_do_not_change_it() -> None:
    plan = deploy()
    other = replace(
        plan,
        notes=("another",),
        summary=("another",),
        next_command="another",
        journal_sizes=dict.fromkeys(plan.sites, 7),
        whole_journals=frozenset(plan.sites),
    )
    assert plan_hash(other) == plan_hash(plan)
    assert plan_hash(_with_step(plan, 0, lambda step: replace(step, expects=5))) == plan_hash(plan)


def _sites(plan: Plan) -> list[tuple[int, int]]:
    return [(w, s) for w, wave in enumerate(plan.waves) for s in range(len(wave.site_plans))]


def _with_unit(plan: Plan, number: int, change: Callable[[SitePlan], SitePlan]) -> Plan:
    wave, unit = _sites(plan)[number % len(_sites(plan))]
    units = list(plan.waves[wave].site_plans)
    units[unit] = change(units[unit])
    waves = list(plan.waves)
    waves[wave] = replace(waves[wave], site_plans=tuple(units))
    return replace(plan, waves=tuple(waves))


def _with_step(plan: Plan, number: int, change: Callable[[Step], Step]) -> Plan:
    def changed(unit: SitePlan) -> SitePlan:
        steps = list(unit.steps)
        steps[number % len(steps)] = change(steps[number % len(steps)])
        return replace(unit, steps=tuple(steps))

    return _with_unit(plan, number, changed)


def _one_host_less(plan: Plan, number: int) -> Plan:
    host = plan.changes[number % len(plan.changes)].site.host

    def without(units: tuple[SitePlan, ...]) -> tuple[SitePlan, ...]:
        return tuple(unit for unit in units if unit.site.host != host)

    return replace(
        plan,
        waves=tuple(replace(wave, site_plans=without(wave.site_plans)) for wave in plan.waves),
        finish=without(plan.finish),
        changes=tuple(change for change in plan.changes if change.site.host != host),
    )


def _change(plan: Plan, number: int, change: Callable[[Change], Change]) -> Plan:
    changes = list(plan.changes)
    changes[number % len(changes)] = change(changes[number % len(changes)])
    return replace(plan, changes=tuple(changes))


def _other_value(command: Command, number: int) -> Command:
    name = [*command.values, "more"][number % (len(command.values) + 1)]
    if name in ("by", "message", "record"):
        return replace(command, text=f"{command.text}\n:")
    return replace(command, values={**command.values, name: f"{command.values.get(name)}x"})


def _swapped(waves: tuple[Wave, ...], number: int) -> tuple[Wave, ...]:
    at = number % (len(waves) - 1)
    return (*waves[:at], waves[at + 1], waves[at], *waves[at + 2 :])


CHANGES: dict[str, Callable[[Plan, int], Plan]] = {
    "a host less": _one_host_less,
    "a command less": lambda plan, n: _with_unit(plan, n, lambda unit: replace(unit, steps=unit.steps[1:])),
    "a command more": lambda plan, n: _with_unit(plan, n, lambda unit: replace(unit, steps=(*unit.steps, *unit.steps))),
    "another text": lambda plan, n: _with_step(
        plan, n, lambda step: replace(step, command=replace(step.command, text=f"{step.command.text} "))
    ),
    "another value": lambda plan, n: _with_step(
        plan, n, lambda step: replace(step, command=_other_value(step.command, n))
    ),
    "another variable": lambda plan, n: _with_step(
        plan, n, lambda step: replace(step, command=replace(step.command, env={"A": "2"}))
    ),
    "another reference of a secret": lambda plan, n: _with_step(
        plan, n, lambda step: replace(step, command=replace(step.command, env={"KEY": Secret("", "env:OTHER")}))
    ),
    "another way back": lambda plan, n: _with_step(plan, n, lambda step: replace(step, undo=Command("undo"))),
    "another timeout": lambda plan, n: _with_step(plan, n, lambda step: replace(step, timeout=step.timeout + 1)),
    "no gates": lambda plan, n: replace(
        plan,
        waves=tuple(
            replace(wave, site_plans=tuple(replace(unit, gates=()) for unit in wave.site_plans)) for wave in plan.waves
        ),
    ),
    "another order of waves": lambda plan, n: replace(plan, waves=_swapped(plan.waves, n)),
    "another pause": lambda plan, n: replace(plan, waves=(*plan.waves[:-1], replace(plan.waves[-1], pause=1 + n))),
    "a commit less": lambda plan, n: _change(plan, n, lambda change: replace(change, coming=change.coming[1:])),
    "other commits": lambda plan, n: _change(plan, n, lambda change: replace(change, coming=change.coming[::-1])),
    "another revision": lambda plan, n: _change(plan, n, lambda change: replace(change, after=OLD)),
    "another start": lambda plan, n: _change(plan, n, lambda change: replace(change, before=NEW)),
    "a migration more": lambda plan, n: _change(
        plan, n, lambda change: replace(change, migrations=(*change.migrations, "0002"))
    ),
    "another environment": lambda plan, n: replace(plan, environment="staging"),
    "another ref": lambda plan, n: replace(plan, refs={"api": "main"}),
    "no record": lambda plan, n: replace(plan, finish=plan.finish[1:]),
}


@pytest.mark.parametrize("change", CHANGES)
@settings(max_examples=5, deadline=None)
@given(layout=st.sampled_from(LAYOUTS), number=st.integers(0, 60))
def test_each_change_of_what_is_done_changes_it(change: str, layout: str, number: int) -> None:
    plan = deploy(layout)
    assert plan_hash(CHANGES[change](plan, number)) != plan_hash(plan)


def test_all_these_changes_have_hashes_of_their_own() -> None:
    hashes = [plan_hash(plan) for plan in (deploy(), *(change(deploy(), 1) for change in CHANGES.values()))]
    assert not [pair for pair in itertools.combinations(hashes, 2) if pair[0] == pair[1]]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_migration_that_the_survey_sees_changes_it(layout: str) -> None:
    hashes = {plan_hash(deploy(layout, migrations=each)) for each in ((), ("0001",), ("0001", "0002"), ("0002",))}
    assert len(hashes) == 4


GATE: dict[str, object] = {"source": "web", "status": "5xx", "max": "1%"}
STEP: dict[str, object] = {
    "post": "/login",
    "json": {"user": "ada", "password": "env:PASSWORD"},
    "expect": {"status": 200},
}
OTHER_GATES: list[dict[str, object]] = [
    {"source": "api"},
    {"status": "4xx"},
    {"status": None, "match": "panic", "max": 0},
    {"status": None, "match": "fatal", "max": 0},
    {"max": "2%"},
    {"dry": True},
]
OTHER_STEPS: list[dict[str, object]] = [
    {"post": None, "put": "/login"},
    {"post": "/logon"},
    {"json": {"user": "ada", "password": "env:OTHER"}},
    {"json": {"user": "eve", "password": "env:PASSWORD"}},
    {"expect": {"status": [200, 403]}},
    {"expect": {"status": 200, "text": "hello"}},
    {"timeout": "9s"},
]


def _judged(gate: dict[str, object], step: dict[str, object]) -> Plan:
    """A plan whose last wave is judged by a gate and a smoke step, as they stand in an inventory."""
    plan = deploy()
    watch = WaveWatch("api", ("errors",), rules={"errors": GateSettings.model_validate(gate)})
    check = SmokeCheck("api", ("login",), "https://a", rules=(SmokeStepSettings.model_validate(step),))
    return replace(plan, waves=(*plan.waves[:-1], replace(plan.waves[-1], watch=watch, smoke=(check,))))


def test_what_a_release_is_judged_by_changes_it() -> None:
    gates = [{**GATE, **other} for other in OTHER_GATES]
    steps = [{**STEP, **other} for other in OTHER_STEPS]
    plans_judged = [_judged(GATE, STEP), *(_judged(gate, STEP) for gate in gates), *(_judged(GATE, s) for s in steps)]
    hashes = [plan_hash(plan) for plan in plans_judged]
    assert len({*hashes}) == len(hashes)
    assert plan_hash(_judged(dict(GATE), dict(STEP))) == hashes[0]


def test_no_text_stands_for_the_run() -> None:
    run = deploy().run
    texts = (run, "\0r", "\0-r", "\0", "\0-", "\0-\0r", run.split("-", maxsplit=1)[0], "\0t", f"\0{run}")
    hashes = {plan_hash(replace(deploy(), environment=text)) for text in texts}
    assert len(hashes) == len(texts)
