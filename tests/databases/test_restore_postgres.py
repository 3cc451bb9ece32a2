"""What a restore has to do for PostgreSQL alone: settings and rights of the database, roles, and who may end whom."""

from __future__ import annotations

import pytest

from tests.databases.clients import session
from tests.databases.conftest import MakeStore
from tests.databases.dialects import shop_rows
from tests.databases.engines import only_postgres
from tests.databases.store import SHOP, Store
from tests.databases.test_restore import others, store
from tests.postgres import APP, LIMITED, READER, SUPERUSER, LocalPostgres

__all__ = ["store"]
pytestmark = only_postgres


def test_a_session_that_this_login_may_not_end_stops_it_before_anything_is_renamed(
    store: Store, server: LocalPostgres
) -> None:
    with session(server, "shop", SUPERUSER) as theirs:
        ended = store.restore()
        assert ended.code == 5, ended
        assert "session of postgres (somebody)" in str(ended)
        assert theirs.execute("SELECT count(*) FROM orders").fetchone() == (301,)
    assert server.databases() == ["shop"] and store.leftovers() == []
    assert store.restore().code == 0


LOOKS = """
SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider::text, datconnlimit,
    (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a), shobj_description(d.oid, 'pg_database'),
    (SELECT array_agg((setrole::regrole::text, setconfig)::text ORDER BY 1) FROM pg_db_role_setting WHERE setdatabase = d.oid)
FROM pg_database d WHERE datname = '{}'"""
SETTINGS: dict[str, tuple[str, ...]] = {
    "nothing said": (),
    "settings": (
        'ALTER DATABASE shop SET search_path = orders, "b c", public',
        "ALTER DATABASE shop SET work_mem = '7MB'",
        "ALTER DATABASE shop SET DateStyle = 'SQL, DMY'",
        "ALTER DATABASE shop SET TimeZone = 'Europe/Berlin'",
        "ALTER DATABASE shop SET default_transaction_isolation = 'repeatable read'",
        "ALTER DATABASE shop SET lock_timeout = '5s'",
        "ALTER DATABASE shop SET client_min_messages = 'debug1'",
        "ALTER ROLE app IN DATABASE shop SET statement_timeout = '50s'",
        "ALTER ROLE app IN DATABASE shop SET search_path = ''",
        "COMMENT ON DATABASE shop IS 'it''s the \"shop\"'",
    ),
    "rights": (
        f"GRANT CONNECT, TEMPORARY ON DATABASE shop TO {READER}",
        f"GRANT CREATE ON DATABASE shop TO {LIMITED} WITH GRANT OPTION",
        "REVOKE CONNECT ON DATABASE shop FROM PUBLIC",
        "ALTER DATABASE shop CONNECTION LIMIT 17",
    ),
    "no rights of the owner": ("REVOKE TEMPORARY ON DATABASE shop FROM app", "REVOKE ALL ON DATABASE shop FROM PUBLIC"),
    "read only": ("ALTER DATABASE shop SET default_transaction_read_only = on",),
}


@pytest.mark.parametrize("what", SETTINGS)
def test_what_a_dump_does_not_hold_is_the_same_afterwards(
    server: LocalPostgres, make_store: MakeStore, what: str
) -> None:
    server.create("shop", *SHOP)
    for line in SETTINGS[what]:
        server.sql(line, "postgres", APP)
    before = server.sql(LOOKS.format("shop"))
    store = make_store()
    assert store.backup().code == 0
    ended = store.restore()
    assert ended.code == 0, ended
    assert server.sql(LOOKS.format("shop")) == before
    assert server.sql(LOOKS.format(others(server)[0])) == before
    assert server.counts("shop") == shop_rows(server)


def test_a_superuser_keeps_also_what_others_have_set(server: LocalPostgres, make_store: MakeStore) -> None:
    made = "CREATE DATABASE shop OWNER app TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    server.sql(made)
    for line in (*SHOP, "INSERT INTO customers VALUES (41, 'Zoë')"):
        server.sql(line, "shop", APP)
    for line in (*SETTINGS["settings"], *SETTINGS["rights"]):
        server.sql(line)
    server.sql(f"ALTER ROLE {READER} IN DATABASE shop SET log_min_duration_statement = '5s'")
    server.sql("ALTER DATABASE shop SET \"my.odd\" = 'it''s, \"odd\" = \\ 100%'")
    server.sql("ALTER DATABASE shop CONNECTION LIMIT 0")
    before = server.sql(LOOKS.format("shop"))
    store = make_store({"main": server.url("shop", SUPERUSER)})
    for ended in (store.backup(), store.prove(), store.restore()):
        assert ended.code == 0, ended
    assert server.sql(LOOKS.format("shop")) == before
    assert server.sql("SELECT name FROM customers WHERE id = 41", "shop") == [("Zoë",)]


def test_a_dump_that_does_not_fit_is_not_swapped_in(store: Store, server: LocalPostgres) -> None:
    """Its owner is gone: what cannot be restored whole is not restored at all."""
    server.sql("CREATE ROLE gone; GRANT gone TO app")
    server.sql("CREATE TABLE theirs AS SELECT 1 AS one; ALTER TABLE theirs OWNER TO app", "shop")
    server.sql("GRANT CREATE ON SCHEMA public TO gone", "shop")
    server.sql("ALTER TABLE theirs OWNER TO gone", "shop", APP)
    server.sql("GRANT SELECT ON theirs TO app", "shop")
    assert store.backup().code == 0
    server.sql("DROP OWNED BY gone", "shop")
    server.sql("DROP ROLE gone")
    ended = store.restore()
    assert ended.code == 7 and 'role "gone" does not exist' in str(ended), ended
    assert server.databases() == ["shop"]
    assert store.prove().code == 0, "where it is proven the roles need not be"
