"""Plans in which a database takes part: when it is dumped, what is taken back with the code, and by which dump."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch import plans
from lockstitch.databases.backup import Backup, BackupDirectoryFacts, ServerFacts
from lockstitch.engine.step_outputs import dumps, with_outputs
from lockstitch.errors import CheckError, UsageError
from lockstitch.facts.site import CheckoutFacts, Facts, HostFacts, Survey, Target
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.selection import select
from lockstitch.model.command import Secret
from lockstitch.model.folder import UnwritableFolder
from lockstitch.model.gate import Status
from lockstitch.model.layout import LayoutKind
from lockstitch.model.plan import Plan, Site
from lockstitch.plans.database_steps import DatabaseJob
from lockstitch.plans.deploy_backup import pending
from lockstitch.plans.rollback_database import WAYS, belonging
from lockstitch.plans.steps import Deployment
from lockstitch.services.state import ServiceState

A, B, C, D = ("a" * 40, "b" * 40, "c" * 40, "d" * 40)
RUN = "20260102T000000Z-1f2e"
URL = Secret("postgresql://app:secret@db1/shop", "env:URL")
ABLE = frozenset({"create", "own"})
ROOMY = BackupDirectoryFacts(free=1 << 40, server=ServerFacts("15.4", "15.4", 1 << 20, ABLE))
INVENTORY = """
groups:
  backend: {{hosts: [a1, a2], apps: [api], rollout: {{batch: 1}}}}
databases:
  main: {{engine: postgres, url: "env:URL", run_on: a2, directory: /var/backups}}
apps:
  api:
    path: srv/api
    repository: r
    layout: {layout}
    service: {{kind: command, reload: ':', status: ':'}}
    build: [build]
    migrate: {migrate}
    database: main
    {more}
