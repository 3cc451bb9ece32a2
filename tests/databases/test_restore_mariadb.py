"""What a restore has to do for MariaDB alone: tables change databases, and what belongs to them has to come along."""

from __future__ import annotations

import pymysql
import pytest

from tests.databases import clients, odd
from tests.databases.clients import Clients
from tests.databases.conftest import MakeStore
from tests.databases.engines import only_mariadb
from tests.databases.store import SHOP, Store
from tests.databases.test_restore import others, store
from tests.mariadb import SUPERUSER, LocalMariaDB
from tests.servers import APP

__all__ = ["store"]
pytestmark = only_mariadb
LOOKS = """SELECT default_character_set_name, default_collation_name, schema_comment
FROM information_schema.schemata WHERE schema_name = '{}'"""
EVENTS = "SELECT event_schema, status FROM information_schema.events ORDER BY 1"


def test_everything_of_the_database_changes_places(server: LocalMariaDB, make_store: MakeStore) -> None:
    """Triggers, routines, views of views, foreign keys in a ring, sequences: in both databases, each with its own."""
    counts = odd.fill(server, "shop")
    store = make_store()
    assert store.backup().code == 0
    before = {query: server.sql(query, "shop") for query in odd.same(server)}
    ended = store.restore()
    assert ended.code == 0, ended
    (kept,) = others(server)
    for database in ("shop", kept):
        assert server.counts(database) == counts
        assert {query: server.sql(query, database) for query in odd.same(server)} == before


def test_each_has_its_own_triggers_views_and_keys(server: LocalMariaDB, make_store: MakeStore) -> None:
    odd.fill(server, "shop")
    store = make_store()
    assert store.backup().code == 0
    server.sql("INSERT INTO hen VALUES (2, 7)", "shop", APP)
    assert store.restore().code == 0
    (kept,) = others(server)
    assert server.sql("SELECT id FROM a_seen ORDER BY id", "shop") == [(1,)]
    assert server.sql("SELECT id FROM a_seen ORDER BY id", kept) == [(1,), (2,)]
    for database, hen in (("shop", 2), (kept, 3)):
        server.sql("DELETE FROM log", database, APP)
        server.sql(f"INSERT INTO hen VALUES ({hen}, 7)", database, APP)
        assert server.sql("SELECT what FROM log", database) == [(f"it's {hen}",)]
        server.sql("CALL do_it()", database, APP)
        assert server.sql("SELECT count(*) FROM log", database) == [(2,)]
        with pytest.raises(pymysql.IntegrityError):
            server.sql("INSERT INTO hen VALUES (9, 999)", database, APP)


def test_no_write_misses_its_trigger(server: LocalMariaDB, make_store: MakeStore) -> None:
    """A table that has one is not there until it has it again: who writes meanwhile is told so, and tries again."""
    noted = "CREATE TRIGGER noting AFTER INSERT ON written FOR EACH ROW INSERT INTO noted VALUES (NEW.client, NEW.n)"
    server.create("shop", *SHOP, clients.TABLE, clients.TABLE.replace("written", "noted"), noted)
    store = make_store()
    with Clients(server, "shop", also=(pymysql.ProgrammingError,)) as writing:
        writing.until_each_wrote()
        assert store.backup().code == 0
        writing.until_each_wrote()
        ended = store.restore()
        assert ended.code == 0, ended
        writing.until_each_wrote()
    (kept,) = others(server)
    for database in ("shop", kept):
        assert set(server.sql("SELECT client, n FROM noted", database)) == clients.rows(server, database)
    assert writing.acknowledged <= clients.rows(server, kept) | clients.rows(server, "shop")


def test_an_event_runs_in_the_database_that_serves_and_in_no_copy(server: LocalMariaDB, make_store: MakeStore) -> None:
    server.create("shop", *SHOP, "CREATE EVENT often ON SCHEDULE EVERY 1 DAY DO INSERT INTO customers VALUES (99, 'x')")
    store = make_store()
    assert store.backup().code == 0
    server.allow("look")
    assert store.restore(into="look").code == 0
    assert server.sql(EVENTS) == [("look", "DISABLED"), ("shop", "ENABLED")]
    assert store.restore().code == 0
    assert dict(server.sql(EVENTS))["shop"] == "ENABLED"
    assert {status for name, status in server.sql(EVENTS) if name != "shop"} == {"DISABLED"}


def test_the_encoding_of_the_database_is_the_same_afterwards(server: LocalMariaDB, make_store: MakeStore) -> None:
    server.create("shop", *SHOP)
    server.sql("ALTER DATABASE shop CHARACTER SET latin1 COLLATE latin1_german2_ci COMMENT 'it''s the \"shop\"'")
    server.sql("CREATE TABLE german (name varchar(50))", "shop", APP)
    server.sql("INSERT INTO german VALUES ('Zoë')", "shop", APP)
    before = server.sql(LOOKS.format("shop"))
    store = make_store()
    for ended in (store.backup(), store.prove(), store.restore()):
        assert ended.code == 0, ended
    assert server.sql(LOOKS.format("shop")) == before
    assert server.sql("SELECT name FROM german", "shop") == [("Zoë",)]


def test_a_login_that_lacks_a_right_is_told_the_grant_before_anything_begins(
    store: Store, server: LocalMariaDB
) -> None:
    server.sql(f"REVOKE ALL PRIVILEGES ON `shop\\_\\_%`.* FROM {APP}")
    ended = store.restore()
    assert ended.code == 7 and "nothing was begun" in ended.said, ended
    (line,) = [line for line in ended.said.splitlines() if "GRANT " in line]
    assert server.databases() == ["shop"] and store.backup().code == 0
    server.sql(line[line.index("GRANT ") :].rstrip("; ") + ";")
    again = store.restore()
    assert again.code == 0, again


def test_a_definer_that_is_gone_stops_it_or_is_told(server: LocalMariaDB, make_store: MakeStore) -> None:
    """What belongs to somebody else cannot be made by this login: the database that serves stays."""
    server.create("shop", *SHOP)
    server.sql("CREATE VIEW theirs AS SELECT * FROM orders", "shop", SUPERUSER)
    store = make_store()
    assert store.backup().code == 0
    ended = store.restore()
    if ended.code == 0:
        definer = "SELECT definer FROM information_schema.views WHERE table_schema = 'shop'"
        assert server.sql(definer) == [(f"{SUPERUSER}@127.0.0.1",)]
    else:
        assert ended.code == 7 and "root" in str(ended), ended
        assert server.databases() == ["shop"]
    assert store.prove().code == 0, "where it is proven the definer need not be"
