"""The line to a host ends in the middle of a dump, from either end: nothing looks like a backup, and the next is made."""

from __future__ import annotations

import signal

import pytest

from tests.containers.project import Ran
from tests.databases.conftest import MakeProject
from tests.databases.engines import one_engine
from tests.databases.project import Project, files


@pytest.fixture
def project(make_project: MakeProject) -> Project:
    return make_project()


def assert_nothing_was_made(project: Project, ran: Ran) -> None:
    project.until_quiet()
    assert ("Traceback" not in ran.said and "main@vault1" in ran.said) or ran.code == -signal.SIGKILL, ran.said
    assert project.store.names() == [] and project.store.backups() == ()
    assert [path for path in project.store.leftovers() if "lock.json" not in path] == [], ran.said
    listed = project.fab("backup.list")
    assert listed.code == 0 and "main has no backup" in listed.out, listed.said
    if project.unlock():
        assert ran.code == -signal.SIGKILL or "lock" in ran.said, ran.said
    assert project.store.backup().code == 0
    assert [backup.good for backup in project.store.backups()] == [True]
    assert project.store.leftovers() == []


def test_the_connection_drops(project: Project) -> None:
    hook = project.hook()
    with project.start("backup") as running:
        hook.reached()
        project.sandbox.do(project.host, "drop")
        ran = running.finish()
    hook.go()
    assert ran.code in (6, 7), ran.said
    assert "dropped" in ran.said or "lost" in ran.said or "closed" in ran.said, ran.said
    assert_nothing_was_made(project, ran)


@one_engine
def test_the_host_is_gone_for_good(project: Project) -> None:
    """It cannot even be asked to free the lock: that is said, with what to type."""
    hook = project.hook()
    with project.start("backup") as running:
        hook.reached()
        project.sandbox.do(project.host, "down")
        project.sandbox.do(project.host, "drop")
        ran = running.finish()
    project.sandbox.do(project.host, "up")
    hook.go()
    assert ran.code == 6 and "lock" in ran.said, ran.said
    assert_nothing_was_made(project, ran)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_it_is_interrupted(project: Project, sent: signal.Signals) -> None:
    hook = project.hook()
    with project.start("backup") as running:
        hook.reached()
        running.signal(sent)
        ran = running.finish()
    hook.go()
    assert ran.code == 130, ran.said
    assert not (project.store.state() / "lock.json").exists()
    assert_nothing_was_made(project, ran)


def test_it_is_killed(project: Project) -> None:
    """Nobody is left to say anything: the host ends the dump and removes what there was of it."""
    hook = project.hook()
    with project.start("backup") as running:
        hook.reached()
        running.signal(signal.SIGKILL)
        ran = running.finish()
    hook.go()
    assert_nothing_was_made(project, ran)


@one_engine
def test_a_dry_run_changes_nothing(project: Project) -> None:
    name = project.backup()
    before = {path: path.read_bytes() for path in files(project.store.vault)}
    for words in (("backup",), ("backup.prove",), ("backup.restore", name), ("backup.restore", name, "--into", "look")):
        ran = project.fab("--dry", *words, "--commands")
        assert ran.code == 0 and name.partition("-")[0] in ran.out, ran.said
    assert {path: path.read_bytes() for path in files(project.store.vault)} == before
    assert project.server.databases() == ["shop"]


@one_engine
def test_several_databases_are_one_task(project: Project) -> None:
    """One of them fails: the others' dumps are whole and are kept."""
    project.server.create("second", "CREATE TABLE t AS SELECT 1 AS one")
    project.inventory["databases"]["other"] = {**project.inventory["databases"]["main"], "url": "env:OTHER"}
    project.urls["OTHER"] = project.server.url("second")
    both = project.fab("backup")
    assert both.code == 0, both.said
    assert sorted(name.partition("-")[0] for name in project.store.names()) == ["main", "other"]
    project.server.sql("CREATE TABLE secret AS SELECT 1 AS one", "second")
    ran = project.fab("backup")
    assert ran.code == 7 and "permission denied for table secret" in ran.said, ran.said
    assert sorted(name.partition("-")[0] for name in project.store.names()) in (
        ["main", "main", "other"],
        ["main", "other"],
    )
    assert project.store.leftovers() == []
