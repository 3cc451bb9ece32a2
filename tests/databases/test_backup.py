"""What a backup is: a manifest that is complete and exact, files nobody else can read, and one name for a whole one."""

from __future__ import annotations

import contextlib
import hashlib
import stat
import threading
import time
from pathlib import Path

import pytest

from lockstitch.databases.migrations import FRAMEWORKS
from tests.databases import odd
from tests.databases.conftest import MakeStore
from tests.databases.dialects import shop_rows, speaks, table
from tests.databases.engines import one_engine, only_postgres
from tests.databases.store import SHOP, Store
from tests.servers import LIMITED, LocalServer

FIELDS = {"lockstitch", "name", "database", "engine", "label", "app", "revision", "run", "by", "at", "server", "tool"}
FIELDS |= {"head", "size", "tables", "rows", "bytes", "sha256", "contents", "files", "seal"}


def modes(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): stat.filemode(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}


def test_the_manifest_is_complete_and_exact(server: LocalServer, make_store: MakeStore) -> None:
    assert_complete_and_exact(server, make_store(), odd.fill(server, "shop"), True)


@only_postgres
def test_the_manifest_of_a_folder_of_files_is_complete_and_exact(server: LocalServer, make_store: MakeStore) -> None:
    """pg_dump has written it with two jobs."""
    assert_complete_and_exact(server, make_store(jobs=2), odd.fill(server, "shop"), False)