"""
both_layouts = pytest.mark.parametrize("layout", ["in_place", "releases"])


def fleet_of(folder: Path, layout: LayoutKind, more: str = "keep: 2", migrate: str = "alembic upgrade head") -> Fleet:
    (folder / "prod.yml").write_text(INVENTORY.format(layout=layout, more=more, migrate=migrate))
    (fleet,) = select(InventoryFolder(folder), "prod").fleets
    return fleet


def surveyed(fleet: Fleet, target: Target, journal: tuple[dict[str, str], ...] = ()) -> Survey:
    good = {"event": "release", "release": "20260101T000000Z-aaaaaaaaaaaa", "revision": A, "verdict": "good"}
    made = {}
    for ask in plans.usual_asks(fleet):
        current = None if ask.site.layout.in_place else good["release"]
        place = CheckoutFacts(True, A, current, () if ask.site.layout.in_place else (good["release"],))
        host = HostFacts(free=1 << 40, journal=(good, *journal))
        made[ask.site] = Facts(ask.site, place, host, ServiceState(True), target)
    return Survey(made)


def shelf_of(fleet: Fleet, facts: BackupDirectoryFacts = ROOMY) -> DatabaseJob:
    return DatabaseJob(fleet.inventory.databases["main"], facts, URL, RUN, "ada")


def deployed(fleet: Fleet, facts: BackupDirectoryFacts = ROOMY) -> Plan:
    wanted = plans.DeployOptions(RUN, "ada", shelves={"main": shelf_of(fleet, facts)})
    return plans.deploy(fleet, surveyed(fleet, Target(B, migrations=("versions/2.py",))), wanted)


def test_code_alone_is_deployed_where_the_database_cannot_be_dumped(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, "releases")
    shelves = {"main": shelf_of(fleet, replace(ROOMY, free=0))}
    wanted = plans.DeployOptions(RUN, "ada", shelves=shelves)
    # What the ref means is asked on the first host alone.
    first, second = surveyed(fleet, Target(B)).facts.values()
    plan = plans.deploy(fleet, Survey({first.site: first, second.site: replace(second, target=None)}), wanted)
    assert any("must stay free" in note for note in plan.notes)
    with pytest.raises(CheckError, match="must stay free"):
        plans.deploy(fleet, surveyed(fleet, Target(B, migrations=("versions/2.py",))), wanted)


def rolled_back(fleet: Fleet, way: plans.DatabaseStrategy, vault: BackupDirectoryFacts = ROOMY) -> Plan:
    found = surveyed(fleet, Target(B, migrations=("versions/2.py", "versions/3.py")))
    shelves = {"main": shelf_of(fleet, vault)} if way != "none" else {}
    return plans.rollback(fleet, found, plans.RollbackOptions(RUN, "ada", "v1", database=way, shelves=shelves))


@both_layouts
def test_it_is_dumped_after_the_build_and_before_the_migration(tmp_path: Path, layout: LayoutKind) -> None:
    plan = deployed(fleet_of(tmp_path, layout))
    order = [(step.name, unit.site.host) for wave in plan.waves for unit in wave.site_plans for step in unit.steps]
    dump = order.index(("backup", "a2"))
    assert order.index(("build", "a1")) < dump < order.index(("migrate", "a1")) < order.index(("migration", "a2"))
    (wave,) = (wave for wave in plan.waves if wave.name.startswith("back up main"))
    assert wave.only_if is not None and wave.only_if.site.host == "a1"
    assert any("versions/2.py" in note for note in plan.notes)


@both_layouts
def test_every_site_of_a_plan_is_freed_however_it_ends(tmp_path: Path, layout: LayoutKind) -> None:
    for plan in (deployed(fleet_of(tmp_path, layout)), rolled_back(fleet_of(tmp_path, layout), "down")):
        for units in (plan.finish, plan.failed):
            freed = [unit.site for unit in units if any(step.name == "unlock" for step in unit.steps)]
            assert sorted(map(str, freed)) == sorted(map(str, plan.sites))
        assert "main@a2" in map(str, plan.sites)


def test_what_moves_a_checkout_and_what_reloads_it_go_back_as_one(tmp_path: Path) -> None:
    plan = deployed(fleet_of(tmp_path, "in_place"))
    (moved,) = (unit for wave in plan.waves if wave.name.startswith("code of") for unit in wave.site_plans)
    (switch,) = (unit for wave in plan.waves for unit in wave.site_plans if unit.continues is not None)
    assert switch.continues is moved
    assert [step.name for step in moved.steps] == ["checkout", "build"]
    assert [step.name for step in switch.steps] == ["migrate", "reload"]


@both_layouts
@pytest.mark.parametrize(
    ("more", "migrate", "dumped", "asked"),
    [
        ("backup: never", "alembic upgrade head", False, False),
        ("backup: before_deploy", "alembic upgrade head", True, False),
        ("pending: ./list", "./migrate", True, True),
        ("keep: 2", "./migrate", True, False),
    ],
)
def test_when_it_is_dumped(
    tmp_path: Path, layout: LayoutKind, more: str, migrate: str, dumped: bool, asked: bool
) -> None:
    plan = deployed(fleet_of(tmp_path, layout, more, migrate))
    waves = [wave for wave in plan.waves if wave.name.startswith("back up")]
    assert len(waves) == int(dumped)
    assert any(wave.only_if for wave in waves) is asked


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (replace(ROOMY, free=1 << 19), "must stay free"),
        (replace(ROOMY, server=ServerFacts(problem="no answer")), "no answer"),
        (replace(ROOMY, missing=("pg_dump",)), "`pg_dump` is not found"),
        (replace(ROOMY, unwritable=(UnwritableFolder("/var", "/var", "ada"),)), "/var cannot be written"),
    ],
)
def test_a_deploy_that_could_not_be_dumped_for_is_refused(
    tmp_path: Path, facts: BackupDirectoryFacts, says: str
) -> None:
    with pytest.raises(CheckError, match=says):
        deployed(fleet_of(tmp_path, "releases"), facts)
    assert deployed(fleet_of(tmp_path, "releases", "backup: never"), facts).waves


@pytest.mark.parametrize(
    ("said", "code", "answer"),
    [("", 0, Status.FAIL), ("  \n", 0, Status.FAIL), ("0002\n", 0, Status.PASS), ("no\n", 1, Status.INCONCLUSIVE)],
)
def test_what_the_new_code_says_is_pending(tmp_path: Path, said: str, code: int, answer: Status) -> None:
    fleet = fleet_of(tmp_path, "releases")
    ((host, app), *_) = fleet.sites()
    facts = surveyed(fleet, Target(B)).facts[Site(host.name, "api", app.layout_paths)]
    question = pending(Deployment(facts.site, app, facts, B, "r"))
    assert question is not None
    gate = question.gate
    assert gate.judge(gate.probe.parse(said, code)).answer is answer


@both_layouts
def test_down_counts_the_migrations_and_is_undone_by_migrating(tmp_path: Path, layout: LayoutKind) -> None:
    plan = rolled_back(fleet_of(tmp_path, layout), "down")
    (step,) = (s for wave in plan.waves for unit in wave.site_plans for s in unit.steps if s.name == "migrate down")
    assert "\nalembic downgrade -$steps\n" in step.command.text and step.command.values["steps"] == "2"
    assert step.undo is not None and "ls_migrate() {\nalembic upgrade head\n}" in step.undo.text
    names = [wave.name for wave in plan.waves]
    assert names.index("back up main") < names.index("migrate api down") < names.index("api 1/2: a1")


def test_down_is_refused_where_the_database_has_other_migrations(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, "releases")
    found = surveyed(
        fleet, Target(B, migrations=("versions/2.py",)), ({**release(A, B), "head_after": "2", "release": "r"},)
    )
    for head, refused in (("2", False), ("1", True)):
        vault = replace(ROOMY, server=replace(ROOMY.server, head=head))
        back = plans.RollbackOptions(RUN, "ada", "v1", database="down", shelves={"main": shelf_of(fleet, vault)})
        if refused:
            with pytest.raises(CheckError, match="the newest migration in the database is 1"):
                plans.rollback(fleet, found, back)
        else:
            assert plans.rollback(fleet, found, back).waves


@pytest.mark.parametrize("way", ["down", "restore"])
def test_a_part_of_the_hosts_does_not_take_the_database_back(tmp_path: Path, way: plans.DatabaseStrategy) -> None:
    fleet_of(tmp_path, "releases")
    (part,) = select(InventoryFolder(tmp_path), "prod:a1").fleets
    vault = replace(ROOMY, backups=(made("main-1", B),))
    back = plans.RollbackOptions(RUN, "ada", "v1", database=way, shelves={"main": shelf_of(part, vault)})
    with pytest.raises(UsageError, match="a2 would keep the newer code"):
        plans.rollback(part, surveyed(part, Target(B, migrations=("versions/2.py",))), back)


def test_down_needs_to_be_known(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, "releases", "migrations: ['migrations/*']", "./migrate")
    with pytest.raises(UsageError, match="nobody knows how"):
        rolled_back(fleet, "down")


@both_layouts
def test_a_dump_is_restored_beside_and_swapped_before_the_code_is_switched(tmp_path: Path, layout: LayoutKind) -> None:
    vault = replace(ROOMY, backups=(made("main-1", B),))
    names = [wave.name for wave in rolled_back(fleet_of(tmp_path, layout), "restore", vault).waves]
    wanted = ["back up main", "restore main-1 beside", "swap main", "api 1/2: a1", "api 2/2: a2"]
    assert [name for name in names if name in wanted] == wanted


def test_none_says_what_stays(tmp_path: Path) -> None:
    plan = rolled_back(fleet_of(tmp_path, "releases"), "none")
    assert any("versions/2.py, versions/3.py" in note and "stay" in note for note in plan.notes)
    assert [site.app for site in plan.sites] == ["api", "api"]


def test_what_is_restored_says_how_much_room_its_server_needs(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, "releases")
    backup = made("main-1", B, size=3 << 30)
    shelf = replace(shelf_of(fleet, replace(ROOMY, backups=(backup,))), prove=URL)
    said = "main-1 was dumped from 3.0 GiB: its server needs so much disk, and that is not looked at"
    back = rolled_back(fleet, "restore", replace(ROOMY, backups=(backup,)))
    for plan in (plans.restore("prod", shelf, "main-1"), plans.prove("prod", [(shelf, "main-1")]), back):
        assert said in plan.notes


def test_a_dump_is_marked_with_what_its_text_is_in_and_proven_in_that(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, "releases")
    text = {"encoding": "LATIN1", "collate": "C", "ctype": "de_DE"}
    plan = plans.backup("prod", [shelf_of(fleet, replace(ROOMY, server=replace(ROOMY.server, text=text)))], "")
    (dump,) = (step for unit in plan.waves[0].site_plans for step in unit.steps)
    assert text.items() <= json.loads(str(dump.command.values["known"]) + "}").items()
    backup = replace(made("main-1"), encoding="LATIN1", collate="C", ctype="de_DE")
    shelf = replace(shelf_of(fleet, replace(ROOMY, backups=(backup,))), prove=URL)
    (unit,) = plans.prove("prod", [(shelf, "main-1")]).waves[0].site_plans
    (scratch,) = (step for step in unit.steps if step.name == "scratch")
    assert text.items() <= scratch.command.values.items()


def test_a_label_that_is_too_long_is_refused_before_what_else_stands_against_it(tmp_path: Path) -> None:
    shelf = shelf_of(
        fleet_of(tmp_path, "releases"), BackupDirectoryFacts(unwritable=(UnwritableFolder("/var", "/var"),))
    )
    with pytest.raises(UsageError, match="201 characters long"):
        plans.backup("prod", [shelf], "x" * 201)


def made(name: str, revision: str = "", day: int = 1, **more: Any) -> Backup:
    return Backup(name, at=f"2026-01-{day:02}T00:00:00Z", app="api", revision=revision, sha256="x", **more)


def release(revision: str, before: str, backup: str = "", verdict: str = "good") -> dict[str, str]:
    return {"event": "release", "verdict": verdict, "revision": revision, "before": before, "backup": backup}


@pytest.mark.parametrize(
    ("back", "journal", "backups", "chosen"),
    [
        (A, [release(B, A, "d1")], [made("d1", A)], "d1"),
        (A, [release(B, A, "d1"), release(C, B, "d2")], [made("d1", A), made("d2", B, 2)], "d1"),
        (B, [release(B, A, "d1"), release(C, B, "d2")], [made("d1", A), made("d2", B, 2)], "d2"),
        # B was left without a dump, because nothing was pending: the next one has the same migrations.
        (B, [release(B, A, "d1"), release(C, B), release(D, C, "d3")], [made("d1", A), made("d3", C, 3)], "d3"),
        (A, [release(B, A, "d1")], [made("d1", A), made("d9", A, 9)], "d9"),
        (A, [release(B, A, "d1")], [made("d1", A), made("broken", A, 9, problem="cut off")], "d1"),
        # B failed after it had migrated, so what was dumped on A since holds its migration.
        (
            A,
            [release(B, A, "d1", verdict="bad") | {"head_before": "1"}],
            [made("d1", A, head="1"), made("n1", A, 2, head="2")],
            "d1",
        ),
        # Two tries failed before the third one went: only the first dump has nothing of what they left.
        (
            A,
            [release(B, A, "d1", "bad"), release(B, A, "d2", "bad"), release(B, A, "d3")],
            [made("d1", A), made("d2", A, 2), made("d3", A, 3)],
            "d1",
        ),
        # A was deployed anew since.
        (
            A,
            [release(B, A, "d1", "bad"), release(A, A), release(B, A, "d2")],
            [made("d1", A), made("d2", A, 2)],
            "d2",
        ),
        (A, [release(B, A, "d1")], [], None),
        (A, [], [], None),
        (A, [release(B, A, "d1", verdict="bad")], [], None),
    ],
)
def test_which_dump_belongs_to_a_release(
    tmp_path: Path, back: str, journal: list[dict[str, str]], backups: list[Backup], chosen: str | None
) -> None:
    fleet = fleet_of(tmp_path, "in_place")
    found = surveyed(fleet, Target(back), tuple(journal))
    ((host, app), *_) = fleet.sites()
    facts = found.facts[Site(host.name, "api", app.layout_paths)]
    job = Deployment(facts.site, app, facts, back, "r", reused=True)
    shelf = shelf_of(fleet, replace(ROOMY, backups=tuple(backups)))
    if chosen is None:
        with pytest.raises(CheckError, match="no dump belongs"):
            belonging(job, shelf, list(found.facts.values()))
    else:
        assert belonging(job, shelf, list(found.facts.values())).name == chosen


def test_the_dump_of_the_first_try_is_named_and_kept(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, "in_place")
    vault = replace(ROOMY, backups=(made("d1", A), made("d2", A, 2)))
    found = surveyed(fleet, Target(B), (release(A, ""), release(B, A, "d1", "bad"), release(B, A, "d2", "bad")))
    wanted = plans.DeployOptions(RUN, "ada", shelves={"main": shelf_of(fleet, vault)})
    plan = plans.deploy(fleet, found, wanted)
    assert plan.first_dumps == {"api": "d1"} and any("failed after the dump d1" in note for note in plan.notes)
    (said,) = dumps("prod", {"api": {"backup": "d3"}}, plan.first_dumps)
    assert "dumped before as d3, which may hold" in said and said.endswith("backup.restore d1")
    assert dumps("prod", {"api": {"backup": "d3"}}, {})[0].endswith("backup.restore d3")
    assert "d1" in plans.held_backups(found) and "d2" not in plans.held_backups(found)


def test_which_try_was_the_first_is_told_by_journals_and_not_by_the_clock_of_who_deployed(tmp_path: Path) -> None:
    """The second try came from a machine whose clock is a day behind, and on one host it was the only one."""
    fleet = fleet_of(tmp_path, "in_place")
    first, second = ("main-20260102T000000Z-1", "main-20260101T000000Z-2")
    tries = (release(B, A, first, "bad") | {"at": "2026-01-02"}, release(B, A, second, "bad") | {"at": "2026-01-02"})
    found = surveyed(fleet, Target(B), (release(A, ""), *tries))
    site = next(site for site in found.facts if site.host == "a2")
    for alone in ("2026-01-02", "2026-01-01"):
        journal = (release(A, ""), tries[1] | {"at": alone})
        facts = replace(found.facts[site], host=replace(found.facts[site].host, journal=journal))
        assert plans.held_backups(Survey(dict(found.facts) | {site: facts})).keys() == {first}


def test_no_revision_is_noted_with_a_backup_where_a_host_was_not_asked_or_read(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, "in_place")
    found = surveyed(fleet, Target(A))
    assert plans.running(fleet, found) == {"main": ("api", A)}
    last = list(found.facts)[-1]
    facts = found.facts[last]
    rest = {site: each for site, each in found.facts.items() if site != last}
    unread = replace(facts, place=CheckoutFacts(unreadable=("srv/api: Permission denied",)))
    assert plans.running(fleet, Survey(rest)) == {}
    assert plans.running(fleet, Survey({**rest, last: unread})) == {}


def test_that_free_space_is_not_told_is_said(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, "in_place")
    found = surveyed(fleet, Target(B))
    blind = {site: replace(facts, host=replace(facts.host, free=None)) for site, facts in found.facts.items()}
    shelf = shelf_of(fleet, replace(ROOMY, free=None))
    plan = plans.deploy(fleet, Survey(blind), plans.DeployOptions(RUN, "ada", shelves={"main": shelf}))
    told = [note for note in plan.notes if "is not told" in note]
    assert len(told) == 3 and any("/var/backups" in note for note in told), plan.notes
    assert not any("is not told" in note for note in deployed(fleet).notes)


@both_layouts
def test_prune_keeps_what_a_release_that_is_there_was_deployed_over(tmp_path: Path, layout: LayoutKind) -> None:
    there = {"release": "20260101T000000Z-aaaaaaaaaaaa", "revision": A, "verdict": "good", "backup": "old"}
    gone = {"release": "20250101T000000Z-bbbbbbbbbbbb", "revision": B, "verdict": "good", "backup": "older"}
    found = surveyed(fleet_of(tmp_path, layout), Target(B), (gone, there))
    assert set(plans.held_backups(found)) == ({"old", "older"} if layout == "in_place" else {"old"})


@given(st.text(), st.text())
def test_what_was_told_becomes_a_record_that_can_be_read(name: str, value: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        fleet = fleet_of(Path(folder), "releases")
        plan = deployed(fleet)
    told = {"api": {"backup": name, "head_before": value}}
    filled = {
        str(step.command.values["told"])
        for unit in with_outputs(plan.finish, told)
        for step in unit.steps
        if "told" in step.command.values
    }
    assert [json.loads("{" + each + "}") for each in filled] == [told["api"]]
    assert all(name in line for line in dumps("prod", told, {}))


@pytest.mark.parametrize(
    ("server", "target", "first", "says"),
    [
        ({"migrations": ("1_a",)}, ("1_a.php", "2_b.php"), False, "api: pending migrations: 2_b.php"),
        ({"migrations": ("1_a", "2_b")}, ("1_a.php", "2_b.php"), True, "api: no migration is pending"),
        # Where the database cannot be asked, git tells what comes in; of a first deploy, all of them may.
        ({}, ("1_a.php", "2_b.php"), False, "api: migrations that come in: new.php"),
        ({}, ("1_a.php", "2_b.php"), True, "the migrations of this code: 1_a.php, 2_b.php"),
        ({}, None, False, "api: migrations that come in: new.php"),
        # Of code that serves some migration was applied: a table that is not there has another name.
        ({"migrations": ()}, ("1_a.php", "2_b.php"), False, "api: migrations that come in: new.php"),
        ({"migrations": ()}, ("1_a.php", "2_b.php"), True, "api: pending migrations: 1_a.php, 2_b.php"),
    ],
)
def test_a_plan_lists_the_migrations_that_are_pending(
    tmp_path: Path, server: Any, target: tuple[str, ...] | None, first: bool, says: str
) -> None:
    fleet = fleet_of(tmp_path, "releases", migrate="artisan migrate")
    facts = replace(ROOMY, server=replace(ROOMY.server, applied=server))
    meant = Target(B, migrations=() if first else ("new.php",), migration_files=target)
    survey = surveyed(fleet, meant)
    if first:
        host = HostFacts(free=1 << 40)
        empty = {site: replace(each, place=CheckoutFacts(), host=host) for site, each in survey.facts.items()}
        survey = Survey(empty)
    options = plans.DeployOptions(RUN, "ada", shelves={"main": shelf_of(fleet, facts)})
    notes = plans.deploy(fleet, survey, options).notes
    assert any(note.endswith(says) for note in notes), notes


@pytest.mark.parametrize("own", ["", "env: {PGOPTIONS: -c geqo=off}", "secrets: {PGOPTIONS: 'env:OPTIONS'}"])
def test_the_limits_of_a_migration_come_to_the_options_of_the_app(tmp_path: Path, own: str) -> None:
    more = f"migrate_timeouts: {{lock: 5s, statement: 15m}}\n    {own}"
    fleet = fleet_of(tmp_path, "releases", more)
    secret = Secret("-c geqo=off", "env:OPTIONS")
    env = {
        ask.site: {"PGOPTIONS": secret if "secrets" in own else ask.app.env.get("PGOPTIONS", "")}
        for ask in plans.usual_asks(fleet)
    }
    options = plans.DeployOptions(RUN, "ada", shelves={"main": shelf_of(fleet)}, env=env)
    plan = plans.deploy(fleet, surveyed(fleet, Target(B, migrations=("versions/2.py",))), options)
    (migrate,) = (step for unit in plan.units() for step in unit.steps if step.name == "migrate")
    value = migrate.command.env["PGOPTIONS"]
    text = value.reveal() if isinstance(value, Secret) else value
    assert text == f"{'-c geqo=off ' if own else ''}-c lock_timeout=5000 -c statement_timeout=900000"
    assert isinstance(value, Secret) is ("secrets" in own)


@pytest.mark.parametrize(
    ("backups", "more", "problem", "says"),
    [
        (
            True,
            "keep: 2",
            "",
            " (2 h ago), 5.0 MiB: what was written since is not in it; ",
        ),
        (False, "keep: 2", "", "not possible: api: no dump belongs to aaaaaaaa"),
        (True, "keep: 2", "a2 does not answer", "not possible: a2 does not answer"),
    ],
)
def test_a_rollback_asks_with_what_each_choice_loses(
    tmp_path: Path, backups: bool, more: str, problem: str, says: str
) -> None:
    fleet = fleet_of(tmp_path, "releases", more)
    dump = Backup("main-a", at="2026-01-02T00:00:00Z", bytes=5 << 20, app="api", revision=A)
    facts = replace(ROOMY, backups=(dump,) if backups else ())
    shelves = {} if problem else {"main": shelf_of(fleet, facts)}
    options = plans.RollbackOptions(RUN, "ada", A, shelves=shelves)
    survey = surveyed(fleet, Target(A, migrations=("versions/2.py",)))
    now = datetime(2026, 1, 2, 2, 0, tzinfo=UTC)
    (choices,) = plans.database_choices(fleet, survey, options, problem, now).values()
    assert tuple(choices) == WAYS and says in choices["restore"], choices["restore"]
    assert choices["down"].startswith("the migrations are taken back one by one")


@pytest.mark.parametrize("more", ["keep: 2", "backup: never"])
@both_layouts
def test_a_migration_tells_the_server_whose_it_is(tmp_path: Path, layout: LayoutKind, more: str) -> None:
    plan = deployed(fleet_of(tmp_path, layout, more))
    (migrate,) = (step for unit in plan.units() for step in unit.steps if step.name == "migrate")
    assert migrate.command is not None and migrate.command.env["PGAPPNAME"] == "lockstitch migrate api"
    others = [step for unit in plan.units() for step in unit.steps if step.name != "migrate" and step.command]
    assert not any("PGAPPNAME" in step.command.env for step in others if step.command)
