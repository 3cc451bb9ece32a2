"""Whatever fails, wherever it fails: every host is back on the old revision, or is named as one that is not.

These are loops over every step, script and gate of real plans, not samples of them. Only of units that are alike, one
app's in one wave with the same steps, one is gone through.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from lockstitch import plans
from lockstitch.concurrency import interrupt
from lockstitch.engine.runner import run
from lockstitch.errors import ExitCode, HostLostError
from lockstitch.model.command import Command
from lockstitch.model.gate import Verdict, failed, passed
from lockstitch.model.host import Host
from lockstitch.model.outcome import Failure, RunEvent
from lockstitch.model.plan import Plan, Script, SitePlan, Step
from lockstitch.report.outcome import outcome_text
from tests.engine.world import SITES, Ended, World, copied, different, quick, step_at, steps_of, with_step, with_unit

Case = TypeVar("Case")
BOOM = Command("echo boom; exit 9")


class Prepared:
    """A world on v2 that knows v1, surveyed once: it is the same again after every run that goes back."""

    def __init__(self, world: World, kind: str) -> None:
        self.world, self.kind = world, kind
        self.after = "v3" if kind == "deploy" else "v1"
        self.before = world.given("v1", "v2").truth()
        self.fleet = world.fleet()
        asks = plans.deploy_asks(self.fleet, "v3") if kind == "deploy" else plans.rollback_asks(self.fleet, "v1")
        self.survey = world.surveyed(asks)
        self._saved = world.root / "saved"
        shutil.copytree(world.remote.root, self._saved, symlinks=True)

    def restore(self) -> None:
        """What a person would do who is named by an outcome: put the hosts right."""
        shutil.rmtree(self.world.remote.root)
        shutil.copytree(self._saved, self.world.remote.root, symlinks=True)
        assert self.world.truth() == self.before

    def plan(self) -> Plan:
        """A plan of a run of its own, which does not mind that the journals have grown since the survey."""
        if self.kind == "deploy":
            made = plans.deploy(self.fleet, self.survey, plans.DeployOptions(self.world.new_run(), "ada@desk"))
        else:
            made = plans.rollback(
                self.fleet, self.survey, plans.RollbackOptions(self.world.new_run(), "ada@desk", "v1")
            )
        return replace(made, journal_sizes={})

    def assert_back(self, ended: Ended, plan: Plan, why: str) -> None:
        """Everything is as it was, by the folders; and what failed is on record."""
        assert self.world.truth() == self.before, why
        assert self.world.leftovers() == [], why
        assert {site.where for site in ended.outcome.sites} == {"old"}, why
        assert ended.outcome.manual_actions == (), why
        for change in plan.changes:
            verdicts = self.world.verdicts(change.site.host, change.site.app)
            assert verdicts.get(change.release) == self.verdict(ended, change.site.app), why

    def verdict(self, ended: Ended, app: str) -> str | None:
        """The record of the release: a refusal made none, one gone back to stays good, and of an app that went back
        because another one failed nothing is known."""
        if ended.code == 7:
            return None
        sites = [failure.site for failure in ended.outcome.failures]
        guilty = {site.app for site in sites if site} if all(sites) else {app}
        return "good" if self.kind == "rollback" else "bad" if app in guilty else "unknown"


def told(ended: Ended, *words: object) -> str:
    """What an assertion that fails says: what was done, and how the run ended."""
    return f"{' '.join(map(str, words))}\n{outcome_text(ended.outcome)}"


def fails(step: Step) -> Step:
    return replace(step, command=BOOM)


def fails_once(step: Step) -> Step:
    """The same step, whose first attempt fails: what is put back by doing it again must work again."""
    text = f'[ -e "$HOME/.boom" ] || {{ : >"$HOME/.boom"; echo boom; exit 9; }}; rm "$HOME/.boom"\n{step.command.text}'
    return replace(step, command=replace(step.command, text=text))


class Twins:
    """Two worlds that are alike, to go through many cases in half the time."""

    def __init__(self, worlds: Sequence[Prepared]) -> None:
        self.worlds, self.kind = worlds, worlds[0].kind

    def plan(self) -> Plan:
        return self.worlds[0].plan()

    def each(self, cases: Iterable[Case], check: Callable[[Prepared, Case], None]) -> None:
        """Check every case, on whichever world; what it has broken there is put right."""
        cases = list(cases)
        assert cases

        def some(number: int) -> None:
            for case in cases[number :: len(self.worlds)]:
                check(self.worlds[number], case)
                self.worlds[number].world.remote.faults = []
                self.worlds[number].world.remote.losses = []

        with ThreadPoolExecutor(len(self.worlds)) as pool:
            for done in [pool.submit(some, number) for number in range(len(self.worlds))]:
                done.result()


def every_step(plan: Plan) -> list[tuple[int, int, int]]:
    """The place of every step: wave, unit, step."""
    chosen = {(w, u) for w, wave in enumerate(plan.waves) for u, _ in different(wave.site_plans)}
    return [at for at in steps_of(plan) if at[:2] in chosen]


Prepare = Callable[[str], Twins]


@pytest.fixture(scope="module", params=["in_place", "releases"])
def prepare(request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepare:
    """Worlds for this module, two for each kind of plan: every test leaves them as it found them."""
    made: dict[str, Twins] = {}

    def prepared(kind: str) -> Twins:
        if kind not in made:
            roots = [tmp_path_factory.mktemp(kind) for _ in range(2)]
            made[kind] = Twins([Prepared(copied(template, root, request.param), kind) for root in roots])
        return made[kind]

    return prepared


@pytest.fixture
def deploy(prepare: Prepare) -> Iterator[Twins]:
    """A deploy, in both layouts."""
    yield from used(prepare("deploy"))


@pytest.fixture(params=["deploy", "rollback"])
def both(prepare: Prepare, request: pytest.FixtureRequest) -> Iterator[Twins]:
    """A deploy and a rollback, in both layouts."""
    yield from used(prepare(request.param))


def used(twins: Twins) -> Iterator[Twins]:
    yield twins
    for prepared in twins.worlds:
        prepared.world.remote.faults, prepared.world.remote.losses = [], []
        prepared.restore()


def test_every_step_that_fails_takes_every_host_back(both: Twins) -> None:
    def check(prepared: Prepared, at: tuple[int, int, int]) -> None:
        plan = prepared.plan()
        wave, site, step = step_at(plan, at)
        ended = prepared.world.run(with_step(plan, at, fails_once if step.redo_on_rollback else fails))
        why = told(ended, wave.name, step.name, site)
        assert ended.code == 5, why
        (failure,) = ended.outcome.failures
        assert (failure.site, failure.what, failure.output) == (site, step.name, ("boom",)), why
        prepared.assert_back(ended, plan, why)

    both.each(every_step(both.plan()), check)


Where = tuple[str, str, str]


def scripts_of(plan: Plan) -> dict[Where, str]:
    """Every script of a run that goes well, by host, app and first step; and which part of the run it is of."""
    lock = {(site.host, site.app, "lock"): "lock" for site in plan.sites}
    waves = {
        where(unit): "switch" if wave.visible else "prepare"
        for wave in plan.waves
        for _, unit in different(wave.site_plans)
    }
    return {**lock, **waves, **{where(unit): "finish" for _, unit in different(plan.finish)}}


def where(unit: SitePlan) -> Where:
    return (unit.site.host, unit.site.app, unit.steps[0].name)


class Breaks:
    """Raises at one script, and `for_good` at all later ones of that host."""

    def __init__(self, at: Where, error: Callable[[str], BaseException], *, for_good: bool = False) -> None:
        self.at, self.error, self.for_good, self.broken = at, error, for_good, False

    def __call__(self, host: Host, script: Script) -> None:
        if error := self.loses(host, script):
            raise error

    def loses(self, host: Host, script: Script) -> BaseException | None:
        """For a script that is carried out: the error that comes in place of its answer."""
        now = not self.broken and (host.name, script.app, script.steps[0].name) == self.at
        self.broken = self.broken or now
        again = self.for_good and self.broken and host.name == self.at[0]
        return self.error(host.name) if now or again else None


def lost(host: str) -> HostLostError:
    return HostLostError(host, "the connection dropped")


def interrupted(host: str) -> KeyboardInterrupt:
    return KeyboardInterrupt()


def test_a_connection_that_drops_once_at_any_script_takes_every_host_back(both: Twins) -> None:
    """A rollback's script never arrives; a deploy's is carried out, and its answer is lost."""

    def check(prepared: Prepared, case: tuple[Where, str]) -> None:
        at, part = case
        world, plan = prepared.world, prepared.plan()
        if prepared.kind == "rollback":
            world.remote.faults = [Breaks(at, lost)]
        else:
            world.remote.losses = [Breaks(at, lost).loses]
        if part == "lock":
            with pytest.raises(HostLostError, match=at[0]):
                world.run(plan)
            assert world.truth() == prepared.before
            assert world.leftovers() == [], at
            return
        ended = world.run(plan)
        why = told(ended, *at)
        assert [(f.site and f.site.host, f.what) for f in ended.outcome.failures] == [(at[0], KINDS[part])], why
        if part == "finish":
            assert ended.code == 6, why
            assert [f"{left.site.app}@{left.site.host}" for left in ended.outcome.manual_actions] == [
                f"{at[1]}@{at[0]}"
            ], why
            assert {site.where for site in ended.outcome.sites} == {"new"}, why
            assert world.truth() == world.on(prepared.after), why
            prepared.restore()
        else:
            assert ended.code == 5, why
            prepared.assert_back(ended, plan, why)

    both.each(scripts_of(both.plan()).items(), check)


KINDS = {"prepare": "connection", "switch": "connection", "finish": "ending"}


def test_a_host_that_is_gone_for_good_is_named_and_every_other_one_is_back(deploy: Twins) -> None:
    def check(prepared: Prepared, case: tuple[Where, str]) -> None:
        (at, part), host = case, case[0][0]
        world = prepared.world
        world.remote.faults = [Breaks(at, lost, for_good=True)]
        ended = world.run(prepared.plan())
        why = told(ended, *at)
        assert ended.code == 6, why
        assert {left.site.host for left in ended.outcome.manual_actions} == {host}, why
        assert {left.command for left in ended.outcome.manual_actions} == {f"fab -H box:{host} status"}, why
        others = {site for site in SITES if site[0] != host}
        truth = world.truth()
        assert {site: truth[site] for site in others} == {site: prepared.before[site] for site in others}, why
        assert all(path.startswith(f"{host}/") for path in world.leftovers()), why
        for site in ended.outcome.sites:
            seen_there = (site.site.host, site.site.app) == at[:2] and part == "switch"
            if site.site.host != host or seen_there:
                assert site.where == ("unknown" if seen_there else "old"), why
        prepared.restore()

    parts = scripts_of(deploy.plan()).items()
    deploy.each([case for case in parts if case[1] in ("prepare", "switch")], check)


def test_an_interrupt_at_any_script_takes_every_host_back(both: Twins) -> None:
    def check(prepared: Prepared, case: tuple[Where, str]) -> None:
        at, part = case
        world, plan = prepared.world, prepared.plan()
        world.remote.faults = [Breaks(at, interrupted)]
        if part == "lock":
            with pytest.raises(KeyboardInterrupt):
                world.run(plan)
            assert world.truth() == prepared.before
            assert world.leftovers() == [], at
        else:
            ended = world.run(plan)
            why = told(ended, *at)
            assert ended.code == 130, why
            prepared.assert_back(ended, plan, why)

    both.each([case for case in scripts_of(both.plan()).items() if case[1] != "finish"], check)


class Finalized:
    """An object whose finalizer meets a Ctrl-C: Python ignores an exception that is raised there."""

    def __del__(self) -> None:
        interrupt()


def test_an_interrupt_in_a_finalizer_is_heard_all_the_same(any_world: World) -> None:
    assert any_world.deploy("v1").code == 0

    def before() -> list[Failure]:
        Finalized()
        return []

    hosts = {host.name: host for host in any_world.fleet().hosts}
    outcome = run(any_world.plan_deploy("v2"), any_world.remote, hosts, lambda event: None, before)
    assert outcome.code is ExitCode.INTERRUPTED, outcome_text(outcome)
    assert any_world.truth() == any_world.on("v1")


def test_an_interrupt_after_the_last_gate_comes_too_late_and_the_run_is_ended(world: World) -> None:
    for version, at in [("v1", SITES[0]), ("v2", SITES[-1])]:
        world.remote.faults = [Breaks((*at, "record good"), interrupted)]
        ended = world.deploy(version)
        assert ended.code == 0, told(ended)
        assert world.truth() == world.on(version)
        assert not [path for path in world.leftovers() if "lock.json" in path]
        assert all("good" in world.verdicts(*site).values() for site in SITES)


def test_every_gate_that_says_no_takes_every_host_back(both: Twins) -> None:
    def check(prepared: Prepared, at: tuple[int, int]) -> None:
        plan = prepared.plan()
        wave = plan.waves[at[0]]
        ended = prepared.world.run(with_unit(plan, *at, says_no))
        why = told(ended, wave.name, at)
        assert ended.code == 5, why
        (failure,) = ended.outcome.failures
        assert failure.site == wave.site_plans[at[1]].site, why
        assert (failure.what, failure.reason) == ("gate serving", "I say no"), why
        prepared.assert_back(ended, plan, why)

    waves = enumerate(both.plan().waves)
    both.each([(w, u) for w, wave in waves for u, unit in different(wave.site_plans) if unit.gates], check)


def says_no(unit: SitePlan) -> SitePlan:
    return replace(
        unit, gates=tuple(replace(quick(gate), judge=lambda reading: failed("I say no")) for gate in unit.gates)
    )


def test_every_way_back_that_fails_is_left_to_a_person_by_name(deploy: Twins) -> None:
    """Each undo of each unit fails in turn, after everything before the last wave's end went well."""

    def check(prepared: Prepared, at: tuple[int, int, int]) -> None:
        plan = prepared.plan()
        wave, site, step = step_at(plan, at)
        last = len(plan.waves) - 1
        ended = prepared.world.run(with_unit(with_step(plan, at, cannot_go_back), last, 0, says_no))
        why = told(ended, wave.name, step.name, site)
        assert ended.code == 6, why
        (left,) = ended.outcome.manual_actions
        assert left.site == site, why
        assert left.command == f"fab -H box:{site.host} status", why
        ends = {outcome.site: outcome.where for outcome in ended.outcome.sites}
        assert ends.pop(site) == ("unknown" if wave.visible else "old"), why
        assert set(ends.values()) == {"old"}, why
        others = {one for one in SITES if one != (site.host, site.app)}
        truth = prepared.world.truth()
        assert {one: truth[one] for one in others} == {one: prepared.before[one] for one in others}, why
        prepared.restore()

    plan = deploy.plan()
    deploy.each([at for at in every_step(plan) if undone(step_at(plan, at)[2])], check)


