"""What only PostgreSQL lets others do while a database is dumped, or hides from who dumps it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.databases.clients import session
from tests.databases.dialects import speaks
from tests.databases.engines import only_postgres
from tests.databases.store import Ended, Store
from tests.databases.test_faults import assert_nothing_was_made, held
from tests.postgres import APP, SUPERUSER, LocalPostgres

pytestmark = only_postgres


def test_a_table_that_appears_is_in_neither_the_dump_nor_the_manifest(shop: Store, server: LocalPostgres) -> None:
    with held(shop) as (hook, backup):
        server.sql("CREATE TABLE new AS SELECT 1 AS one; INSERT INTO orders (what) VALUES ('late')", "shop", APP)
        hook.go()
        ended = backup.result(60)
    assert ended.code == 0, ended
    assert shop.rows(shop.names()[0]) == {"public.customers": 40, "public.orders": 300}
    assert shop.prove().code == 0


def meanwhile(store: Store, server: LocalPostgres, table: str, *lines: str) -> Ended:
    """A backup that waits for a table which somebody has locked, and does something with before letting it go."""
    with session(server, "shop", APP, "BEGIN", f"LOCK TABLE {table}") as somebody, ThreadPoolExecutor() as pool:
        backup = pool.submit(store.backup)
        server.until(speaks(server).waiting)
        for line in (*lines, "COMMIT"):
            somebody.execute(line)
        return backup.result(60)


def test_a_table_that_is_dropped_while_the_backup_waits_for_it(shop: Store, server: LocalPostgres) -> None:
    ended = meanwhile(shop, server, "customers", "DROP TABLE customers")
    assert_nothing_was_made(shop, ended, "customers", "does not exist")
    assert shop.rows(shop.names()[0]) == {"public.orders": 300}


@pytest.mark.parametrize(
    "line", ["TRUNCATE customers", "ALTER TABLE customers ALTER name TYPE varchar(50)", "SELECT 1"]
)
def test_a_table_that_is_written_anew_while_the_backup_waits_for_it(
    shop: Store, server: LocalPostgres, line: str
) -> None:
    """What a snapshot sees of it then is PostgreSQL's decision; the manifest says what the dump holds."""
    ended = meanwhile(shop, server, "customers", line)
    assert ended.code == 0, ended
    assert shop.rows(shop.names()[0])["public.customers"] == (40 if line == "SELECT 1" else 0)
    assert shop.prove().code == 0


def test_somebody_who_waits_for_the_backup_does_not_wait_long(shop: Store, server: LocalPostgres) -> None:
    """A change of a table that comes between the two locks would wait for us, and pg_dump for it: somebody gives up."""
    with held(shop) as (hook, backup), session(server, "shop") as somebody, ThreadPoolExecutor() as pool:
        changing = pool.submit(somebody.execute, "ALTER TABLE orders ADD note text")
        server.until("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER%'")
        hook.go()
        ended = backup.result(30)
        changing.result(10)
    assert_nothing_was_made(shop, ended, "timeout", "LOCK TABLE")


def test_a_table_that_this_login_may_not_read(shop: Store, server: LocalPostgres) -> None:
    server.sql("CREATE TABLE secret AS SELECT 1 AS one", "shop")
    ended = shop.backup()
    assert ended.code == 7 and "permission denied for table secret" in str(ended), ended
    server.sql("DROP TABLE secret", "shop")
    assert_nothing_was_made(shop, ended)


def test_rows_that_this_login_may_not_see(shop: Store, server: LocalPostgres) -> None:
    """A policy would leave rows out without a word: it is refused instead."""
    server.sql("ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY", "shop", APP)
    server.sql("CREATE POLICY few ON orders USING (id < 10)", "shop", APP)
    ended = shop.backup()
    assert ended.code == 7 and "row-level security" in str(ended), ended
    server.sql("ALTER TABLE orders NO FORCE ROW LEVEL SECURITY", "shop", APP)
    assert_nothing_was_made(shop, ended)


def test_a_superuser_sees_what_policies_hide(shop: Store, server: LocalPostgres) -> None:
    server.sql("ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY", "shop", APP)
    shop.urls["main"] = server.url("shop", SUPERUSER)
    assert shop.backup().code == 0
    assert shop.rows(shop.names()[0])["public.orders"] == 300
