"""Databases as they really are: large, in use, and hurt in the middle of what is done with them.

Each time: the exit code, what is said, what is called a backup, and the application's database with every row.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from tests.containers.fleet import BACKUPS, SMALL_BACKUPS, Fleet
from tests.containers.machine import Machine
from tests.containers.postgres import APP, HOST, Postgres
from tests.containers.project import Project, Ran, Running, default_inventory
from tests.containers.tiny import wait_until
from tests.postgres import programs

SHOP, SCALE, BIG, BIG_SCALE = "shop", 1, "big", 20
LONG = 300.0
# How soon a host that is gone is noticed is not what is tested here.
HASTY = {"keepalive": {"interval": "1s", "timeout": "5s"}, "timeouts": {"connect": "6s", "banner": "6s"}, "tries": 1}
# Where the role `held` exists, whatever puts rows into `slow` waits: a restore can be held, wherever it goes to.
SLOW = """
CREATE FUNCTION wait_for_it() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    WHILE EXISTS (SELECT FROM pg_roles WHERE rolname = 'held') LOOP PERFORM pg_sleep(0.05); END LOOP;
    RETURN true;
END $$;
CREATE TABLE slow (id int CHECK (wait_for_it()));
INSERT INTO slow VALUES (1);
"""
# What the small database has.
ROWS = {
    "public.pgbench_accounts": 100_000 * SCALE,
    "public.pgbench_branches": SCALE,
    "public.pgbench_history": 0,
    "public.pgbench_tellers": 10 * SCALE,
    "public.slow": 1,
}
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


@pytest.fixture
def debians_programs(fleet: Fleet) -> Iterator[None]:
    """Put Debian's own `psql`, `pg_dump` and `pg_restore` back on api1: one program, which chooses a version of them."""
    programs = "/usr/local/bin/psql /usr/local/bin/pg_dump /usr/local/bin/pg_restore"
    fleet["api1"].check(f"mkdir /root/programs && mv {programs} /root/programs")
    yield
    fleet["api1"].check("mv /root/programs/* /usr/local/bin && rmdir /root/programs")


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


def assert_unseen(project: Project, postgres: Postgres) -> None:
    """No command line holds any of the password, while everything that is given it runs."""
    assert not project.fleet["api1"].processes(random_part(postgres))


def random_part(postgres: Postgres) -> str:
    """The part of the password that no awkward sign can hide."""
    return postgres.passwords[APP][:8]


@contextlib.contextmanager
def dump_held(project: Project, postgres: Postgres) -> Iterator[Running]:
    """A `backup` that has written every table of the shop, and waits until this is left."""
    session = postgres.connect(SHOP)
    try:
        session.execute("BEGIN; ALTER SEQUENCE numbers RENAME TO other_numbers")
        with project.start_fab("-H", "prod", "backup") as running:
            wait_until(lambda: bool(postgres.sql(WAITS_FOR_A_LOCK)), "the dump waits", 60)
            assert_unseen(project, postgres)
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
            # It sleeps again and again: a second look may find it awake.
            waits: list[str] = []

            def found() -> bool:
                waits.extend(name for (name,) in postgres.sql(WAITS_IN_A_COPY))
                return bool(waits)

            wait_until(found, "the restore waits", 60)
            assert_unseen(project, postgres)
            yield running, waits[0]
    finally:
        postgres.sql("DROP ROLE IF EXISTS held")


@contextlib.contextmanager
def started_again(postgres: Postgres) -> Iterator[None]:
    """The server runs when this is left, whatever was done to it."""
    try:
        yield
    finally:
        postgres.start()


# Large, and in use.


class Clients:
    """People who write into `marks` all the time, on a connection that is made anew where it ends; bounded."""

    MOST, SECONDS, PAUSE = 40_000, 400.0, 0.02

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
                self._stop.set()
                return
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
    for form in (*forms, random_part(postgres)):
        assert not [text for text in texts if form in text]


@pytest.mark.usefixtures("debians_programs")
def test_a_large_database_in_use_is_backed_up_proven_and_restored(project: Project, postgres: Postgres) -> None:
    api1 = project.fleet["api1"]
    postgres.pgbench(BIG, BIG_SCALE)
    postgres.sql("CREATE TABLE marks (number int, at timestamptz DEFAULT clock_timestamp())", BIG, APP)
    assert postgres.sql(f"SELECT pg_database_size('{BIG}') > 2.5e8") == [(True,)]
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
        assert (backup["good"], backup["proven"], backup["size"] > 2.5e8) == (True, "", True)
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


def test_a_client_older_than_the_server_is_told_before_anything_is_written(shop: Project, postgres: Postgres) -> None:
    before = lies(shop.fleet["api1"])
    with postgres.newer("notes") as url:
        shop.variables["DATABASE_URL"] = url
        ended = fab(shop, "backup")
    ran(ended, 7, "pg_dump 15.", "cannot dump a server of version 16.", "postgresql-client-16", "nothing was begun")
    assert lies(shop.fleet["api1"]) == before


# Hurt in the middle.