def undone(step: Step) -> bool:
    return step.redo_on_rollback or step.undo is not None


def cannot_go_back(step: Step) -> Step:
    """The same step, with a way back that fails; one that is done again fails the second time."""
    if step.undo is not None:
        return replace(step, undo=BOOM)
    text = (
        f'[ ! -e "$HOME/.once" ] || {{ rm "$HOME/.once"; echo boom; exit 9; }}; : >"$HOME/.once"\n{step.command.text}'
    )
    return replace(step, command=replace(step.command, text=text))


def test_going_back_asks_anew_and_does_not_take_the_word_of_the_code_that_failed(world: World) -> None:
    """Of two hosts in one wave one fails: the other, whose gates had passed, is asked again once it is back."""
    plan = world.given("v1").plan_deploy("v2")
    last = len(plan.waves) - 1
    (b, c) = plan.waves[last].site_plans
    asked: list[str] = []

    def noted(unit: SitePlan) -> SitePlan:
        def judge(reading: object) -> Verdict:
            asked.append(unit.site.host)
            return passed("it is the old one")

        return replace(unit, rollback_gates=tuple(replace(gate, judge=judge) for gate in unit.rollback_gates))

    plan = with_step(plan, (last, 0, len(b.steps) - 1), fails_once)
    plan = with_unit(with_unit(plan, last, 0, noted), last, 1, noted)
    world.remote.scripts.clear()
    ended = world.run(plan)
    assert ended.code == 5, told(ended)
    back = [(host, steps) for host, steps in world.remote.scripts if steps == ("gate serving",)]
    assert {host for host, _ in back} >= {b.site.host, c.site.host}
    assert sorted(asked) == ["b", "c"]
    assert world.truth() == world.on("v1")


