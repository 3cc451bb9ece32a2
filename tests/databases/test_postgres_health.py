"""What a running PostgreSQL is asked and how it is read: a real server, a standby of it, and logins that may see little."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lockstitch.databases.engine import engines
from lockstitch.databases.health import DatabaseState
from lockstitch.databases.postgres import ENGINE
from lockstitch.databases.postgres.health import parse_state
from tests.databases.running import ALL, PATIENCE, meanwhile, state_at, until
from tests.ports import free_port
from tests.postgres import APP, LIMITED, SUPERUSER, LocalPostgres, as_nobody, own, run_as_nobody
from tests.shells import SHELLS

SHOP = (
    "CREATE TABLE orders (id int PRIMARY KEY, what text)",
    "INSERT INTO orders SELECT n, repeat('x', 100) FROM generate_series(1, 2000) n",
    "ANALYZE orders",
    'CREATE SCHEMA "we ird"',
    """CREATE TABLE "we ird"."t""a'b" (id int)""",
)


@pytest.fixture
def server(local_postgres: LocalPostgres) -> Iterator[LocalPostgres]:
    local_postgres.reset()
    local_postgres.create("shop", *SHOP)
    yield local_postgres
    local_postgres.reset()


def state(
    server: LocalPostgres, user: str = APP, database: str = "shop", shell: tuple[str, ...] = ("sh",)
) -> DatabaseState:
    return state_at(ENGINE, server.url(database, user), server.path, shell)


@contextmanager
def at_work(server: LocalPostgres, query: str, user: str = APP, name: str = "web") -> Iterator[psycopg.Connection[Any]]:
    """A session whose query does not end by itself in this test."""
    with (
        server.connect("shop", user, name) as session,
        meanwhile(lambda: session.execute(query), psycopg.Error, session.cancel),
    ):
        yield session


@pytest.mark.parametrize("shell", SHELLS)
def test_everything_is_answered_in_every_shell(server: LocalPostgres, shell: tuple[str, ...]) -> None:
    told = state(server, shell=shell)
    assert (told.asked, told.problems, told.problem) == (ALL, (), "")
    assert (told.version, told.database, told.user) == (server.version, "shop", APP)
    assert told.size == server.sql("SELECT pg_database_size('shop')")[0][0] and told.up is not None
    assert not (told.queries or told.waiting or told.replicas or told.slots or told.besides or told.standby)


def test_connections_are_counted_of_those_a_login_may_have(server: LocalPostgres) -> None:
    (before,) = state(server).rooms
    assert (before.of, before.allowed) == ("the server", 60 - 3)
    server.sql("ALTER DATABASE shop CONNECTION LIMIT 9")
    server.sql("ALTER ROLE app CONNECTION LIMIT 8")
    with ExitStack() as sessions:
        for database, user in (("shop", APP), ("shop", LIMITED), ("postgres", SUPERUSER)):
            sessions.enter_context(server.connect(database, user))
        rooms = {room.of: (room.used, room.allowed) for room in state(server).rooms}
    assert rooms == {"the server": (before.used + 3, 57), "the database": (3, 9), "the login app": (2, 8)}


def test_queries_at_work_are_told_longest_first(server: LocalPostgres) -> None:
    with server.connect("shop", name="job") as job, at_work(server, "SELECT pg_sleep(60)  --\u2028\u202e \x07 é"):
        until(lambda: state(server).queries)
        job.execute("BEGIN")
        job.execute("SELECT 1")
        until(lambda: len(state(server, SUPERUSER).queries) == 2)
        time.sleep(1.1)
        told = state(server, SUPERUSER).queries
    assert [(q.application, q.user, q.state) for q in told] == [
        ("web", APP, "active"),
        ("job", SUPERUSER, "idle in transaction"),
    ]
    assert [q.end for q in told] == [
        f"SELECT pg_cancel_backend({told[0].pid});",
        f"SELECT pg_terminate_backend({told[1].pid});",
    ]
    assert all((q.seconds or 0) >= 1 and q.client == "127.0.0.1" for q in told)
    assert next(q.text for q in told if q.application == "web") == "SELECT pg_sleep(60) -- \u202e \x07 é"


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("SELECT pg_sleep(60),\n\t'x' AS password, 's3cret'", "SELECT pg_sleep(60), 'x' AS password ***"),
        ("SELECT pg_sleep(60), 'PASSWORD', 's3cret'", "SELECT pg_sleep(60), 'PASSWORD ***"),
        (f"SELECT pg_sleep(60), '{'é' * 900}'", f"SELECT pg_sleep(60), '{'é' * 178}"),
    ],
)
def test_a_query_is_cut_and_what_follows_password_is_left_out(server: LocalPostgres, query: str, shown: str) -> None:
    with at_work(server, query):
        (told,) = until(lambda: state(server).queries)
    assert told.text == shown and len(shown) <= 200


def test_who_waits_for_a_lock_and_behind_whom(server: LocalPostgres) -> None:
    with server.connect("shop", APP, "holder") as holder, holder.transaction():
        holder.execute("LOCK TABLE orders")
        with at_work(server, "SELECT count(*) FROM orders", name="waiter"):
            until(lambda: any(w.seconds for w in state(server).waiting))
            began = time.monotonic()
            told = state(server)
            assert time.monotonic() - began < 5
    (waiting,) = told.waiting
    assert (waiting.lock, waiting.on) == ("relation AccessShareLock", "public.orders")
    assert (waiting.query.application, waiting.query.text) == ("waiter", "SELECT count(*) FROM orders")
    assert [(q.application, q.state) for q in waiting.by] == [("holder", "idle in transaction")]
    # The table that is locked is among the tables all the same.
    assert "table" in told.asked and told.tables[0].name == "public.orders" and told.tables[0].bytes > 0


def test_a_row_that_is_waited_for(server: LocalPostgres) -> None:
    with server.connect("shop", APP, "holder") as holder, holder.transaction():
        holder.execute("UPDATE orders SET what = 'y' WHERE id = 1")
        with at_work(server, "UPDATE orders SET what = 'z' WHERE id = 1", name="waiter"):
            (waiting,) = until(lambda: state(server).waiting)
    assert waiting.lock == "transactionid ShareLock" and waiting.on == "" and waiting.by[0].application == "holder"


def test_a_login_without_rights_is_told_what_it_may_see(server: LocalPostgres) -> None:
    with server.connect("shop", APP, "holder") as holder, holder.transaction():
        holder.execute("LOCK TABLE orders")
        with at_work(server, "SELECT 's3cret' FROM orders", name="waiter"):
            told = until(lambda: (s := state(server, LIMITED)).waiting and s)
    assert (told.asked, told.problems, told.hidden) == (ALL, (), 2)
    assert told.grant == 'GRANT pg_monitor TO "limited";'
    assert told.queries == () and "s3cret" not in repr(told)
    assert told.waiting[0].query.application == "waiter" and told.waiting[0].by[0].state == ""
    assert {room.of: room.used >= 3 for room in told.rooms} == {"the server": True}
    assert told.tables[0].name == "public.orders"


def test_the_largest_tables_come_first_and_no_more_than_ten(server: LocalPostgres) -> None:
    first, *_, last = state(server).tables
    assert (first.name, first.rows, first.dead, first.analyzed[-1:]) == ("public.orders", 2000, 0, "Z")
    assert first.bytes == server.sql("SELECT pg_total_relation_size('orders')", "shop")[0][0]
    assert (last.name, last.rows, last.analyzed) == ('"we ird"."t""a\'b"', 0, "")
    for number in range(12):
        server.sql(f"CREATE TABLE t{number} (id int)", "shop")
    assert len(state(server).tables) == 10


def test_databases_that_were_made_beside_it_are_told_with_their_size(server: LocalPostgres) -> None:
    for name in ("shop__before_20260101T000000Z", "shop__restoring_1", "shop__other_1", "shopping__before_1", "shop_2"):
        server.create(name)
    server.sql('REVOKE CONNECT ON DATABASE "shop__restoring_1" FROM PUBLIC')
    sizes = {b.name: (b.kind, (b.bytes or 0) > 1_000_000) for b in state(server, LIMITED).besides}
    assert sizes == {"shop__before_20260101T000000Z": ("before", True), "shop__restoring_1": ("restoring", False)}


def test_a_name_that_had_to_be_cut_is_known(server: LocalPostgres) -> None:
    long = "d" * 60
    server.create(long)
    server.create(f"{long[:38]}__before_20260101T000000Z")
    server.create(f"{long[:20]}__before_20260101T000000Z")
    assert [b.kind for b in state(server, database=long).besides] == ["before"]
    assert len(state(server, database=long).besides[0].name) == 63


def test_a_question_that_fails_does_not_keep_the_next_from_being_asked(server: LocalPostgres) -> None:
    server.sql("REVOKE EXECUTE ON FUNCTION pg_blocking_pids(int) FROM PUBLIC", "shop")
    told = state(server)
    assert told.asked == ALL - {"waiting"} and told.tables
    assert told.problems == ("ERROR:  permission denied for function pg_blocking_pids",)


@pytest.mark.parametrize("wrong", ["password", "database", "port"])
def test_a_server_that_lets_nobody_in_is_told_without_the_password(server: LocalPostgres, wrong: str) -> None:
    url = {
        "password": server.url("shop", APP, "not-the-pa55word"),
        "database": server.url("no such"),
        "port": server.url("shop", port=free_port()),
    }[wrong]
    told = state_at(ENGINE, url, server.path)
    assert told.problem and told.asked == frozenset()
    for password in ("not-the-pa55word", server.passwords[APP]):
        assert password not in repr(told)


def test_answers_that_are_none_are_no_answers() -> None:
    assert parse_state("", 127).problem == "no answer from the database server"
    assert parse_state("sh: psql: not found\n", 127).problem == "sh: psql: not found"
    text = 'server {"version":"16"}\nroom nothing\nroom [1]\nquery {"pid":"x","seconds":-4}\nwaiting {"by":[1,{}]}\nzoom {}\n'
    told = parse_state(text, 0)
    assert told.rooms == () and told.problems == ("room nothing", "room [1]", "zoom {}")
    assert (told.queries[0].pid, told.queries[0].seconds) == (0, 0) and len(told.waiting[0].by) == 1


def test_it_is_what_the_engine_asks() -> None:
    assert engines()["postgres"] is ENGINE and ENGINE.parse_state is parse_state


class Pair:
    """A primary and its standby, the standby on the next folder."""

    def __init__(self, programs: Path, root: Path) -> None:
        self.bin, self.root, self.path = programs, root, f"{programs}:{os.environ['PATH']}"
        self.ports = {"primary": free_port(), "standby": free_port()}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        words = [str(programs / "initdb"), "-U", SUPERUSER, "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8"]
        run_as_nobody([*words, "-D", str(root / "primary")])
        shutil.copytree(root / "primary", root / "standby")
        (root / "standby/standby.signal").touch()
        for path in [root / "standby", *(root / "standby").rglob("*")]:
            own(path)
        follow = f"host=127.0.0.1 port={self.ports['primary']} user={SUPERUSER} application_name=second"
        self.start("primary")
        self.start("standby", primary_conninfo=follow)

    def start(self, which: str, **more: str) -> None:
        settings = {"listen_addresses": "127.0.0.1", "fsync": "off", "unix_socket_directories": str(self.root), **more}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [*as_nobody(), str(self.bin / "postgres"), "-D", str(self.root / which), "-p", str(self.ports[which])]
        with (self.root / f"{which}.log").open("ab") as log:
            self.running[which] = subprocess.Popen([*command, *options], stdout=log, stderr=log, cwd=self.root)
        until(lambda: not self.state(which).problem)

    def url(self, which: str) -> str:
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.ports[which]}/postgres"

    def sql(self, which: str, query: str) -> None:
        with psycopg.connect(self.url(which), autocommit=True) as session:
            session.execute(query)

    def state(self, which: str) -> DatabaseState:
        return state_at(ENGINE, self.url(which), self.path)

    def stop(self, which: str) -> None:
        process = self.running.pop(which)
        process.terminate() if which == "standby" else process.kill()
        process.wait(PATIENCE)


@pytest.fixture
def pair(local_postgres: LocalPostgres) -> Iterator[Pair]:
    root = local_postgres.root / "pair"
    root.mkdir()
    own(root)
    pair = Pair(local_postgres.bin, root)
    yield pair
    for which in list(pair.running):
        pair.stop(which)
    shutil.rmtree(root)


def test_a_standby_and_its_primary_tell_how_far_apart_they_are(pair: Pair) -> None:
    def standby() -> Any:
        found = pair.state("standby")
        assert (found.asked, found.problems) == (ALL, ())
        return found.standby

    until(lambda: pair.state("primary").replicas and standby().connected and standby().seconds == 0)
    (replica,) = pair.state("primary").replicas
    assert (replica.name, replica.state, replica.client) == ("second", "streaming", "127.0.0.1")
    assert pair.state("primary").standby is None

    pair.sql("primary", "SELECT pg_create_physical_replication_slot('gone', true)")
    # What a standby has never replayed, it cannot be behind by time.
    pair.sql("primary", "CREATE TABLE first ()")
    until(lambda: "public.first" in {table.name for table in pair.state("standby").tables})
    pair.sql("standby", "SELECT pg_wal_replay_pause()")
    pair.sql("primary", "CREATE TABLE t AS SELECT repeat('x', 100) FROM generate_series(1, 20000)")
    behind = until(lambda: (s := standby()).seconds and s)
    assert behind.paused and behind.connected and behind.bytes > 1_000_000
    until(lambda: (pair.state("primary").replicas[0].bytes or 0) > 1_000_000)
    (slot,) = pair.state("primary").slots
    assert slot.name == "gone" and (slot.bytes or 0) > 0 and slot.end == "SELECT pg_drop_replication_slot('gone');"

    pair.stop("primary")
    alone = until(lambda: not (s := standby()).connected and s)
    assert alone.seconds >= behind.seconds
