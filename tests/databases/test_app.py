"""The sample app with its migrations on a host of the sandbox: its database goes forward and back with the code."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.containers import repos
from tests.containers.project import ROOT, Ran
from tests.databases.conftest import MakeProject
from tests.databases.engines import only_postgres
from tests.databases.project import Project
from tests.databases.running import until
from tests.ports import free_port

CONFIGURATION = """
bind = "127.0.0.1:{port}"
workers = 1
worker_class = "asgi"
graceful_timeout = 5
chdir = "{current}"
errorlog = "{home}/gunicorn.log"
"""
pytestmark = only_postgres


@pytest.fixture
def notes(make_project: MakeProject, tmp_path: Path) -> Iterator[Project]:
    """The notes on the project's host, under a gunicorn of their own; nothing is deployed yet."""
    project = make_project("notes", prove={"url": "env:SCRATCH"})
    project.server.drop("notes")
    project.server.create("notes")
    home, port = project.sandbox.place.home(project.host), free_port()
    # A host is shared by the tests of a worker; nothing of the one before is deployed.
    shutil.rmtree(home / "srv/notes", ignore_errors=True)
    (home / "gunicorn.conf.py").write_text(
        CONFIGURATION.format(port=port, home=home, current=home / "srv/notes/current")
    )
    repository = repos.make_repository("notes", tmp_path / "origin")
    python = ".venv/bin/python"
    gunicorn = f'{python} -m gunicorn --daemon --config "$HOME/gunicorn.conf.py" --pid "$PIDFILE" main:app'
    project.inventory["groups"]["backend"]["apps"] = ["notes"]
    project.inventory["apps"] = {
        "notes": {
            "repository": str(repository.path),
            "layout": "releases",
            "path": "srv/notes",
            "build": [f"ln -s {ROOT / '.venv'} .venv"],
            "migrate": ".venv/bin/alembic upgrade head",
            "database": "main",
            "secrets": {"DATABASE_URL": "env:MAIN"},
            "service": {"kind": "gunicorn", "pidfile": str(home / "notes.pid"), "app": "main:app", "start": gunicorn},
            "health": {"url": f"http://127.0.0.1:{port}/healthz", "revision": "revision", "interval": "200ms"},
            "min_free": "1M",
        }
    }
    project.inventory["databases"]["main"]["url"] = "env:MAIN"
    project.urls["MAIN"] = project.server.url("notes")
    project.port, project.revisions = port, dict(repository.revisions)  # type: ignore[attr-defined]
    yield project
    with suppress(OSError, ValueError):
        pid = int((home / "notes.pid").read_text())
        os.kill(pid, signal.SIGTERM)
        # Its environment has the password, which others look for on this host.
        until(lambda: not Path(f"/proc/{pid}").exists())


def went(ran: Ran) -> Ran:
    assert ran.code == 0, ran.said
    return ran


def serves(project: Any, version: str) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{project.port}/healthz", timeout=5) as answer:
        found: bool = json.load(answer)["revision"] == project.revisions[version]
        return found


def head(project: Project) -> str:
    ((found,),) = project.server.sql("SELECT version_num FROM alembic_version", "notes")
    return str(found)


def test_migrations_that_are_pending_in_what_serves_are_something_to_do(notes: Project) -> None:
    """A restore by hand has taken the schema back, and the code is the newest."""
    went(notes.fab("deploy", "--ref", "v2"))
    assert "nothing to do" in went(notes.fab("deploy", "--ref", "v2")).out
    notes.server.sql("UPDATE alembic_version SET version_num = '0001'", "notes")
    notes.server.sql("ALTER TABLE notes DROP COLUMN author", "notes")
    for task in ("status", "check", "plan"):
        said = notes.fab(task, *(("--ref", "v2") if task == "plan" else ())).said
        assert "migrations pending in the code that serves: 0002" in said, said
        assert "nothing to do" not in said
    assert "back up main" in went(notes.fab("deploy", "--ref", "v2")).said
    assert head(notes) == "0002"
    assert "nothing to do" in went(notes.fab("deploy", "--ref", "v2")).out

    notes.urls["MAIN"] = notes.urls["MAIN"].replace("/notes", "/gone")
    for task in ("status", "check", "plan"):
        said = notes.fab(task, *(("--ref", "v2") if task == "plan" else ())).said
        assert "whether it has migrations pending is not known" in said, said


def test_forward_down_forward_and_restored(notes: Project) -> None:
    went(notes.fab("deploy", "--ref", "v1"))
    notes.server.sql("INSERT INTO notes (text) VALUES ('before')", "notes")
    went(notes.fab("deploy", "--ref", "v2"))
    assert serves(notes, "v2") and head(notes) == "0002"
    refused = notes.fab("rollback")
    assert refused.code == 2 and "--database down" in refused.said
    dump = max(notes.store.names())
    assert f"restore  {dump}, taken " in refused.said and " ago), " in refused.said
    assert "none     the schema stays, and nothing is lost" in refused.said
    went(notes.fab("rollback", "--database", "down"))
    assert serves(notes, "v1") and head(notes) == "0001"
    assert notes.server.counts("notes")["public.notes"] == 1
    went(notes.fab("deploy", "--ref", "v2"))
    notes.server.sql("INSERT INTO notes (text) VALUES ('after')", "notes")
    went(notes.fab("rollback", "--database", "restore"))
    assert serves(notes, "v1") and head(notes) == "0001"
    assert notes.server.counts("notes")["public.notes"] == 1, "what was written since the dump is not in it"
    (kept,) = [name for name in notes.server.databases() if name.startswith("notes__before")]
    assert notes.server.counts(kept)["public.notes"] == 2, "and is in the database that was kept"


def test_a_migration_that_waits_for_a_lock_ends_and_is_tried_again(notes: Project) -> None:
    notes.inventory["apps"]["notes"]["migrate_timeouts"] = {"lock": "1s", "statement": "1m", "tries": 60}
    plan = went(notes.fab("plan", "--ref", "v1")).out
    assert "pending migrations: " in plan and "0001" in plan, "the table of the tool is not there yet"
    went(notes.fab("deploy", "--ref", "v1"))
    plan = went(notes.fab("plan", "--ref", "v2")).out
    assert "a statement waits at most 1 s for a lock, a statement takes at most 1 min" in plan, plan

    seen: set[int] = set()
    with notes.server.connect("notes") as holder, notes.server.connect("notes") as looking:
        holder.execute("BEGIN; LOCK TABLE notes IN ROW EXCLUSIVE MODE")
        deploy = notes.start("deploy", "--ref", "v2")
        # The first try has left the queue of the lock when another process stands in it.
        while len(seen) < 2 and deploy.process.poll() is None:
            rows = looking.execute(
                "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE 'lockstitch%'"
            )
            seen |= {pid for (pid,) in rows}
            time.sleep(0.01)
        holder.execute("ROLLBACK")
    ended = went(deploy.finish(60))
    assert len(seen) == 2 and "another session holds a lock that the migration needs: try 2 of 60" in ended.said
    assert head(notes) == "0002" and serves(notes, "v2")