def test_an_observer_that_fails_at_any_event_leaves_no_fleet_on_two_versions(deploy: Twins) -> None:
    """The controller's disk is full: no record, so no further wave; and no host that is not back, or still locked."""

    def check(prepared: Prepared, number: int) -> None:
        world, hosts = prepared.world, {host.name: host for host in prepared.fleet.hosts}
        events = itertools.count()

        def full(event: RunEvent) -> None:
            if next(events) >= number:
                raise OSError(28, "No space left on device")

        outcome = run(prepared.plan(), world.remote, hosts, full)
        said = outcome_text(outcome)
        assert outcome.code in (ExitCode.DONE, ExitCode.REVERTED) and not outcome.manual_actions, (number, said)
        assert world.truth() == (prepared.before if outcome.code else world.on(prepared.after)), (number, said)
        assert "No space left on device" in said and "lost" not in said, (number, said)
        assert world.leftovers() == [], (number, said)
        if world.truth() != prepared.before:
            prepared.restore()

    events: list[RunEvent] = []
    one = deploy.worlds[0]
    run(one.plan(), one.world.remote, {host.name: host for host in one.fleet.hosts}, events.append)
    one.restore()
    deploy.each([*range(0, len(events), 7), len(events) - 1], check)


def test_a_defect_of_ours_at_any_script_leaves_no_fleet_on_two_versions(deploy: Twins) -> None:
    """Even where all that was done is lost with it: the error goes on to the top, and no host stays behind."""

    def check(prepared: Prepared, case: tuple[Where, str]) -> None:
        at, part = case
        world = prepared.world
        world.remote.losses = [Breaks(at, defect).loses]
        with pytest.raises(ZeroDivisionError):
            world.run(prepared.plan())
        assert world.truth() == (world.on(prepared.after) if part == "finish" else prepared.before), at
        assert not [path for path in world.leftovers() if "running" not in path], at
        if part == "finish":
            prepared.restore()

    deploy.each(scripts_of(deploy.plan()).items(), check)


