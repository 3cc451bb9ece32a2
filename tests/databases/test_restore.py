"""A restore: beside what serves, compared, and only then in its place; what was there before is kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from lockstitch.model.host import Host
from lockstitch.model.plan import Script
from tests.databases import clients, slow
from tests.databases.clients import Clients, session
from tests.databases.conftest import MakeStore
from tests.databases.dialects import shop_rows, speaks, table
from tests.databases.store import SHOP, Store
from tests.servers import APP, LocalServer


@pytest.fixture
def store(shop: Store) -> Store:
    """The shop, backed up with 300 orders, with one more in it now."""
    ended = shop.backup()
    assert ended.code == 0, ended
    shop.server.sql("INSERT INTO orders (what) VALUES ('after')", "shop", APP)
    return shop


def others(server: LocalServer, what: str = "") -> list[str]:
    return [name for name in server.databases() if name != "shop" and f"__{what}" in name]


def test_the_restored_one_serves_and_the_old_one_is_kept(store: Store, server: LocalServer) -> None:
    ended = store.restore()
    assert ended.code == 0, ended
    (kept,) = others(server)
    assert kept == f"shop__before_{store.last_run.partition('-')[0]}" and kept in ended.said
    assert (server.counts("shop"), server.counts(kept)) == (shop_rows(server), shop_rows(server, 301))
    assert store.leftovers() == []
    (record,) = [entry for entry in store.journal() if entry["event"] == "restore"]
    assert (record["kept"], record["into"], record["name"]) == (kept, "shop", store.names()[0])
    server.sql("INSERT INTO orders (what) VALUES ('one more'), ('and one')", "shop", APP)
    assert store.restore().code == 0
    assert sorted(server.counts(name)[table(server, "orders")] for name in others(server, "before")) == [301, 302]
    assert server.counts("shop") == shop_rows(server)


def test_under_clients_that_write_nothing_is_lost(server: LocalServer, make_store: MakeStore) -> None:
    server.create("shop", *SHOP, clients.TABLE)
    store = make_store(jobs=max(speaks(server).jobs))
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
    assert (writing.lost > 0) == speaks(server).ends_idle
    (kept,) = others(server)
    old, new = clients.rows(server, kept), clients.rows(server, "shop")
    assert before_dump <= new, "what was committed before the dump is in it"
    assert before_swap <= old, "what was written since is in the one that is kept"
    assert writing.acknowledged <= old | new, "every row that somebody was told is committed is in one of the two"
    dumped = old & new
    assert before_dump <= dumped and len(dumped) == store.rows(store.names()[0])[table(server, "written")]
    for number, told in enumerate(writing.told):
        mine = {n for client, n in dumped if client == number}
        assert mine == set(range(1, len(mine) + 1)), "a dump is of one moment"
        assert max(told) in new, "each writes to the restored one now"
    assert after_dump - dumped <= old


def test_work_that_ends_in_time_is_not_cut_off(store: Store, server: LocalServer) -> None:
    store.settings["drain"] = "20s"
    with session(server, "shop") as idle, session(server, "shop") as busy, ThreadPoolExecutor() as pool:
        working = pool.submit(busy.execute, speaks(server).busy)
        server.until(speaks(server).sleeping)
        ended = store.restore()
        assert ended.code == 0, ended
        assert working.result(20).fetchone() == (301,)
        assert "had not ended" not in str(ended)
        for connection in (idle, busy):
            if speaks(server).ends_idle:
                with pytest.raises(server.lost):
                    connection.execute("SELECT 1")
            else:
                assert connection.execute("SELECT count(*) FROM orders").fetchone() == (300,)


def test_work_that_goes_on_is_cut_off_and_counted(store: Store, server: LocalServer) -> None:
    store.settings["drain"] = "0s"
    open_transaction = ("BEGIN", "INSERT INTO orders (what) VALUES ('not committed')")
    with session(server, "shop", APP, *open_transaction), session(server, "shop") as busy, ThreadPoolExecutor() as pool:
        working = pool.submit(busy.execute, speaks(server).sleep.format(60))
        server.until(speaks(server).sleeping)
        ended = store.restore()
        assert ended.code == 0, ended
        with pytest.raises(server.lost, match=speaks(server).ended):
            working.result(20)
    assert "connections had not ended after 0 s" in str(ended)
    assert server.counts("shop") == shop_rows(server) and server.counts(others(server)[0]) == shop_rows(server, 301)


def test_a_name_that_is_taken_is_left_alone(store: Store, server: LocalServer) -> None:
    """Whatever is called like the one that would be kept: nothing is renamed, and it is as it was."""
    shelves: list[str] = []

    def take(host: Host, script: Script) -> None:
        if any(step.name == "create" for step in script.steps) and not shelves:
            shelves.append(f"shop__before_{store.last_run.partition('-')[0]}")
            server.create(shelves[0], "CREATE TABLE precious AS SELECT 1 AS one")

    store.remote.faults = [take]
    ended = store.restore()
    assert ended.code == 5 and speaks(server).taken in str(ended), ended
    assert server.databases() == ["shop", *shelves]
    assert server.counts("shop") == shop_rows(server, 301) and server.counts(shelves[0]) == {
        table(server, "precious"): 1
    }


def test_into_another_name_swaps_nothing(store: Store, server: LocalServer) -> None:
    name = 'it\'s "odd" %d'
    server.allow(name)
    with session(server, "shop") as mine:
        ended = store.restore(into=name)
        assert ended.code == 0, ended
        assert mine.execute("SELECT count(*) FROM orders").fetchone() == (301,)
    assert server.databases() == sorted([name, "shop"])
    assert server.counts(name) == shop_rows(server) and server.counts("shop") == shop_rows(server, 301)


@pytest.mark.parametrize("login", ["app", "superuser"])
def test_into_one_that_is_there_is_refused_and_it_is_untouched(store: Store, server: LocalServer, login: str) -> None:
    """Nobody's database is dropped or renamed, whatever it is called and whoever is asked."""
    store.urls["main"] = server.url("shop", APP if login == "app" else server.superuser)
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
        assert server.counts(name) == {table(server, "precious"): 1}
    server.allow("new")
    assert store.restore(into="new").code == 0
    assert server.databases() == sorted(["new", "shop", *names])


def test_a_name_that_is_taken_meanwhile_is_left_alone(store: Store, server: LocalServer) -> None:
    def take(host: Host, script: Script) -> None:
        if any(step.name == "name" for step in script.steps):
            server.create("look", "CREATE TABLE precious AS SELECT 1 AS one")

    store.remote.faults = [take]
    server.allow("look")
    ended = store.restore(into="look")
    assert ended.code == 7 and speaks(server).taken in str(ended), ended
    assert server.databases() == ["look", "shop"]
    assert server.counts("look") == {table(server, "precious"): 1}


@pytest.mark.parametrize("into", ["", "look"])
def test_one_that_fails_in_the_middle_leaves_nothing(store: Store, server: LocalServer, into: str) -> None:
    slow.fill(server)
    server.allow("look")
    assert store.backup().code == 0
    before = server.counts("shop")
    with slow.ended_in_the_middle(server), session(server, "shop") as mine:
        ended = store.restore(into=into)
        assert ended.code == 7, ended
        assert mine.execute("SELECT count(*) FROM orders").fetchone() == (301,)
    assert server.databases() == ["shop"] and server.counts("shop") == before
    assert store.leftovers() == []
