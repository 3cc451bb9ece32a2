"""What a dump of MariaDB has to wait for, or keeps others from: its snapshot begins while nobody writes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.databases.clients import session
from tests.databases.conftest import MakeStore
from tests.databases.dialects import speaks
from tests.databases.engines import only_mariadb
from tests.databases.store import SHOP, Store
from tests.databases.test_backup import Writer
from tests.databases.test_faults import assert_nothing_was_made, held
from tests.mariadb import LocalMariaDB
from tests.servers import APP

pytestmark = only_mariadb


WROTE = ("BEGIN", "INSERT INTO orders (what) VALUES ('mine')")


def test_it_waits_for_who_has_written_and_not_committed(shop: Store, server: LocalMariaDB) -> None:
    """What he commits then is in the dump and in the manifest."""
    with session(server, "shop", APP, *WROTE) as somebody, ThreadPoolExecutor() as pool:
        backup = pool.submit(shop.backup)
        server.until(speaks(server).waiting)
        somebody.execute("COMMIT")
        ended = backup.result(60)
    assert ended.code == 0, ended
    assert shop.rows(shop.names()[0]) == {"customers": 40, "orders": 301}
    assert shop.prove().code == 0


def test_with_the_right_to_lock_all_tables_it_waits_for_nobody(shop: Store, server: LocalMariaDB) -> None:
    """What is not committed is in neither the dump nor the manifest, and can be committed afterwards."""
    server.sql(f"GRANT RELOAD, PROCESS ON *.* TO {APP}")
    with session(server, "shop", APP, *WROTE) as somebody:
        ended = shop.backup()
        somebody.execute("COMMIT")
    assert ended.code == 0, ended
    assert shop.rows(shop.names()[0]) == {"customers": 40, "orders": 300}
    assert shop.prove().code == 0 and server.counts("shop")["orders"] == 301


@pytest.mark.parametrize("line", ["DROP TABLE customers", "ALTER TABLE customers ADD note text", "TRUNCATE customers"])
def test_a_table_that_is_changed_while_it_is_dumped(shop: Store, server: LocalMariaDB, line: str) -> None:
    """Between the snapshot and the moment at which the table is read: it is no backup, or one that says what it holds."""
    server.sql("CREATE TABLE z AS SELECT * FROM orders", "shop", APP)
    with held(shop) as (hook, backup), ThreadPoolExecutor() as pool:
        changing = pool.submit(server.sql, line, "shop", APP)
        server.until(f"SELECT count(*) FROM information_schema.processlist WHERE info = '{line}'")
        hook.go()
        ended = backup.result(60)
        changing.result(30)
    if ended.code == 0:
        assert shop.prove().code == 0
        assert shop.rows(shop.names()[0]).items() >= {"orders": 300, "z": 300}.items()
    else:
        assert_nothing_was_made(shop, ended)


def test_tables_without_transactions_are_as_they_were_counted(server: LocalMariaDB, make_store: MakeStore) -> None:
    """Somebody writes to them all the time: he waits until they are dumped."""
    server.create("shop", *SHOP, "CREATE TABLE ledger ENGINE=MyISAM AS SELECT what FROM orders")
    store = make_store()
    with Writer(server, "shop") as writer:
        server.until("SELECT count(*) > 310 FROM shop.ledger")
        ended = store.backup()
        assert ended.code == 0, ended
        assert writer.written > 10
    assert store.rows(store.names()[0])["ledger"] > 310
    proven = store.prove()
    assert proven.code == 0, proven