def defect(host: str) -> ZeroDivisionError:
    return ZeroDivisionError(host)


def test_a_second_interrupt_names_what_is_not_back(world: World) -> None:
    """Stopped while it goes back: every site that is not proven to be on the old revision is left to a person."""
    plan = world.given("v1").plan_deploy("v2")
    world.remote.faults = [
        Breaks(("b", "web", plan.waves[-1].site_plans[0].steps[0].name), interrupted),
        Breaks(("b", "api", undo_of(plan)), interrupted),
    ]
    ended = world.run(plan)
    assert ended.code == 130, told(ended)
    outcomes = {str(site.site): site.where for site in ended.outcome.sites}
    still_new = {f"{app}@{host}" for host, app in SITES if world.served(host, app) == "v2"}
    assert still_new, "the second interrupt came too late for this test to say anything"
    assert still_new <= {str(left.site) for left in ended.outcome.manual_actions}, told(ended)
    assert still_new <= {site for site, where in outcomes.items() if where != "old"}, told(ended)
    assert not [path for path in world.leftovers() if "lock.json" in path]
    assert "need a person" in outcome_text(ended.outcome)


def test_a_second_interrupt_names_the_locks_that_are_still_held(world: World) -> None:
    plan = world.given("v1").plan_deploy("v2")
    world.remote.faults = [
        Breaks(("b", "web", plan.waves[-1].site_plans[0].steps[0].name), interrupted),
        Breaks(("b", "api", undo_of(plan)), interrupted),
        Breaks(("c", "web", "unlock"), lost),
    ]
    ended = world.run(plan)
    held = [path for path in world.leftovers() if path.endswith("lock.json")]
    assert ended.code == 130 and len(held) == 1, told(ended)
    assert [str(left.site) for left in ended.outcome.manual_actions if "its lock is still held" in left.what] == [
        "web@c"
    ]


def undo_of(plan: Plan) -> str:
    """The first step of what puts api@b back."""
    (unit,) = [u for wave in plan.waves for u in wave.site_plans if wave.visible and str(u.site) == "api@b"]
    undos = [f"undo {step.name}" for step in reversed(unit.steps) if step.undo is not None]
    return undos[0]
