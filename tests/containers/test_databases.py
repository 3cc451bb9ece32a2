"""Databases as they really are: large, in use, and hurt in the middle of what is done with them.

Each time: the exit code, what is said, what is called a backup, and the application's database with every row.
"""

from __future__ import annotations

import contextlib
import itertools
import json

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from tests.containers.fleet import BACKUPS, SMALL_BACKUPS, Fleet
from tests.containers.machine import Machine
from tests.containers.postgres import APP, HOST, Postgres
from tests.containers.project import Project, Ran, Running, default_inventory
from tests.containers.tiny import wait_until

SHOP, SCALE, BIG, BIG_SCALE = "shop", 1, "big", 70
LONG = 300.0
# How soon a host that is gone is noticed is not what is tested here.
HASTY = {"keepalive": {"interval": "1s", "timeout": "2s"}, "timeouts": {"connect": "3s", "banner": "3s"}, "tries": 1}
# Where the role `held` exists, whatever puts rows into `slow` waits: a restore can be held, wherever it goes to.
SLOW = """
CREATE FUNCTION wait_for_it() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    WHILE EXISTS (SELECT FROM pg_roles WHERE rolname = 'held') LOOP PERFORM pg_sleep(0.05); END LOOP;
    RETURN true;
END $$;
CREATE TABLE slow (id int CHECK (wait_for_it()));
INSERT INTO slow VALUES (1);
"""
# A dump writes a sequence when it has written every table.
SEQUENCE = "CREATE SEQUENCE numbers"
WAITS_FOR_A_LOCK = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%numbers%'"
WAITS_IN_A_COPY = "SELECT datname FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE 'COPY %'"


@pytest.fixture
def project(fleet: Fleet, postgres: Postgres, tmp_path: Path) -> Iterator[Project]:
    """An operations project whose database `main` is on db1 and whose backups are on api1; there is nothing yet."""
    _clear(fleet, postgres)
    project = Project(tmp_path / "project", fleet, "in_place")
    hosts = default_inventory(fleet, "in_place")["groups"]["backend"]["hosts"]
    project.inventory["groups"] = {"backend": {"hosts": hosts}}
    project.inventory["apps"] = {}
    project.inventory["databases"] = {
        "main": {
            "engine": "postgres",
            "url": "env:DATABASE_URL",
            "run_on": "api1",
            "directory": BACKUPS,
            "prove": {"url": "env:SCRATCH_URL"},
            "min_free": "1M",
            "drain": "1s",
        }
    }
    project.variables = {"DATABASE_URL": postgres.url(SHOP), "SCRATCH_URL": postgres.url("postgres")}
    yield project
    _clear(fleet, postgres)


def _clear(fleet: Fleet, postgres: Postgres) -> None:
    postgres.reset()
    for machine in fleet.backends:
        machine.check(f"for i in {BACKUPS} {SMALL_BACKUPS}; do [ ! -d $i ] || find $i -mindepth 1 -delete; done")


@pytest.fixture
def shop(project: Project, postgres: Postgres) -> Project:
    """The project with a small database, which was dumped once."""
    postgres.pgbench(SHOP, SCALE)
    postgres.sql(SLOW + SEQUENCE, SHOP, APP)
    ran(project.fab("-H", "prod", "backup"), 0)
    return project


def fab(project: Project, *words: str, seconds: float = LONG) -> Ran:
    return project.fab("-H", "prod", *words, seconds=seconds)


def ran(ended: Ran, code: int, *words: str) -> Ran:
    """It ended so, and said that."""
    assert ended.code == code, ended.said
    assert "Traceback" not in ended.said, ended.said
    for word in words:
        assert word in ended.said, f"{word!r} is not said\n{ended.said}"
    return ended


