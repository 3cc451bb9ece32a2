"""A restore: beside what serves, compared, and only then in its place; what was there before is kept."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from lockstitch.errors import HostLostError
from lockstitch.host import Host
from lockstitch.plan import Script
from tests.databases import clients
from tests.databases.clients import Clients, session
from tests.databases.conftest import SHOP, MakeStore
from tests.databases.store import Ended, Store
from tests.databases.test_prove import RESTORING, SLOW
from tests.postgres import APP, LIMITED, READER, SUPERUSER, LocalPostgres

OLD, NEW = {"public.customers": 40, "public.orders": 301}, {"public.customers": 40, "public.orders": 300}


@pytest.fixture
def store(shop: Store) -> Store:
    """The shop, backed up with 300 orders, with one more in it now."""
    ended = shop.backup()
    assert ended.code == 0, ended
    shop.server.sql("INSERT INTO orders (what) VALUES ('after')", "shop", APP)
    return shop


def others(server: LocalPostgres, what: str = "") -> list[str]:
    return [name for name in server.databases() if name != "shop" and f"__{what}" in name]


def test_the_restored_one_serves_and_the_old_one_is_kept(store: Store, server: LocalPostgres) -> None:
    ended = store.restore()
    assert ended.code == 0, ended
    (kept,) = others(server)
    assert kept == f"shop__before_{store.last_run.partition('-')[0]}" and kept in ended.said
    assert (server.counts("shop"), server.counts(kept)) == (NEW, OLD)
    assert store.leftovers() == []
    (record,) = [entry for entry in store.journal() if entry["event"] == "restore"]
    assert (record["kept"], record["into"], record["name"]) == (kept, "shop", store.names()[0])
    server.sql("INSERT INTO orders (what) VALUES ('one more'), ('and one')", "shop", APP)
    assert store.restore().code == 0
    assert sorted(server.counts(name)["public.orders"] for name in others(server, "before")) == [301, 302]
    assert server.counts("shop") == NEW


@pytest.mark.parametrize("jobs", [1, 2])
def test_under_clients_that_write_nothing_is_lost(server: LocalPostgres, make_store: MakeStore, jobs: int) -> None:
    server.create("shop", *SHOP, clients.TABLE)
    store = make_store(jobs=jobs)
    with Clients(server, "shop") as writing:
        writing.until_each_wrote()
        before_dump = writing.acknowledged
        backed = store.backup()
        assert backed.code == 0, backed
        after_dump = writing.acknowledged
        writing.until_each_wrote()
        before_swap = writing.acknowledged
        ended = store.restore()
        assert ended.code == 0, ended
        writing.until_each_wrote()
    assert writing.lost >= 1, "nobody was connected"
    (kept,) = others(server)
    old, new = clients.rows(server, kept), clients.rows(server, "shop")
    assert before_dump <= new, "what was committed before the dump is in it"
    assert before_swap <= old, "what was written since is in the one that is kept"
    assert writing.acknowledged <= old | new, "every row that somebody was told is committed is in one of the two"
    dumped = old & new
    assert before_dump <= dumped and len(dumped) == store.rows(store.names()[0])["public.written"]
    for number, told in enumerate(writing.told):
        mine = {n for client, n in dumped if client == number}
        assert mine == set(range(1, len(mine) + 1)), "a dump is of one moment"
        assert max(told) in new, "each writes to the restored one now"
    assert after_dump - dumped <= old


def test_work_that_ends_in_time_is_not_cut_off(store: Store, server: LocalPostgres) -> None:
    store.settings["drain"] = "20s"
    with session(server, "shop") as idle, session(server, "shop") as busy, ThreadPoolExecutor() as pool:
        working = pool.submit(busy.execute, "SELECT count(*) FROM orders, pg_sleep(1)")
        server.until("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        ended = store.restore()
        assert ended.code == 0, ended
        assert working.result(20).fetchone() == (301,)
        assert "had not ended" not in str(ended)
        for connection in (idle, busy):
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")


def test_work_that_goes_on_is_cut_off_and_counted(store: Store, server: LocalPostgres) -> None:
    store.settings["drain"] = "0s"
    open_transaction = ("BEGIN", "INSERT INTO orders (what) VALUES ('not committed')")
    with session(server, "shop", APP, *open_transaction), session(server, "shop") as busy, ThreadPoolExecutor() as pool:
        working = pool.submit(busy.execute, "SELECT pg_sleep(60)")
        server.until("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        ended = store.restore()
        assert ended.code == 0, ended
        with pytest.raises(psycopg.OperationalError, match="terminating connection"):
            working.result(20)
    assert "connections had not ended after 0 s" in str(ended)
    assert (server.counts("shop"), server.counts(others(server)[0])) == (NEW, OLD)


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


def test_a_name_that_is_taken_is_left_alone(store: Store, server: LocalPostgres) -> None:
    """Whatever is called like the one that would be kept: nothing is renamed, and it is as it was."""
    shelves: list[str] = []

    def take(host: Host, script: Script) -> None:
        if any(step.name == "create" for step in script.steps) and not shelves:
            shelves.append(f"shop__before_{store.last_run.partition('-')[0]}")
            server.create(shelves[0], "CREATE TABLE precious AS SELECT 1 AS one")

    store.remote.faults = [take]
    ended = store.restore()
    assert ended.code == 5 and "already exists" in str(ended), ended
    assert server.databases() == ["shop", *shelves]
    assert (server.counts("shop"), server.counts(shelves[0])) == (OLD, {"public.precious": 1})


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
    assert server.counts("shop") == NEW


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


def test_into_another_name_swaps_nothing(store: Store, server: LocalPostgres) -> None:
    name = 'it\'s "odd" %d'
    with session(server, "shop") as mine:
        ended = store.restore(into=name)
        assert ended.code == 0, ended
        assert mine.execute("SELECT count(*) FROM orders").fetchone() == (301,)
    assert server.databases() == sorted([name, "shop"])
    assert (server.counts(name), server.counts("shop")) == (NEW, OLD)


@pytest.mark.parametrize("user", [APP, SUPERUSER])
def test_into_one_that_is_there_is_refused_and_it_is_untouched(store: Store, server: LocalPostgres, user: str) -> None:
    """Nobody's database is dropped or renamed, whatever it is called and whoever is asked."""
    store.urls["main"] = server.url("shop", user)
    names = ["other", "shop__before_20250101T000000Z", "lonely"]
    for name in names:
        server.create(name, "CREATE TABLE precious AS SELECT 1 AS one")
    for name in names:
        ended = store.restore(into=name)
        assert ended.code == 7, ended
        assert f"there is a database {name} already" in str(ended)
    assert store.restore(into="shop").code == 2
    assert server.databases() == sorted(["shop", *names])
    for name in names:
        assert server.counts(name) == {"public.precious": 1}
    assert store.restore(into="new").code == 0
    assert server.databases() == sorted(["new", "shop", *names])