def assert_complete_and_exact(server: LocalServer, store: Store, counts: dict[str, int], in_one_file: bool) -> None:
    ended = store.backup("before the sale")
    assert ended.code == 0, ended
    (name,) = store.names()
    manifest = store.manifest(name)
    assert store.rows(name) == counts
    assert manifest.keys() == FIELDS | speaks(server).more
    assert manifest["tables"] == len(counts) and manifest["rows"] == sum(counts.values())
    assert manifest["server"] == server.version and server.version.startswith(manifest["tool"])
    assert manifest["size"] == pytest.approx(float(server.sql(speaks(server).size, "shop")[0][0]), rel=0.05)
    said = {key: manifest[key] for key in ("name", "database", "engine", "label", "by", "run", "head")}
    assert said == {
        "name": f"main-{store.last_run}-before-the-sale",
        "database": "main",
        "engine": server.kind,
        "label": "before the sale",
        "by": "ada@desk",
        "run": store.last_run,
        "head": "",
    }
    folder = store.vault / name
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert [file["name"] for file in manifest["files"]] == [file for file in files if file != "manifest.json"]
    assert (speaks(server).file in files) == in_one_file
    for file in manifest["files"]:
        data = (folder / file["name"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert manifest["bytes"] == sum(file["bytes"] for file in manifest["files"])
    assert set(modes(folder).values()) == {"drwx------", "-rw-------"}
    assert store.leftovers() == []
    (listed,) = store.backups()
    told = (listed.name, listed.at, listed.rows, listed.tables, listed.problem, listed.proven)
    assert told == (name, manifest["at"], manifest["rows"], manifest["tables"], "", "")
    proven = store.prove(name)
    assert proven.code == 0, proven
    assert store.backups()[0].proven and server.databases() == ["shop"]
    assert store.verify(name).code == 0
    assert [entry["event"] for entry in store.journal() if "name" in entry] == ["backup", "proof"]


def test_what_was_dumped_comes_back_whole(server: LocalServer, make_store: MakeStore) -> None:
    """More than rows: what is numbered and computed, what acts by itself, and who may see what."""
    counts = odd.fill(server, "shop")
    store = make_store()
    assert store.backup().code == 0
    server.allow("look")
    ended = store.restore(into="look")
    assert ended.code == 0, ended
    restored = server.counts("look")
    assert {name: restored[name] for name in counts} == counts
    for query in odd.same(server):
        assert server.sql(query, "look") == server.sql(query, "shop"), query


def test_an_empty_database_has_a_backup_too(server: LocalServer, make_store: MakeStore) -> None:
    server.create("shop")
    store = make_store()
    assert store.backup().code == 0
    (name,) = store.names()
    assert (store.manifest(name)["tables"], store.manifest(name)["rows"]) == (0, 0)
    assert [store.verify().code, store.prove().code, store.restore().code] == [0, 0, 0]


@pytest.mark.parametrize("number", range(4))
def test_a_database_of_any_name(server: LocalServer, make_store: MakeStore, number: int) -> None:
    database = speaks(server).names[number]
    server.create(database, *SHOP)
    store = make_store({"main": server.url(database)})
    for ended in (store.backup(), store.verify(), store.prove(), store.restore()):
        assert ended.code == 0, ended
    (kept,) = [name for name in server.databases() if name != database]
    assert "__before_" in kept
    assert server.counts(database) == server.counts(kept) == shop_rows(server)


class Writer:
    """Writes to two tables in each transaction until it is told to stop, or has written so much."""

    def __init__(self, server: LocalServer, database: str, most: int = 20_000) -> None:
        self.written = 0
        self._server, self._database, self._most = server, database, most
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _write(self) -> None:
        with self._server.connect(self._database, "app") as connection:
            while not self._stop.is_set() and self.written < self._most:
                # A transaction may be the one that has to give up, as under any lock: it wrote nothing.
                with contextlib.suppress(*self._server.lost), connection.transaction():
                    connection.execute("INSERT INTO orders (what) VALUES ('one')")
                    connection.execute("INSERT INTO ledger (what) VALUES ('one')")
                    self.written += 1


def test_every_table_is_counted_at_the_moment_that_is_dumped(server: LocalServer, make_store: MakeStore) -> None:
    """While somebody writes: both tables always have the same rows, in the manifest and in what is restored."""
    server.create("shop", *SHOP, "CREATE TABLE ledger AS SELECT what FROM orders")
    store = make_store(jobs=max(speaks(server).jobs))
    with Writer(server, "shop") as writer:
        for _ in range(2):
            until, before = time.monotonic() + 10, writer.written
            while writer.written == before:
                assert time.monotonic() < until
            ended = store.backup()
            assert ended.code == 0, ended
            assert writer.written > before
    seen = [store.rows(name) for name in store.names()]
    assert len({rows[table(server, "orders")] for rows in seen}) == 2, "nothing was written between the backups"
    for rows in seen:
        assert rows[table(server, "orders")] == rows[table(server, "ledger")] > 300
    for name in store.names():
        proven = store.prove(name)
        assert proven.code == 0, proven


def test_databases_share_a_folder_and_never_a_backup(server: LocalServer, make_store: MakeStore) -> None:
    """Also where the name of one begins with that of another: neither is listed, cleaned up, or pruned with the other."""
    server.create("shop", *SHOP)
    server.create("europe", "CREATE TABLE only_here AS SELECT 1 AS one")
    store = make_store(
        {"main": server.url("shop"), "main-eu": server.url("europe")}, keep={"last": 1, "daily": 0, "weekly": 0}
    )
    assert [store.backup().code for _ in range(2)] == [0, 0]
    first, second = ([b.name for b in store.backups(name)] for name in ("main", "main-eu"))
    assert len(first) == len(second) == 2 and not set(first) & set(second), (first, second)
    assert all(name.startswith("main-eu-") for name in second)
    stray = store.vault / f".{second[0]}.part"
    stray.mkdir()
    assert store.backup(only=["main"]).code == 0
    assert stray.exists(), "what another database's run has not finished is its own"
    stray.rmdir()
    assert store.prune().code == 0
    assert len(store.backups("main")) == len(store.backups("main-eu")) == 1
    assert store.prove(store.backups("main-eu")[0].name).code == 0


def test_only_the_named_database_is_backed_up(server: LocalServer, make_store: MakeStore) -> None:
    server.create("shop")
    server.create("europe")
    store = make_store({"main": server.url("shop"), "eu": server.url("europe")})
    assert store.backup(only=["eu"]).code == 0
    assert (store.backups("main"), len(store.backups("eu"))) == ((), 1)


@one_engine
@pytest.mark.parametrize("label", ["../../etc/passwd", "a\n\"b\" 'c' $(id) `id` %s \\n", "x" * 200])
def test_any_label_is_kept_and_makes_a_plain_name(shop: Store, label: str) -> None:
    ended = shop.backup(label)
    assert ended.code == 0, ended
    (name,) = shop.names()
    assert shop.manifest(name)["label"] == label
    assert name.startswith(f"main-{shop.last_run}") and name.replace("-", "").replace(".", "").isalnum()
    assert [(b.label, b.good) for b in shop.backups()] == [(label, True)]
    assert [shop.verify().code, shop.prove().code] == [0, 0]


HEADS: dict[str, tuple[str, ...]] = {
    "0002_tags": (
        "CREATE TABLE alembic_version (version_num text)",
        "INSERT INTO alembic_version VALUES ('0002_tags')",
    ),
    "2026_01_02_make_jobs": (
        "CREATE TABLE migrations (id serial, migration text, batch int)",
        "INSERT INTO migrations (migration) VALUES ('2026_01_01_make_users'), ('2026_01_02_make_jobs')",
    ),
    "shop.0003_more": (
        "CREATE TABLE django_migrations (id serial, app text, name text)",
        "INSERT INTO django_migrations (app, name) VALUES ('auth', '0001'), ('shop', '0003_more')",
    ),
    "20260101_init": (
        "CREATE TABLE _prisma_migrations (migration_name text, finished_at timestamp NULL, rolled_back_at timestamp NULL)",
        "INSERT INTO _prisma_migrations VALUES ('20260101_init', now(), NULL), ('20260102_failed', NULL, NULL)",
    ),
    # Somebody's own table of that name, and one that this login may not read.
    "": ("CREATE TABLE migrations (version int)", "CREATE TABLE django_migrations (id int)"),
}


APPLIED: dict[str, dict[str, tuple[str, ...] | None]] = {
    "0002_tags": {"alembic_version": None},
    "2026_01_02_make_jobs": {"migrations": ("2026_01_01_make_users", "2026_01_02_make_jobs")},
    "shop.0003_more": {"django_migrations": ("auth.0001", "shop.0003_more")},
    "20260101_init": {"_prisma_migrations": ("20260101_init",)},
    "": {"migrations": None, "django_migrations": None},
}


@pytest.mark.parametrize("head", sorted(HEADS))
def test_the_newest_migration_is_told(server: LocalServer, make_store: MakeStore, head: str) -> None:
    server.create("shop", *HEADS[head])
    store = make_store()
    facts = store.look()["main"].server
    assert facts.head == head
    absent = {each.table: () for each in FRAMEWORKS if each.table not in APPLIED[head]}
    known = {table: names and tuple(sorted(names)) for table, names in facts.applied.items()}
    if head:
        assert known == {**absent, **APPLIED[head]}
    else:
        assert known == absent, "of a table that cannot be read nothing is known"
    ended = store.backup()
    assert ended.code == 0, ended
    assert [backup.head for backup in store.backups()] == [head]


def test_a_table_in_another_schema_is_not_absent(server: LocalServer, make_store: MakeStore) -> None:
    if "postgres" not in type(server).__name__.lower():
        pytest.skip("its schemas are databases")
    server.create("shop", "CREATE SCHEMA own", "CREATE TABLE own._prisma_migrations (migration_name text)")
    applied = make_store().look()["main"].server.applied
    assert "_prisma_migrations" not in applied and applied["migrations"] == ()


def test_a_foreign_table_of_a_known_name_hides_no_other(server: LocalServer, make_store: MakeStore) -> None:
    server.create("shop", *HEADS[""], *HEADS["0002_tags"], *HEADS["20260101_init"])
    store = make_store()
    assert store.backup().code == 0
    assert store.backups()[0].head == store.look()["main"].server.head == "0002_tags"


def test_a_login_that_may_only_read_makes_backups_and_restores_nothing(
    server: LocalServer, make_store: MakeStore
) -> None:
    server.create("shop", *SHOP)
    for line in speaks(server).lets_read:
        server.sql(line, "shop")
    store = make_store({"main": server.url("shop", LIMITED)})
    assert [store.backup().code, store.prove().code] == [0, 0]
    refused = store.restore()
    assert refused.code == 7
    assert all(words in refused.said for words in speaks(server).may_not_restore), refused
    assert server.databases() == ["shop"]


@one_engine
def test_a_vault_with_very_many_backups_is_listed_and_used(shop: Store) -> None:
    """More than a host's answer may hold: whatever is cut off, it is the oldest, and never what a plan is made from."""
    assert shop.backup().code == 0
    (name,) = shop.names()
    line = (shop.vault / name / "manifest.json").read_text()
    for number in range(800):
        other = f"main-20250101T{number // 3600:02}{number // 60 % 60:02}{number % 60:02}Z-{number:04x}"
        (shop.vault / other).mkdir()
        (shop.vault / other / "manifest.json").write_text(line.replace(name, other))
    found = shop.look()["main"]
    assert found.free and found.written, "what a plan is made from was cut off"
    assert found.newest and found.newest.name == name
    assert all(backup.good for backup in found.backups)
    ended = shop.backup()
    assert ended.code == 0, ended
