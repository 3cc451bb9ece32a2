"""Plans from facts, without a host: what is refused, what is done in which order, and what may be removed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockstitch import plans
from lockstitch.errors import CheckError, ConnectError, HostLostError, LockstitchError
from lockstitch.facts.site import CheckoutFacts, Facts, HostFacts, Survey, Target
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.selection import select
from lockstitch.model.command import Secret
from lockstitch.model.folder import UnwritableFolder
from lockstitch.model.layout import LayoutKind
from lockstitch.model.lock import LockInfo
from lockstitch.model.plan import Plan, Site
from lockstitch.plans.old_releases import prunable_ids
from lockstitch.plans.steps import Deployment
from lockstitch.services.state import ServiceState

OLD, NEW = "a" * 40, "b" * 40
RUN = "20260102T000000Z-1f2e"
INVENTORY = """
groups:
  backend: {{hosts: [a1, a2, a3, a4], apps: [api], rollout: {{canary: 1, batch: 2, pause: 30s}}}}
  frontend: {{hosts: [w1, w2], apps: [web]}}
apps:
  api:
    path: srv/api
    {common}
    build: [one, two]
    test: [test]
    migrate: migrate
    keep: 2
    health: {{url: "http://localhost/healthz"}}
  web:
    path: srv/web
    {common}