def test_a_name_that_is_taken_meanwhile_is_left_alone(store: Store, server: LocalPostgres) -> None:
    def take(host: Host, script: Script) -> None:
        if any(step.name == "name" for step in script.steps):
            server.create("look", "CREATE TABLE precious AS SELECT 1 AS one")

    store.remote.faults = [take]
    ended = store.restore(into="look")
    assert ended.code == 7 and "already exists" in str(ended), ended
    assert server.databases() == ["look", "shop"]
    assert server.counts("look") == {"public.precious": 1}


@pytest.mark.parametrize("into", ["", "look"])
def test_one_that_fails_in_the_middle_leaves_nothing(store: Store, server: LocalPostgres, into: str) -> None:
    for line in SLOW:
        server.sql(line, "shop", APP)
    assert store.backup().code == 0
    before = server.counts("shop")

    def end() -> None:
        server.until(RESTORING)
        server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")

    with ThreadPoolExecutor() as pool, session(server, "shop") as mine:
        ending = pool.submit(end)
        ended = store.restore(into=into)
        ending.result(30)
        assert ended.code == 7, ended
        assert mine.execute("SELECT count(*) FROM orders").fetchone() == (301,)
    assert server.databases() == ["shop"] and server.counts("shop") == before
    assert store.leftovers() == []


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


# What is lost on the way.

Case = tuple[int, bool]


def scripts(store: Store) -> list[tuple[str, ...]]:
    """The scripts of the last run, by the names of their steps."""
    return [steps for _, steps in store.remote.scripts]


class Lost:
    """The connection is lost for good at one script: before it is carried out, or when its answer is on the way."""

    def __init__(self, at: int, after: bool) -> None:
        self._at, self._after, self._asked = at, after, 0

    def fault(self, host: Host, script: Script) -> None:
        self._asked += 1
        if not self._after and self._asked == self._at:
            raise HostLostError(host.name, "the connection dropped")

    def loss(self, host: Host, script: Script) -> HostLostError | None:
        return HostLostError(host.name, "the connection dropped") if self._after and self._asked == self._at else None


def lost_at(store: Store, at: int, *, after: bool, do: Callable[[], Ended]) -> Ended:
    lost = Lost(at, after)
    store.remote.faults, store.remote.losses = [lost.fault], [lost.loss]
    try:
        return do()
    finally:
        store.remote.faults, store.remote.losses = [], []


def test_a_connection_that_is_lost_at_any_script_leaves_the_old_one_or_the_restored_one(
    store: Store, server: LocalPostgres
) -> None:
    store.remote.scripts.clear()
    assert store.restore(into="rehearsal").code == 0
    store.remote.scripts.clear()
    assert store.restore().code == 0
    count = len(store.remote.scripts)
    assert count >= 4
    for at in range(1, count + 1):
        for after in (False, True):
            case = (at, after, scripts(store)[at - 1])
            server.reset()
            server.create("shop", *SHOP, "INSERT INTO orders (what) VALUES ('after')")
            ended = lost_at(store, at, after=after, do=store.restore)
            databases = server.databases()
            assert "shop" in databases, case
            found = server.counts("shop")
            assert found in (OLD, NEW), (case, found)
            if found == NEW:
                assert [server.counts(name) for name in others(server, "before")] == [OLD], (case, databases)
            assert ended.code in (3, 5, 6, 7) or (ended.code == 0 and found == NEW), (case, ended)
            assert ended.code in (0, 6) or found == OLD, (case, ended)
            (store.state() / "lock.json").unlink(missing_ok=True)
            again = store.restore()
            assert again.code == 0, (case, again)
            assert server.counts("shop") == NEW
            assert others(server, "restoring") == [], case
