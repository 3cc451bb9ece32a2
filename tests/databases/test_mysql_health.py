"""What a running MariaDB is asked and how it is read: a real server, and logins that may see little."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pymysql
import pytest

from lockstitch.databases.backup import BackupDirectoryFacts
from lockstitch.databases.health import DatabaseState, Room, Slow, SpareDatabase, Standby
from lockstitch.databases.health_check import Thresholds, judge
from lockstitch.databases.mysql import ENGINE
from tests.databases.running import ALL, meanwhile, state_at, until
from tests.mariadb import SUPERUSER, LocalMariaDB, Session
from tests.servers import APP, LIMITED
from tests.shells import SHELLS

SHOP = (
    "CREATE TABLE orders (id int PRIMARY KEY, what text)",
    "INSERT INTO orders SELECT seq, REPEAT('x', 100) FROM seq_1_to_2000",
    "CREATE TABLE `t``a'b` (id int)",
)


@pytest.fixture
def server(local_mariadb: LocalMariaDB) -> Iterator[LocalMariaDB]:
    local_mariadb.reset()
    local_mariadb.create("shop", *SHOP)
    yield local_mariadb
    local_mariadb.reset()


def state(server: LocalMariaDB, user: str = APP, shell: tuple[str, ...] = ("sh",)) -> DatabaseState:
    return state_at(ENGINE, server.url("shop", user), server.path, shell)


def number(session: Session) -> int:
    """What the server calls it."""
    return int(session.connection.thread_id())  # type: ignore[no-untyped-call]


@contextmanager
def at_work(server: LocalMariaDB, query: str, user: str = APP) -> Iterator[Session]:
    """A session whose query does not end by itself in this test."""
    with (
        server.connect("shop", user) as session,
        meanwhile(lambda: session.execute(query), pymysql.Error, lambda: server.sql(f"KILL {number(session)}")),
    ):
        yield session


@pytest.mark.parametrize("shell", SHELLS)
def test_everything_is_answered_in_every_shell(server: LocalMariaDB, shell: tuple[str, ...]) -> None:
    told = state(server, shell=shell)
    assert (told.asked, told.problems, told.problem) == (ALL, (), "")
    assert (told.version, told.database, told.user) == (server.version, "shop", APP)
    assert told.size and told.up is not None
    assert not (told.queries or told.waiting or told.replicas or told.slots or told.besides or told.standby)
    assert [table.name for table in told.tables] == ["orders", "t`a'b"]


def test_connections_are_counted_of_those_that_are_allowed(server: LocalMariaDB) -> None:
    with server.connect("shop", APP), server.connect("shop", SUPERUSER):
        (room,) = state(server).rooms
    assert (room.of, room.allowed) == ("the server", 60) and room.used >= 3
    server.sql(f"ALTER USER {APP} WITH MAX_USER_CONNECTIONS 8")
    with server.connect("shop", APP):
        assert state(server).rooms[1] == Room("the login app", 2, 8)


def test_a_query_at_work_is_told_without_what_may_be_a_password(server: LocalMariaDB) -> None:
    with at_work(server, "SELECT SLEEP(60)  /* \u202e \n é password 'secret' */") as session:
        (query,) = until(lambda: state(server).queries)
        assert query.pid == number(session) and query.user == APP and query.client == "127.0.0.1"
        assert query.text == "SELECT SLEEP(60) /* \u202e é password ***"
        server.sql(query.end)
        until(lambda: not state(server).queries)


def test_who_waits_is_told_with_who_is_in_the_way_to_whom_may_see_it(server: LocalMariaDB) -> None:
    with server.connect("shop", APP) as first:
        first.execute("BEGIN")
        first.execute("UPDATE orders SET what = '' WHERE id = 1")
        with at_work(server, "UPDATE orders SET what = '' WHERE id = 1") as second:
            (row,) = until(lambda: state(server, SUPERUSER).waiting)
            assert (row.lock, row.query.pid) == ("a row", number(second))
            (holder,) = row.by
            assert (holder.pid, holder.state) == (number(first), "idle in transaction")
            # The login itself is shown that it runs, and not what it waits for.
            told = state(server)
            assert [query.pid for query in told.queries] == [row.query.pid] and not told.waiting
        with at_work(server, "ALTER TABLE orders ADD more int"):
            (table,) = until(lambda: state(server).waiting)
            assert table.lock == "table metadata lock" and table.query.text.startswith("ALTER TABLE")
        server.sql(holder.end)
        until(lambda: not state(server, SUPERUSER).queries)


def test_a_dump_of_ours_is_no_long_query(server: LocalMariaDB) -> None:
    with at_work(server, "SELECT /* lockstitch */ SLEEP(60)"):
        (query,) = until(lambda: state(server).queries)
    assert query.application == "lockstitch"


def test_a_login_is_told_how_many_sessions_it_may_not_see(server: LocalMariaDB) -> None:
    server.sql(f"GRANT SELECT ON shop.* TO {LIMITED}")
    with server.connect("shop", APP), server.connect("shop", APP):
        assert state(server, LIMITED).hidden == 2
        server.sql(state(server, LIMITED).grant)
        assert state(server, LIMITED).hidden == 0


def test_what_stands_beside_it_is_told_with_how_to_drop_it(server: LocalMariaDB) -> None:
    server.create("shop__before_20260101T000000Z", "CREATE TABLE kept (id int)")
    server.create("shop__beforehand")
    server.create("shops__before_1")
    (beside,) = state(server).besides
    assert (beside.name, beside.kind) == ("shop__before_20260101T000000Z", "before") and beside.bytes
    server.sql(beside.drop)
    assert state(server).besides == ()


@pytest.mark.parametrize(
    ("lines", "standby"),
    [
        ("Seconds_Behind_Master: 12\n Slave_IO_Running: Yes\n Slave_SQL_Running: Yes", Standby(12, None, True, False)),
        (
            "Seconds_Behind_Source: 0\n Replica_IO_Running: Yes\n Replica_SQL_Running: Yes",
            Standby(0, None, True, False),
        ),
        (
            "Seconds_Behind_Master: NULL\n Slave_IO_Running: No\n Slave_SQL_Running: No",
            Standby(None, None, False, True),
        ),
        ("Seconds_Behind_Master: 7\n Slave_IO_Running: Connecting\n Slave_SQL_Running: Yes", Standby(7)),
        ("", None),
    ],
)
def test_a_replicas_own_place_is_read_from_either_kind(
    server: LocalMariaDB, tmp_path: Path, lines: str, standby: Standby | None
) -> None:
    program = tmp_path / "mariadb"
    answer = f"*** 1. row ***\n {lines}\n Last_Error: Slave_IO_Running: no\n" if lines else ""
    (tmp_path / "answer").write_text(answer)
    real = f'exec "{server.bin / "mariadb"}" "$@"'
    program.write_text(f'#!/bin/sh\ncase " $* " in *" -E "*) exec cat {tmp_path}/answer ;; esac\n{real}\n')
    program.chmod(0o755)
    told = state_at(ENGINE, server.url("shop"), f"{tmp_path}:{server.path}")
    assert told.standby == standby and told.asked == ALL


def test_slow_queries_are_counted_since_it_began(server: LocalMariaDB) -> None:
    with server.connect("shop", SUPERUSER) as session:
        session.execute("SET long_query_time = 0")
        session.execute("SELECT COUNT(*) FROM orders")
    slow = state(server).slow
    assert slow and slow.queries and slow.asked and slow.asked > slow.queries and slow.seconds == 10
    found = judge(
        DatabaseState(version="10", slow=Slow(3, 400, 0.5)), Thresholds(), BackupDirectoryFacts(), datetime.now(UTC)
    )
    (finding,) = [each for each in found if each.check == "slow"]
    assert (finding.level, finding.says.partition(", ")[0]) == (
        "note",
        "3 of 400 since it began took longer than 0.5 s",
    )


def test_what_is_beside_is_dropped_in_its_own_words() -> None:
    beside = SpareDatabase("a`b__before_1", "before", None, "DROP DATABASE `a``b__before_1`;")
    found = judge(
        DatabaseState(version="10", besides=(beside,)), Thresholds(), BackupDirectoryFacts(), datetime.now(UTC)
    )
    assert "when it is not needed any more: DROP DATABASE `a``b__before_1`;" in [each.hint for each in found]


def test_a_server_that_is_away_and_a_login_that_is_refused_are_told(server: LocalMariaDB) -> None:
    assert "Access denied" in state_at(ENGINE, server.url("shop", APP, "wrong"), server.path).problem
    assert "Unknown database" in state_at(ENGINE, server.url("gone", SUPERUSER), server.path).problem
    with server.stopped():
        assert "Can't connect" in state_at(ENGINE, server.url("shop"), server.path).problem
