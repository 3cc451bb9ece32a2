"""A proof is that a backup was restored and has the rows it was made with; nothing else is recorded as one."""

from __future__ import annotations

import pytest

from tests.databases import damage, slow
from tests.databases.dialects import speaks, table
from tests.databases.engines import one_engine
from tests.databases.store import Store
from tests.servers import LIMITED, LocalServer


@pytest.fixture
def backed_up(shop: Store) -> Store:
    """The shop with one backup."""
    ended = shop.backup()
    assert ended.code == 0, ended
    return shop


def proofs(store: Store) -> list[str]:
    return [backup.proven for backup in store.backups() if backup.proven]


@pytest.mark.parametrize("login", ["superuser", "app"])
def test_a_good_one_is_proven_and_leaves_nothing(backed_up: Store, server: LocalServer, login: str) -> None:
    """On a server where the roles of the dump need not be, by any login that may make databases."""
    backed_up.scratch = server.url(server.first, server.superuser) if login == "superuser" else server.url("shop")
    ended = backed_up.prove()
    assert ended.code == 0, ended
    assert "is proven" in ended.said
    assert len(proofs(backed_up)) == 1 and server.databases() == ["shop"]
    manifest = backed_up.manifest(backed_up.names()[0])
    assert manifest["proven"]["run"] == backed_up.last_run and manifest["proven"]["by"] == "ada@desk"
    assert backed_up.leftovers() == []


@pytest.mark.parametrize(
    "pattern, new, said",
    [
        ('{orders}":{"rows":300,', '{orders}":{"rows":301,', "orders"),
        ('{customers}":{"rows":40,', '{customers}":{"rows":0,', "customers"),
        ('"{customers}":{"rows":40,"bytes":[0-9]*},\\n', "", "customers"),
        ('"contents":{\\n', '"contents":{\\n"{missing}":{"rows":1,"bytes":1},\\n', "missing"),
        ('"contents":{\\n', '"contents":{\\n"{a{b}":{"rows":0,"bytes":1},\\n', "a{b"),
    ],
)
def test_rows_that_differ_are_named_and_prove_nothing(
    backed_up: Store, server: LocalServer, pattern: str, new: str, said: str
) -> None:
    (name,) = backed_up.names()
    named = table(server, said)
    for placeholder in ("orders", "customers", "missing", "a{b"):
        pattern, new = (text.replace(f"{{{placeholder}}}", table(server, placeholder)) for text in (pattern, new))
    damage.edited(pattern, new)(backed_up.vault / name)
    damage.resealed(backed_up.vault / name)
    assert backed_up.verify().code == 0, "this is found by restoring only"
    before = (backed_up.vault / name / "manifest.json").read_bytes()
    ended = backed_up.prove(name)
    assert ended.code == 7, ended
    assert named in ended.said and "differ" in ended.said
    assert server.databases() == ["shop"], "the scratch database is dropped"
    assert proofs(backed_up) == [] and (backed_up.vault / name / "manifest.json").read_bytes() == before
    assert backed_up.leftovers() == []
    if said == "orders":
        refused = backed_up.restore(name)
        assert refused.code == 7 and named in refused.said, refused
        assert server.databases() == ["shop"]


@pytest.mark.parametrize("hurt", ["no server", "wrong password", "no right"])
def test_a_scratch_server_that_cannot_be_used(backed_up: Store, server: LocalServer, hurt: str) -> None:
    backed_up.scratch = {
        "no server": server.url(server.first, server.superuser, port=1),
        "wrong password": server.url(server.first, server.superuser, "not 'this' one"),
        "no right": server.url(speaks(server).anyones, LIMITED),
    }[hurt]
    said = {
        "no server": speaks(server).refused,
        "wrong password": speaks(server).denied,
        "no right": speaks(server).forbidden,
    }
    ended = backed_up.prove()
    assert ended.code == 7, ended
    assert said[hurt] in str(ended) and "not 'this' one" not in str(ended)
    assert proofs(backed_up) == [] and backed_up.leftovers() == []
    backed_up.scratch = server.url(server.first, server.superuser)
    assert backed_up.prove().code == 0


def test_what_a_dead_run_left_is_removed_by_the_next_and_nobody_elses(backed_up: Store, server: LocalServer) -> None:
    shelf = backed_up.shelves()[0]
    mine, used = (f"{shelf.prefix(shelf.proving)}2025010{day}T000000Z" for day in (1, 2))
    others = {
        "shop__restoring_20250101T000000Z",
        "shop__proving_ffffff_20250101T000000Z",
        "shop2__proving_20250101T000000Z",
        "shop__before_20250101T000000Z",
        "shopXproving",
        "shop__prov",
    }
    for name in (mine, used, *others):
        server.create(name, owner=server.superuser)
    with server.connect(used):
        assert backed_up.prove().code == 0
        assert set(server.databases()) == {*others, "shop", used}, "one with somebody in it is in use"
    assert backed_up.prove().code == 0
    assert set(server.databases()) == {*others, "shop"}


def test_a_restore_that_is_ended_in_the_middle_proves_nothing(backed_up: Store, server: LocalServer) -> None:
    slow.fill(server)
    assert backed_up.backup().code == 0
    with slow.ended_in_the_middle(server):
        ended = backed_up.prove()
    assert ended.code == 7, ended
    assert speaks(server).ended in str(ended)
    assert proofs(backed_up) == [] and server.databases() == ["shop"] and backed_up.leftovers() == []


@one_engine
def test_the_newest_whole_one_is_meant_where_none_is_named(backed_up: Store) -> None:
    assert backed_up.backup("newer").code == 0
    assert backed_up.backup("broken").code == 0
    first, newer, broken = backed_up.names()
    damage.without_manifest(backed_up.vault / broken)
    assert backed_up.prove().code == 0
    assert {b.name: bool(b.proven) for b in backed_up.backups()} == {broken: False, first: False, newer: True}


@one_engine
def test_a_proof_needs_a_server_of_the_inventory(backed_up: Store) -> None:
    backed_up.scratch = None
    ended = backed_up.prove()
    assert ended.code == 2 and "no server to prove" in ended.said