def goes_on(project: Project, postgres: Postgres, before: list[str]) -> str:
    """What was good still is, nothing half made lies anywhere, and the next backup is made; its name."""
    machine = project.fleet["api1"]
    directory = settings(project)["directory"]
    assert postgres.counts(SHOP) == ROWS
    assert postgres.databases() == [SHOP]
    assert (good(project), lies(machine, directory)) == (before, before)
    ran(fab(project, "backup"), 0)
    after = listed(project)
    assert ([each["good"] for each in after], len(after)) == ([True] * len(after), len(before) + 1)
    ran(fab(project, "backup.verify"), 0)
    assert not machine.processes("pg_dump") and not machine.processes("psql")
    return str(after[-1]["name"])


def locked(project: Project) -> None:
    """A lock was left: it is told whose it is, keeps others out, and is broken by its command."""
    ran(fab(project, "backup"), 4, "main is locked by ada@")
    ran(fab(project, "lock.break", "--yes", "--message", "that run is dead"), 0, "broke the lock of ada@")


def test_a_server_that_is_killed_while_it_is_dumped(shop: Project, postgres: Postgres) -> None:
    before = good(shop)
    with dump_held(shop, postgres) as running, started_again(postgres):
        postgres.stop_hard()
        ended = running.finish()
    ran(ended, 7, "backup FAILED", "pg_dump: error: ")
    goes_on(shop, postgres, before)


def test_a_host_that_freezes_while_it_dumps(shop: Project, postgres: Postgres) -> None:
    before, api1 = good(shop), shop.fleet["api1"]
    shop.inventory["ssh"] |= HASTY
    with dump_held(shop, postgres) as running:
        api1.pause()
        try:
            ended = running.finish()
        finally:
            api1.unpause()
        ran(ended, 6, "api1: the connection froze", "while `backup` was running", "! main@api1: ")
        # When it wakes up, its step is ended.
        wait_until(lambda: not api1.processes("pg_dump"), "the dump is ended")
    locked(shop)
    goes_on(shop, postgres, before)


def test_a_host_that_is_cut_off_while_it_dumps(shop: Project, postgres: Postgres) -> None:
    before, api1 = good(shop), shop.fleet["api1"]
    shop.inventory["ssh"] |= HASTY
    with dump_held(shop, postgres) as running:
        api1.cut()
        try:
            ended = running.finish()
        finally:
            api1.reconnect()
        ran(ended, 6, "api1: the connection", "while `backup` was running", "! main@api1: ")
        locked(shop)
    goes_on(shop, postgres, before)


def test_a_disk_that_fills_while_it_is_dumped_to(project: Project, postgres: Postgres) -> None:
    settings(project).update(directory=SMALL_BACKUPS, min_free=0)
    postgres.create(SHOP)
    postgres.sql(SLOW + SEQUENCE, SHOP, APP)
    ran(fab(project, "backup"), 0)
    before = good(project)
    # It does not compress as what was dumped before does: nothing tells that it will not fit.
    postgres.pgbench(SHOP, SCALE)
    noise = "SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 30) WHERE n > 0"
    postgres.sql(f"CREATE TABLE noise AS SELECT n, ({noise}) FROM generate_series(1, 15000) n", SHOP, APP)
    ended = ran(fab(project, "backup"), 7, "backup FAILED", "No space left on device")
    assert "nothing was begun" not in ended.said
    postgres.sql("DROP TABLE noise", SHOP, APP)
    goes_on(project, postgres, before)


def test_a_dump_that_was_changed_is_found_out(shop: Project, postgres: Postgres) -> None:
    (name,), api1 = good(shop), shop.fleet["api1"]
    dump = f"{BACKUPS}/{name}/database.dump"
    middle = int(api1.check(f"stat -c %s {dump}")) // 2
    byte = f"dd if={dump} bs=1 skip={middle} count=1 status=none | od -An -tu1"
    flip = f'printf "\\\\$(printf %o $(( ($({byte}) + 1) % 256 )))" | dd of={dump} bs=1 seek={middle} conv=notrunc status=none'
    api1.check(flip)
    for words in (["backup.verify"], ["backup.prove", name], ["backup.restore", name, "--yes"]):
        ran(fab(shop, *words), 7, "database.dump: FAILED", f"{name} is damaged")
        assert postgres.databases() == [SHOP]
    ran(fab(shop, "backup.prove"), 7, "there is no backup that can be counted on")
    (damaged,) = listed(shop)
    assert not damaged["good"] and not damaged["proven"], "it is remembered what was found"
    ran(fab(shop, "backup"), 0)
    assert [each["good"] for each in listed(shop)] == [False, True]
    ran(fab(shop, "backup.verify"), 0)
    assert postgres.counts(SHOP) == ROWS and name in lies(api1)


