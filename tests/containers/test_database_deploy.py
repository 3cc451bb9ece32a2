"""A database that takes part: dumped before it is migrated, and taken back with the code, on real hosts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.containers import truth
from tests.containers.postgres import Postgres
from tests.containers.project import Project, Ran
from tests.containers.repos import Repository
from tests.containers.test_postgres import post

OLD, NEW = {"public.alembic_version", "public.notes"}, {"public.alembic_version", "public.notes", "public.tags"}


@pytest.fixture
def revisions(repositories: dict[str, Repository]) -> dict[str, str]:
    return dict(repositories["notes"].revisions)


def records(project: Project, host: str = "api1") -> list[dict[str, Any]]:
    """What a host's journal says of its releases, oldest first."""
    text = project.fleet[host].check("cat /app/.lockstitch/notes/journal.jsonl")
    entries = [json.loads(line) for line in text.splitlines()]
    return [entry for entry in entries if entry["event"] == "release"]


def backups(project: Project) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = project.fab("-H", "prod", "backup.list", "--json").json["databases"]["main"][
        "backups"
    ]
    return found


def serves(project: Project, revision: str) -> None:
    for machine in project.fleet.backends:
        assert truth.served(machine) == revision
        assert truth.locks(machine) == ()


def went(ran: Ran, code: int = 0) -> Ran:
    assert ran.code == code, ran.said
    return ran


def test_a_deploy_dumps_what_it_migrates_and_records_it(
    notes_project: Project, postgres: Postgres, revisions: dict[str, str]
) -> None:
    went(notes_project.deploy("v1"))
    (first,) = backups(notes_project)
    assert (first["app"], first["head"], first["good"]) == ("notes", "", True)
    post(notes_project.fleet["api1"])
    went(notes_project.deploy("v2"))
    _, second = backups(notes_project)
    assert (second["revision"], second["head"], second["rows"]) == (revisions["v1"], "0001", 2)
    for host in ("api1", "api2"):
        last = records(notes_project, host)[-1]
        told = (last["revision"], last["backup"], last["head_before"], last["head_after"])
        assert told == (revisions["v2"], second["name"], "0001", "0002")

    # Code alone: nothing is pending, so nothing is dumped.
    ran = went(notes_project.deploy("v2b"))
    assert "no migration is pending" in ran.out
    assert len(backups(notes_project)) == 2
    assert "backup" not in records(notes_project)[-1]

    # What a release was deployed over stays, whatever `keep` says.
    notes_project.inventory["databases"]["main"]["keep"] = {"last": 1, "daily": 0, "weekly": 0}
    went(notes_project.fab("-H", "prod", "backup"))
    went(notes_project.fab("-H", "prod", "backup.prune"))
    names = {backup["name"] for backup in backups(notes_project)}
    assert second["name"] in names


def test_a_migration_that_fails_leaves_the_code_as_it_was_and_names_the_dump(
    notes_project: Project, postgres: Postgres, revisions: dict[str, str]
) -> None:
    went(notes_project.deploy("v2"))
    post(notes_project.fleet["api1"])
    before = postgres.sql("SELECT text, author FROM notes", "notes")
    ran = went(notes_project.deploy("v-broken"), 5)
    serves(notes_project, revisions["v2"])
    dump = backups(notes_project)[-1]
    assert dump["revision"] == revisions["v2"]
    assert f"fab -H prod backup.restore {dump['name']}" in ran.out
    # As the migration's own transaction left it.
    assert postgres.sql("SELECT text, author FROM notes", "notes") == before
    assert postgres.sql("SELECT version_num FROM alembic_version", "notes") == [("0002",)]
    for machine in notes_project.fleet.backends:
        assert post(machine) == 200

    # The command that was named works.
    went(notes_project.fab("-H", "prod", "backup.restore", dump["name"]))
    assert postgres.sql("SELECT count(*) FROM notes", "notes") == [(1,)]


def test_a_rollback_takes_the_database_back_only_when_it_is_told_to(
    notes_project: Project, postgres: Postgres, revisions: dict[str, str]
) -> None:
    went(notes_project.deploy("v2"))
    went(notes_project.deploy("v3"))
    assert set(postgres.counts("notes")) == NEW

    ran = went(notes_project.rollback(), 2)
    assert "0003" in ran.said and "--database" in ran.said
    serves(notes_project, revisions["v3"])

    went(notes_project.rollback("--database", "down"))
    serves(notes_project, revisions["v2"])
    assert set(postgres.counts("notes")) == OLD
    for machine in notes_project.fleet.backends:
        assert post(machine) == 200

    went(notes_project.deploy("v3"))
    went(notes_project.rollback("--database", "none"))
    serves(notes_project, revisions["v2"])
    assert set(postgres.counts("notes")) == NEW


# Long ones, each in one of the layouts: the databases have no part in what differs.
@pytest.mark.parametrize("layout", ["releases"])
def test_a_rollback_restores_the_dump_that_belongs_to_the_release(
    notes_project: Project, postgres: Postgres, revisions: dict[str, str]
) -> None:
    api1 = notes_project.fleet["api1"]
    went(notes_project.deploy("v1"))
    for _ in range(3):
        assert post(api1) == 200
    went(notes_project.deploy("v2"))
    went(notes_project.deploy("v3"))
    assert post(api1) == 200
    dumps = {backup["revision"]: backup["name"] for backup in backups(notes_project)}

    ran = went(notes_project.rollback("--to", revisions["v1"], "--database", "restore"))
    assert dumps[revisions["v1"]] in ran.out
    serves(notes_project, revisions["v1"])
    assert set(postgres.counts("notes")) == OLD
    assert postgres.counts("notes")["public.notes"] == 3
    (kept,) = (name for name in postgres.databases() if name.startswith("notes__before_"))
    assert postgres.counts(kept)["public.notes"] == 4, "what was written since is in the one that is kept"
    assert backups(notes_project)[-1]["revision"] == revisions["v3"], "the present state was dumped first"
    for machine in notes_project.fleet.backends:
        assert post(machine) == 200

    # And forward again, to the dump that was made on the way back.
    went(notes_project.rollback("--to", revisions["v3"], "--database", "restore", "--force"))
    serves(notes_project, revisions["v3"])
    assert postgres.counts("notes")["public.notes"] == 4


@pytest.mark.parametrize("layout", ["in_place"])
def test_a_rollback_that_fails_after_the_swap_puts_the_database_back(
    notes_project: Project, postgres: Postgres, revisions: dict[str, str]
) -> None:
    went(notes_project.deploy("v1"))
    went(notes_project.deploy("v2"))
    post(notes_project.fleet["api1"])
    # The code that is gone back to cannot say that it is well.
    notes_project.app("notes")["health"]["expect"] = {"status": "never"}
    ran = notes_project.rollback("--database", "restore")
    assert ran.code in (5, 6), ran.said
    assert postgres.sql("SELECT version_num FROM alembic_version", "notes") == [("0002",)]
    assert postgres.counts("notes")["public.notes"] == 1
    assert truth.served(notes_project.fleet["api1"]) == revisions["v2"]