def settings(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = project.inventory["databases"]["main"]
    return found


def listed(project: Project) -> list[dict[str, Any]]:
    """The backups as `backup.list` has them, oldest first."""
    found: list[dict[str, Any]] = fab(project, "backup.list", "--json").json["databases"]["main"]["backups"]
    return found


def good(project: Project) -> list[str]:
    """What is called good."""
    return [backup["name"] for backup in listed(project) if backup["good"]]


def lies(machine: Machine, directory: str = BACKUPS) -> list[str]:
    """What lies in the folder of backups, finished or not."""
    return machine.check(f"ls -A {directory} | grep -vx .lockstitch || true").split()


@contextlib.contextmanager
def dump_held(project: Project, postgres: Postgres) -> Iterator[Running]:
    """A `backup` that has written every table of the shop, and waits until this is left."""
    session = postgres.connect(SHOP)
    try:
        session.execute("BEGIN; ALTER SEQUENCE numbers RENAME TO other_numbers")
        with project.start_fab("-H", "prod", "backup") as running:
            wait_until(lambda: bool(postgres.sql(WAITS_FOR_A_LOCK)), "the dump waits")
            yield running
    finally:
        # Closing ends the transaction, even where the server is gone.
        session.close()


@contextlib.contextmanager
def restore_held(project: Project, postgres: Postgres, *words: str) -> Iterator[tuple[Running, str]]:
    """A `backup.restore` or `backup.prove` that puts rows into the database it has made, whose name comes with it."""
    postgres.sql("CREATE ROLE held")
    try:
        with project.start_fab("-H", "prod", *words) as running:
            wait_until(lambda: bool(postgres.sql(WAITS_IN_A_COPY)), "the restore waits")
            yield running, postgres.sql(WAITS_IN_A_COPY)[0][0]
    finally:
        postgres.sql("DROP ROLE IF EXISTS held")


# Large, and in use.


class Clients:
    """People who write into `marks` all the time, on a connection that is made anew where it ends; bounded."""

    MOST, SECONDS, PAUSE = 20_000, 240.0, 0.02

    def __init__(self, url: str) -> None:
        # The number of each mark, and when it was known to be committed.
        self.committed: dict[int, float] = {}
        self.lost: list[str] = []
        self._url, self._stop, self._numbers = url, threading.Event(), itertools.count(1)
        self._threads = [threading.Thread(target=self._write, daemon=True) for _ in range(2)]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def before(self, moment: float) -> set[int]:
        """The marks that were committed before a moment."""
        return {number for number, at in self.committed.items() if at < moment}

    def wait_for_more(self, more: int = 20) -> None:
        """Wait until so many further marks are committed."""
        wanted = len(self.committed) + more
        wait_until(lambda: len(self.committed) >= wanted, "the clients go on writing")

    def _write(self) -> None:
        until = time.monotonic() + self.SECONDS
        while not self._stop.is_set() and time.monotonic() < until:
            try:
                with psycopg.connect(self._url, autocommit=True, connect_timeout=10) as session:
                    self._write_on(session, until)
            except psycopg.Error as error:
                self.lost.append(str(error))
                self._stop.wait(0.1)

    def _write_on(self, session: psycopg.Connection[Any], until: float) -> None:
        while not self._stop.wait(self.PAUSE) and time.monotonic() < until:
            number = next(self._numbers)
            if number > self.MOST:
                return self._stop.set()
            session.execute("INSERT INTO marks (number) VALUES (%s)", (number,))
            self.committed[number] = time.monotonic()


def marks(postgres: Postgres, database: str) -> set[int]:
    return {number for (number,) in postgres.sql("SELECT number FROM marks", database)}


def manifest(machine: Machine, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(machine.read(f"{BACKUPS}/{name}/manifest.json"))
    return found


def assert_hidden(project: Project, postgres: Postgres, *endings: Ran) -> None:
    """The password is in nothing that was said, or written here or on the host, in whichever form."""
    secret = postgres.passwords[APP]
    forms = [secret, quote(secret, safe=""), quote(secret), secret.replace("\\", "\\\\").replace("'", "\\'")]
    written = [file.read_text(errors="replace") for file in project.folder.rglob("*") if file.is_file()]
    left = "find /tmp /home/deploy /var/backups -type f -not -name database.dump -exec cat {} +"
    texts = [*(ended.said for ended in endings), *written, project.fleet["api1"].check(left)]
    # The random part, which no awkward sign can hide.
    forms.append(secret[:8])
    for form in forms:
        assert not [text for text in texts if form in text]


def test_a_large_database_in_use_is_backed_up_proven_and_restored(project: Project, postgres: Postgres) -> None:
    api1 = project.fleet["api1"]
    postgres.pgbench(BIG, BIG_SCALE)
    postgres.sql("CREATE TABLE marks (number int, at timestamptz DEFAULT clock_timestamp())", BIG, APP)
    assert postgres.sql(f"SELECT pg_database_size('{BIG}') > 1e9") == [(True,)]
    project.variables["DATABASE_URL"] = postgres.url(BIG)
    before = {table: count for table, count in postgres.counts(BIG).items() if table != "public.marks"}

    with Clients(postgres.url_here(BIG)) as clients:
        clients.wait_for_more()
        began = time.monotonic()
        made = ran(fab(project, "backup", "--label", "while in use"), 0, " of about ", "is whole")
        (backup,) = listed(project)
        name = backup["name"]
        told = manifest(api1, name)
        assert {table: about["rows"] for table, about in told["contents"].items() if table in before} == before
        assert backup["rows"] == sum(about["rows"] for about in told["contents"].values())
        assert (backup["good"], backup["proven"], backup["size"] > 1e9) == (True, "", True)
        assert lies(api1) == [name]

        verified = ran(fab(project, "backup.verify"), 0, f"{name}: every file is as it was dumped")
        proven = ran(fab(project, "backup.prove"), 0, f"{name} is proven", " of 5 tables")
        assert listed(project)[0]["proven"]
        assert postgres.databases() == [BIG]

        clients.wait_for_more()
        at = time.monotonic()
        restored = ran(fab(project, "backup.restore", name, "--yes"), 0, " of 5 tables", "is kept as")
        after = time.monotonic()
        clients.wait_for_more()

    kept, now = postgres.databases()[1], postgres.databases()[0]
    assert (now, kept.startswith(f"{BIG}__before_20")) == (BIG, True), postgres.databases()
    assert kept in restored.out
    old, new = marks(postgres, kept), marks(postgres, BIG)
    assert clients.before(began) <= new, "what was committed before the backup is in it"
    assert clients.before(at) <= old, "what was written since is kept"
    assert set(clients.committed) <= old | new
    assert len(old & new) == told["contents"]["public.marks"]["rows"], "what both have is what was dumped"
    later = {number for number, moment in clients.committed.items() if moment > after}
    assert later and later <= new - old, "after the swap they write into the restored one"
    for database in (BIG, kept):
        assert {**postgres.counts(database), **before} == postgres.counts(database)
    assert clients.lost, "their connections were ended"
    assert api1.check("find /tmp -user deploy -type f") == ""
    assert_hidden(project, postgres, made, verified, proven, restored)