def test_a_backup_without_its_manifest_is_none(shop: Project, postgres: Postgres) -> None:
    (name,), api1 = good(shop), shop.fleet["api1"]
    api1.check(f"rm {BACKUPS}/{name}/manifest.json")
    (found,) = listed(shop)
    assert not found["good"] and "no manifest" in found["problem"]
    for words in (
        ["backup.verify", "--name", name],
        ["backup.prove", "--name", name],
        ["backup.restore", name, "--yes"],
    ):
        ran(fab(shop, *words), 7, "no manifest")
        assert postgres.databases() == [SHOP]
    ran(fab(shop, "backup.prove"), 7, "there is no backup that can be counted on")
    ran(fab(shop, "backup"), 0)
    ran(fab(shop, "backup.prune"), 0)
    assert name in lies(api1), "it may be all there is: it is left for a person"


def test_a_wrong_password_is_told(shop: Project, postgres: Postgres) -> None:
    before = lies(shop.fleet["api1"])
    right = dict(shop.variables)
    for variable, words in (
        ("DATABASE_URL", ["backup"]),
        ("DATABASE_URL", ["backup.restore", before[0], "--yes"]),
        ("SCRATCH_URL", ["backup.prove"]),
    ):
        shop.variables = {**right, variable: f"postgresql://{APP}:wrong-one@{HOST}/{SHOP}"}
        ended = ran(fab(shop, *words), 7, 'password authentication failed for user "app"')
        assert "wrong-one" not in ended.said
        assert (lies(shop.fleet["api1"]), postgres.databases()) == (before, [SHOP])
    shop.variables = right
    goes_on(shop, postgres, before)


def test_a_server_that_is_killed_while_it_is_restored_into(shop: Project, postgres: Postgres) -> None:
    (name,) = good(shop)
    with restore_held(shop, postgres, "backup.restore", name, "--yes") as (running, made), started_again(postgres):
        postgres.stop_hard()
        ended = running.finish()
    ran(ended, 6, "restore FAILED", "pg_restore: error: ", "! main@api1: ", made)
    assert made.startswith(f"{SHOP}__restoring_20")
    assert (postgres.databases(), postgres.counts(SHOP)) == ([SHOP, made], ROWS)
    # What was left half made is gone with the next one.
    ended = ran(fab(shop, "backup.restore", name, "--yes"), 0)
    now, kept = postgres.databases()
    assert (now, kept[:21]) == (SHOP, f"{SHOP}__before_20{kept[15:21]}"), ended.said
    assert postgres.counts(SHOP) == postgres.counts(kept) == ROWS


def test_a_server_that_is_stopped_while_a_backup_is_proven(shop: Project, postgres: Postgres) -> None:
    before = good(shop)
    with restore_held(shop, postgres, "backup.prove") as (running, made), started_again(postgres):
        postgres.stop()
        ended = running.finish()
    ran(ended, 6, "restore FAILED", "pg_restore: error: ", "! main@api1: ", made)
    assert not listed(shop)[0]["proven"]
    assert (postgres.databases(), postgres.counts(SHOP)) == ([SHOP, made], ROWS)
    ran(fab(shop, "backup.prove"), 0)
    goes_on(shop, postgres, before)


# Elsewhere, and several at a time.


def test_another_host_dumps_several_tables_at_a_time(shop: Project, postgres: Postgres) -> None:
    before, api2 = lies(shop.fleet["api1"]), shop.fleet["api2"]
    settings(shop).update(run_on="api2", jobs=2)
    assert listed(shop) == []
    ran(fab(shop, "backup"), 0)
    (name,) = good(shop)
    assert (lies(api2), lies(shop.fleet["api1"])) == ([name], before)
    assert api2.check(f"ls {BACKUPS}/{name}/database").count(".dat.gz") == len(ROWS)
    ran(fab(shop, "backup.prove"), 0, f"{name} is proven")
    ran(fab(shop, "backup.restore", name, "--into", "looked_at"), 0)
    assert postgres.databases() == ["looked_at", SHOP]
    assert postgres.counts("looked_at") == postgres.counts(SHOP) == ROWS


def test_this_machine_dumps_with_its_own_programs(project: Project, postgres: Postgres, tmp_path: Path) -> None:
    postgres.pgbench(SHOP, SCALE)
    postgres.sql(SLOW + SEQUENCE, SHOP, APP)
    tools, directory = programs(tmp_path), tmp_path / "backups here"
    if tools is None:
        pytest.skip("there is no PostgreSQL here: no wheel pgserver for this machine, and none is installed")
    settings(project).update(run_on="local", directory=str(directory))
    project.variables = {"DATABASE_URL": postgres.url_here(SHOP), "SCRATCH_URL": postgres.url_here("postgres")}
    project.variables["PATH"] = f"{tools}:{os.environ['PATH']}"
    ran(fab(project, "backup"), 0)
    (name,) = good(project)
    assert [each.name for each in directory.iterdir() if not each.name.startswith(".")] == [name]
    assert {each.stat().st_mode & 0o077 for each in directory.rglob(f"{name}/*")} == {0}
    ran(fab(project, "backup.verify"), 0)
    ran(fab(project, "backup.prove"), 0, f"{name} is proven")
    assert (postgres.databases(), postgres.counts(SHOP)) == ([SHOP], ROWS)