"""
both_layouts = pytest.mark.parametrize("layout", ["in_place", "releases"])


@pytest.fixture
def fleet(tmp_path: Path, layout: LayoutKind) -> Fleet:
    common = f"repository: r\n    layout: {layout}\n    service: {{kind: command, reload: ':', status: ':'}}"
    (tmp_path / "prod.yml").write_text(INVENTORY.format(common=common))
    (fleet,) = select(InventoryFolder(tmp_path), "prod").fleets
    return fleet


def facts(site: Site, *, release: str = "20260101T000000Z-aaaaaaaaaaaa") -> Facts:
    current = None if site.layout.in_place else release
    good = {"event": "release", "release": release, "revision": OLD, "verdict": "good"}
    place = CheckoutFacts(True, OLD, current, () if site.layout.in_place else (release,))
    return Facts(site, place, HostFacts(free=1 << 40, journal=(good,)), ServiceState(True), Target(NEW, tags=("v1",)))


def survey(fleet: Fleet, **changed: Any) -> Survey:
    """Facts of a healthy fleet on the old revision; `changed` are the facts of one host by its name."""
    made = {}
    for ask in plans.usual_asks(fleet):
        made[ask.site] = facts(ask.site)
        for part, value in changed.get(ask.host.name, {}).items():
            made[ask.site] = replace(made[ask.site], **{part: replace(getattr(made[ask.site], part), **value)})
    return Survey(made)


def deploy(fleet: Fleet, found: Survey, **wanted: Any) -> Plan:
    return plans.deploy(fleet, found, plans.DeployOptions(RUN, "ada", **wanted))


@both_layouts
def test_a_deploy_reads_like_its_runbook(fleet: Fleet, layout: LayoutKind) -> None:
    plan = deploy(fleet, survey(fleet))
    switches = ["api 1/3: a1", "api 2/3: a2, a3", "api 3/3: a4", "web 1/2: w1", "web 2/2: w2"]
    migrate = ["migrate api"] if layout == "releases" else []
    assert [wave.name for wave in plan.waves] == ["prepare", *migrate, *switches]
    visible = [wave for wave in plan.waves if wave.visible]
    assert [wave.name for wave in visible] == switches
    assert [wave.pause for wave in visible] == [30, 30, 30, 0, 0]
    assert all(unit.gates and unit.rollback_gates for wave in visible for unit in wave.site_plans)
    in_place = ["checkout", "build 1/2", "build 2/2", "test", "migrate", "reload"]
    done = [step.name for step in visible[0].site_plans[0].steps]
    assert done == (in_place if layout == "in_place" else ["activate", "reload"])
    migrating = [unit.site.host for unit in plan.units() for step in unit.steps if step.name == "migrate"]
    assert migrating == ["a1"], "once, on the first host"
    assert len(plan.finish) == len(plan.failed) == len(plan.changes) == 6
    assert all(unit.steps[-1].name == "unlock" for unit in (*plan.finish, *plan.failed))


@both_layouts
def test_everything_visible_can_be_taken_back(fleet: Fleet) -> None:
    steps = [
        s for wave in deploy(fleet, survey(fleet)).waves if wave.visible for unit in wave.site_plans for s in unit.steps
    ]
    for step in steps:
        assert step.undo is not None or step.redo_on_rollback or step.name in ("test", "migrate", "check"), step.name


@both_layouts
def test_a_unit_that_is_not_there_refuses_before_anything_is_built_or_migrated(fleet: Fleet) -> None:
    changed = {"host": {"units": (("api", "not-found"), ("worker", "masked"))}}
    with pytest.raises(CheckError) as refused:
        deploy(fleet, survey(fleet, a3=changed))
    assert "a3: api: systemd on this host has no unit api" in refused.value.message
    assert "cannot start the unit worker: it is masked" in refused.value.message
    assert "daemon-reload" in refused.value.hint


@both_layouts
def test_folders_that_cannot_be_written_come_with_the_command_that_makes_them(fleet: Fleet) -> None:
    folder = UnwritableFolder("/srv/api", "/srv", "ada", "ada")
    with pytest.raises(CheckError) as refused:
        deploy(fleet, survey(fleet, a3={"host": {"unwritable": (folder,)}}))
    assert refused.value.hint == "on a3: sudo install -d -o ada -g ada /srv/api"


@both_layouts
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"place": {"foreign": "srv/api is there and is no git checkout"}}, "move it away"),
        ({"host": {"missing": ("git", "tar")}}, "`git` is not found on this host"),
        (
            {"host": {"unwritable": (UnwritableFolder("/srv", "/srv"),)}},
            "/srv cannot be written by the user who logs in",
        ),
        ({"host": {"free": 5 << 20}}, "5.0 MiB are free at srv/"),
        ({"place": {"dirty": (" M settings.py",)}}, "     M settings.py"),
        ({"target": {"problem": "the git server did not answer"}}, "the git server did not answer"),
    ],
)
def test_what_stands_against_a_change(fleet: Fleet, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(CheckError) as refused:
        deploy(fleet, survey(fleet, a3=changed, w1=changed))
    text = refused.value.message
    assert text.count(said) == 2, text
    assert "a3: api: " in text and "w1: web: " in text
    assert "a1: " not in text and "w2: " not in text
    assert text.endswith("nothing was changed")


@both_layouts
def test_many_uncommitted_changes_are_counted(fleet: Fleet) -> None:
    dirty = {"place": {"dirty": tuple(f" M file{n}" for n in range(50))}}
    with pytest.raises(CheckError, match="and 30 more"):
        deploy(fleet, survey(fleet, a1=dirty))
    assert deploy(fleet, survey(fleet, a1=dirty), discard=True).waves


@both_layouts
def test_hosts_that_could_not_be_asked_come_first(fleet: Fleet) -> None:
    found = survey(fleet, a1={"host": {"missing": ("git",)}})
    one = ConnectError("a2", "no route to host", hint="is it up?")
    with pytest.raises(ConnectError, match="a2: no route to host") as refused:
        deploy(fleet, replace(found, unreachable={"a2": one}))
    assert (refused.value.exit_code, refused.value.hint) == (3, "is it up?")
    assert "not found" not in refused.value.message
    two = {"a2": one, "w1": HostLostError("w1", "the connection dropped")}
    with pytest.raises(LockstitchError) as both:
        deploy(fleet, replace(found, unreachable=two))
    assert both.value.exit_code == 3
    assert "a2: no route to host" in both.value.message and "w1: the connection dropped" in both.value.message
    assert both.value.hint == "is it up?"


@both_layouts
def test_who_is_there_already_is_left_out_unless_forced(fleet: Fleet) -> None:
    good = {"event": "release", "release": "R", "revision": NEW, "verdict": "good"}
    there = {"place": {"revision": NEW, "current": None}, "host": {"journal": (good,)}}
    plan = deploy(fleet, survey(fleet, a1=there, a2=there, w1=there, w2=there))
    assert [str(change.site) for change in plan.changes] == ["api@a3", "api@a4"]
    everywhere = {host.name: there for host in fleet.hosts}
    assert deploy(fleet, survey(fleet, **everywhere)).empty
    assert len(deploy(fleet, survey(fleet, **everywhere), force=True).changes) == 6
    down = {**there, "service": {"running": False}}
    assert [str(c.site) for c in deploy(fleet, survey(fleet, **{**everywhere, "w2": down})).changes] == ["web@w2"]


@both_layouts
def test_what_a_person_should_know_is_said(fleet: Fleet) -> None:
    lock = {"host": {"lock": LockInfo("r9", "grace", "freeze", "now")}}
    notes = deploy(fleet, survey(fleet, a2={"place": {"revision": "c" * 40}}, w1=lock)).notes
    assert notes == (
        "api: `migrate` runs once, on a1",
        "api: the hosts stand on different revisions now: aaaaaaaa, cccccccc",
        "w1: web is locked by grace since now, run r9 (freeze)",
    )


@both_layouts
def test_a_secret_is_in_what_is_sent_and_in_nothing_that_is_shown(fleet: Fleet) -> None:
    found = survey(fleet)
    env = {site: {"TOKEN": Secret("hunter2hunter2")} for site in found.facts}
    plan = deploy(fleet, found, env=env)
    builds = [step for unit in plan.units() for step in unit.steps if step.name == "build 1/2"]
    assert builds and all("hunter2" in step.command.render() for step in builds)
    assert "hunter2" not in repr(plan)


@both_layouts
def test_a_rollback_without_a_name_is_refused_where_there_is_nothing_before(fleet: Fleet) -> None:
    with pytest.raises(CheckError) as refused:
        plans.rollback(fleet, survey(fleet), plans.RollbackOptions(RUN, "ada"))
    assert refused.value.message.count("no earlier good release") == 6
    assert "fab -H ENV rollback --tag" in refused.value.hint


IDS = st.integers(0, 30).map(lambda n: f"202601{n:02}T000000Z-{'abcdef'[n % 6] * 12}")
NOT_OURS = ["backup", "..", "x.part", "20260101T000000Z-abcd.old"]


@pytest.mark.parametrize("layout", ["releases"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_only_folders_that_a_run_has_made_are_removed_and_never_what_serves(fleet: Fleet, data: st.DataObject) -> None:
    """Over random histories and folders: what people put there stays, and so do the current release and the new one."""
    folders = data.draw(st.lists(IDS | st.sampled_from(NOT_OURS), unique=True))
    told = data.draw(st.lists(st.tuples(IDS, st.sampled_from(["good", "bad", "left"]))))
    current = data.draw(st.sampled_from([*folders, "gone"]))
    site = Site("a1", "api", fleet.inventory.app("api", "a1").layout_paths)
    journal = tuple({"release": name, "revision": OLD, "verdict": verdict} for name, verdict in told)
    known = Facts(site, CheckoutFacts(True, OLD, current, tuple(folders)), HostFacts(journal=journal))
    new = "20260301T000000Z-bbbbbbbbbbbb"
    job = Deployment(site, fleet.inventory.app("api", "a1"), known, NEW, new)
    gone = set(prunable_ids(job))
    assert gone <= {*folders} - {*NOT_OURS, current, new}
    verdicts = dict(told)
    good = [name for name in reversed(verdicts) if name in folders and verdicts[name] == "good"]
    assert not gone & {*good[: job.app.keep - 1]}, "with the new one these are the newest good ones by the journal"
    assert gone <= verdicts.keys(), "what no line tells of stays"
