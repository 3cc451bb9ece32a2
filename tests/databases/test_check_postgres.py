"""What `database.check` and `database.analyze` find of PostgreSQL alone."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg
import pytest

from lockstitch.databases.backup import BackupDirectoryFacts
from lockstitch.databases.health import DatabaseState
from lockstitch.databases.health_check import Thresholds, judge
from lockstitch.engine.survey import DatabaseFacts, survey_databases
from lockstitch.model.command import Secret
from tests.databases.engines import only_postgres
from tests.databases.pgbouncer import STATS, pooling, program
from tests.databases.store import Store
from tests.databases.test_check import analyze, examined
from tests.postgres import APP, LIMITED, LocalPostgres

pytestmark = only_postgres


def test_a_migration_at_work_is_seen_at_once_and_between_its_statements(shop: Store, server: LocalPostgres) -> None:
    assert examined(shop).state.migrations == ()
    with server.connect("shop", name="lockstitch migrate api") as ours:
        assert [query.application for query in examined(shop).state.migrations] == ["lockstitch migrate api"], "idle"
        with server.connect("shop", APP, name="tool") as theirs, theirs.transaction():
            theirs.execute("CREATE TABLE t (a int)")
            ours.execute("SELECT 1")
            seen = {query.application: query.text for query in examined(shop).state.migrations}
        assert seen == {"lockstitch migrate api": "", "tool": "CREATE TABLE t (a int)"}, "whose text it may see"
    assert examined(shop).state.migrations == ()


def test_the_servers_time_and_whether_it_logs_slow_queries(shop: Store, server: LocalPostgres) -> None:
    state = examined(shop).state
    assert state.now.startswith(datetime.now(UTC).strftime("%Y-")) and state.ahead is not None and abs(state.ahead) < 60
    assert state.slow is not None and state.slow.logged is False
    server.sql("ALTER DATABASE shop SET log_min_duration_statement = '1500ms'")
    state = examined(shop).state
    assert state.slow is not None and (state.slow.logged, state.slow.seconds) == (True, 1.5)


def ask(server: str) -> None:
    with psycopg.connect(server) as session:
        session.execute("SELECT 1")


@pytest.mark.skipif(program() is None, reason="no PgBouncer can be had")
def test_the_pools_of_a_real_pgbouncer_tell_who_waits(shop: Store, server: LocalPostgres) -> None:
    with pooling(server, "shop") as port:
        shop.settings["pooler"] = {"url": "env:POOLER"}
        database = shop.database()

        def pools(url: str) -> DatabaseState:
            found = survey_databases(
                shop.remote,
                {"main": database},
                {"main": shop.secret("main")},
                state=True,
                poolers={"main": Secret(url)},
            )["main"]
            assert isinstance(found, DatabaseFacts)
            return found.state

        console = f"postgresql://{STATS}:st%27ats@127.0.0.1:{port}/pgbouncer"
        assert pools(console).pools == () and pools(console).pool_problem == ""
        to_shop = f"host=127.0.0.1 port={port} user=app password=pw dbname=shop"
        with psycopg.connect(to_shop) as first, ThreadPoolExecutor(1) as thread:
            first.execute("SELECT 1")
            second = thread.submit(ask, to_shop)
            until = time.monotonic() + 20
            while not (seen := pools(console).pools or ()) or not seen[0].waiting:
                assert time.monotonic() < until, seen
            assert (seen[0].name, seen[0].mode, seen[0].busy, seen[0].waiting) == ("shop/app", "transaction", 1, 1)
            first.commit()
            second.result(20)
        refused = pools(f"postgresql://app:pw@127.0.0.1:{port}/pgbouncer")
        assert refused.pools == () and "not allowed" in refused.pool_problem
        (finding,) = (
            f for f in judge(refused, Thresholds(), BackupDirectoryFacts(), datetime.now(UTC)) if f.check == "pools"
        )
        assert finding.level == "fail" and "pw" not in finding.says.split()


def test_no_password_is_in_what_is_told(shop: Store, server: LocalPostgres) -> None:
    """Not even where somebody has written it into a query in plain sight."""
    password = server.passwords[LIMITED]
    shop.urls = {"main": server.url("shop", LIMITED)}
    with server.connect("shop", LIMITED) as job, job.transaction():
        job.execute("SELECT $q$" + password + "$q$")
        (query,) = examined(shop).state.queries
    assert query.text == "SELECT $q$***$q$" and password not in repr(examined(shop))


def test_analyzing_leaves_statistics_of_every_table(shop: Store) -> None:
    assert all(table.analyzed == "" for table in examined(shop).state.tables)
    assert analyze(shop).code == 0
    assert {table.name: table.rows for table in examined(shop).state.tables if table.analyzed} == {
        "public.orders": 300,
        "public.customers": 40,
    }


def test_a_login_that_may_not_analyze_a_table_is_told_which(shop: Store, server: LocalPostgres) -> None:
    shop.urls = {"main": server.url("shop", LIMITED)}
    ended = analyze(shop)
    skipped = [line for line in str(ended).splitlines() if "skipping" in line]
    assert ended.code == 0 and len(skipped) == 2, ended
    assert "orders" in skipped[0] and "customers" in skipped[1]


def test_analyzing_takes_as_long_as_it_takes(shop: Store, server: LocalPostgres) -> None:
    # Of each of 300 rows the expression is evaluated, which takes longer than the limit; all other questions do not.
    body = "BEGIN PERFORM pg_catalog.pg_sleep(0.01); RETURN n; END"
    server.sql(f"CREATE FUNCTION slow(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS '{body}'", "shop", APP)
    server.sql("CREATE INDEX slowly ON orders (slow(id))", "shop", APP)
    server.sql("ALTER ROLE app IN DATABASE shop SET statement_timeout = '2s'")
    assert analyze(shop).code == 0
