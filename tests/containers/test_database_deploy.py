"""A database that takes part: dumped before it is migrated, and taken back with the code, on real hosts."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.containers import truth
from tests.containers.machine import Machine
from tests.containers.postgres import Postgres
from tests.containers.project import Project, Ran
from tests.containers.repos import Repository

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


def post(machine: Machine) -> int:
    """The status of the answer to one more note."""
    return requests.post(f"http://127.0.0.1:{machine.http_port}/notes", timeout=5).status_code


def serves(project: Project, revision: str) -> None:
    for machine in project.fleet.backends:
        assert truth.served(machine) == revision
        assert truth.locks(machine) == ()


def went(ran: Ran, code: int = 0) -> Ran:
    assert ran.code == code, ran.said
    return ran


# One story in each layout: the databases have no part in what differs between them.


@pytest.mark.parametrize("layout", ["releases"])
def test_a_database_is_dumped_before_it_is_migrated_and_restored_with_the_release(
    notes_project: Project, postgres: Postgres, revisions: dict[str, str]
) -> None:
    dumped_before_it_is_migrated(notes_project, revisions)
    a_migration_fails(notes_project, postgres, revisions)
    restored_with_the_release(notes_project, postgres, revisions)


def dumped_before_it_is_migrated(project: Project, revisions: dict[str, str]) -> None:
    """A deploy dumps what it migrates and records it, and nothing where it migrates nothing; on v2b afterwards."""
    project.app("notes")["test"] = [".venv/bin/python -m pytest -q -p no:cacheprovider tests/test_smoke.py"]
    went(project.deploy("v1"))
    project.app("notes")["test"] = []
    (first,) = backups(project)
    assert (first["app"], first["head"], first["good"]) == ("notes", "", True)
    assert post(project.fleet["api1"]) == 200
    went(project.deploy("v2"))
    _, second = backups(project)
    assert (second["revision"], second["head"], second["rows"]) == (revisions["v1"], "0001", 2)
    for host in ("api1", "api2"):
        last = records(project, host)[-1]
        told = (last["revision"], last["backup"], last["head_before"], last["head_after"])
        assert told == (revisions["v2"], second["name"], "0001", "0002")

    # Code alone: nothing is pending, so nothing is dumped.
    ran = went(project.deploy("v2b"))
    assert "no migration is pending" in ran.out
    assert len(backups(project)) == 2
    assert "backup" not in records(project)[-1]

    # What a release was deployed over stays, whatever `keep` says.
    settings = project.inventory["databases"]["main"]
    settings["keep"] = {"last": 1, "daily": 0, "weekly": 0}
    went(project.fab("-H", "prod", "backup"))
    went(project.fab("-H", "prod", "backup.prune"))
    del settings["keep"]
    names = {backup["name"] for backup in backups(project)}
    assert second["name"] in names


def a_migration_fails(project: Project, postgres: Postgres, revisions: dict[str, str]) -> None:
    """The code is left as it was, and the dump is named with the command that brings it back."""
    before = postgres.sql("SELECT text, author FROM notes", "notes")
    ran = went(project.deploy("v-broken"), 5)
    serves(project, revisions["v2b"])
    dump = backups(project)[-1]
    assert dump["revision"] == revisions["v2b"]
    assert f"fab -H prod backup.restore {dump['name']}" in ran.out
    # As the migration's own transaction left it.
    assert postgres.sql("SELECT text, author FROM notes", "notes") == before
    assert postgres.sql("SELECT version_num FROM alembic_version", "notes") == [("0002",)]
    for machine in project.fleet.backends:
        assert post(machine) == 200

    # The command that was named works.
    went(project.fab("-H", "prod", "backup.restore", dump["name"]))
    assert postgres.sql("SELECT count(*) FROM notes", "notes") == [(1,)]


def restored_with_the_release(project: Project, postgres: Postgres, revisions: dict[str, str]) -> None:
    """A rollback brings back the dump that belongs to the release, and what was there before is kept."""
    api1 = project.fleet["api1"]
    went(project.deploy("v3"))
    assert post(api1) == 200
    dumps = {backup["revision"]: backup["name"] for backup in backups(project)}
    earlier = set(postgres.databases())

    ran = went(project.rollback("--to", revisions["v1"], "--database", "restore"))
    assert dumps[revisions["v1"]] in ran.out
    serves(project, revisions["v1"])
    assert set(postgres.counts("notes")) == OLD
    assert postgres.counts("notes")["public.notes"] == 1
    (kept,) = (name for name in set(postgres.databases()) - earlier if name.startswith("notes__before_"))
    assert postgres.counts(kept)["public.notes"] == 2, "what was written since is in the one that is kept"
    assert backups(project)[-1]["revision"] == revisions["v3"], "the present state was dumped first"
    for machine in project.fleet.backends:
        assert post(machine) == 200

    # And forward again, to the dump that was made on the way back.
    went(project.rollback("--to", revisions["v3"], "--database", "restore", "--force"))
    serves(project, revisions["v3"])
    assert postgres.counts("notes")["public.notes"] == 2


@pytest.mark.parametrize("layout", ["in_place"])
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

    # A rollback that fails after the swap puts the database back: the code that is gone back to cannot say that it is well.
    went(notes_project.deploy("v3"))
    notes_project.app("notes")["health"]["expect"] = {"status": "never"}
    ran = notes_project.rollback("--database", "restore")
    assert ran.code in (5, 6), ran.said
    assert postgres.sql("SELECT version_num FROM alembic_version", "notes") == [("0003",)]
    assert postgres.counts("notes")["public.notes"] == 2
    assert truth.served(notes_project.fleet["api1"]) == revisions["v3"]
