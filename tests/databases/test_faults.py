"""Whatever happens while a database is dumped: no file that looks like a backup, and the next backup is made."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from lockstitch.host import Host
from lockstitch.plan import Script
from tests.databases.clients import session
from tests.databases.conftest import SHOP
from tests.databases.hooks import Hook
from tests.databases.store import Ended, Store
from tests.postgres import APP, AWKWARD, SUPERUSER, LocalPostgres
from tests.shells import SHELLS

OURS = "application_name = 'lockstitch' OR application_name LIKE 'pg\\_%'"


@contextmanager
def held(store: Store, when: Literal["before", "after"] = "before") -> Iterator[tuple[Hook, Future[Ended]]]:
    """A backup under way, whose pg_dump has not begun or has just ended; in the end it goes on."""
    hook = Hook(store.root / "hook", store.server.bin, when)
    path = store.remote.env["PATH"]
    store.remote.env["PATH"] = f"{hook.folder}:{path}"
    with ThreadPoolExecutor() as pool:
        backup = pool.submit(store.backup)
        try:
            hook.reached()
            yield hook, backup
        finally:
            hook.go()
            store.remote.env["PATH"] = path


def assert_nothing_was_made(store: Store, ended: Ended, *said: str) -> None:
    assert ended.code == 7, ended
    for words in said:
        assert words in str(ended), ended
    assert AWKWARD not in str(ended)
    assert store.names() == [] and store.backups() == ()
    assert store.leftovers() == []
    store.server.until(f"SELECT count(*) = 0 FROM pg_stat_activity WHERE {OURS}")
    again = store.backup()
    assert again.code == 0, again
    assert len(store.backups()) == 1 and store.verify().code == 0


def test_the_server_crashes(shop: Store, server: LocalPostgres) -> None:
    with held(shop) as (hook, backup):
        server.stop("immediate")
        hook.go()
        ended = backup.result(60)
    server.start()
    assert_nothing_was_made(shop, ended, "Connection refused")


@pytest.mark.parametrize("when", ["before", "after"])
def test_pg_dump_is_killed(shop: Store, when: Literal["before", "after"]) -> None:
    with held(shop, when) as (hook, backup):
        hook.kill()
        ended = backup.result(60)
    assert_nothing_was_made(shop, ended, "`backup` ended")


def test_the_session_that_counts_is_ended(shop: Store, server: LocalPostgres) -> None:
    with held(shop) as (hook, backup):
        server.sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'lockstitch'")
        hook.go()
        ended = backup.result(60)
    assert_nothing_was_made(shop, ended, "snapshot")


def test_a_table_that_appears_is_in_neither_the_dump_nor_the_manifest(shop: Store, server: LocalPostgres) -> None:
    with held(shop) as (hook, backup):
        server.sql("CREATE TABLE new AS SELECT 1 AS one; INSERT INTO orders (what) VALUES ('late')", "shop", APP)
        hook.go()
        ended = backup.result(60)
    assert ended.code == 0, ended
    assert shop.rows(shop.names()[0]) == {"public.customers": 40, "public.orders": 300}
    assert shop.prove().code == 0


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_snapshot_stays_until_pg_dump_has_it(shop: Store, server: LocalPostgres, shell: tuple[str, ...]) -> None:
    """However long pg_dump takes to begin, and whatever the shell does with the pipes: and the rest works in it too."""
    shop.remote.shell, shop.settings["jobs"] = shell, 2
    with held(shop) as (hook, backup):
        server.until(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lockstitch' AND state = 'idle in transaction'"
        )
        server.sql("DELETE FROM orders", "shop", APP)
        hook.go()
        backed_up = backup.result(60)
    for ended in (backed_up, shop.verify(), shop.prove(), shop.restore()):
        assert ended.code == 0, ended
    assert server.counts("shop") == {"public.customers": 40, "public.orders": 300}
    assert shop.leftovers() == []


def meanwhile(store: Store, server: LocalPostgres, table: str, *lines: str) -> Ended:
    """A backup that waits for a table which somebody has locked, and does something with before letting it go."""
    with session(server, "shop", APP, "BEGIN", f"LOCK TABLE {table}") as somebody, ThreadPoolExecutor() as pool:
        backup = pool.submit(store.backup)
        server.until(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lockstitch' AND wait_event_type = 'Lock'"
        )
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


def before_dump(store: Store, do: Callable[[], object]) -> None:
    """Do something once, after the server was asked what there is and before it is dumped."""

    def fault(host: Host, script: Script) -> None:
        if script.steps[0].name == "backup":
            store.remote.faults.clear()
            do()

    store.remote.faults = [fault]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_server_that_is_gone_when_the_dump_begins(shop: Store, server: LocalPostgres, jobs: int) -> None:
    shop.settings["jobs"] = jobs
    for _ in range(3):
        before_dump(shop, server.stop)
        ended = shop.backup()
        server.start()
        assert ended.code == 7 and "Connection refused" in str(ended), ended
    assert_nothing_was_made(shop, ended)


def test_a_password_that_is_wrong(shop: Store, server: LocalPostgres) -> None:
    """Before anything begins, and when it was changed after that."""
    shop.urls["main"] = server.url("shop", APP, "not 'this' %one")
    ended = shop.backup()
    assert ended.code == 7 and "authentication failed" in ended.said and "not 'this' %one" not in str(ended), ended
    assert "nothing was begun" in ended.said
    shop.urls["main"] = server.url("shop")
    before_dump(shop, lambda: server.sql("ALTER ROLE app PASSWORD 'another'"))
    ended = shop.backup()
    server.reset_roles()
    assert_nothing_was_made(shop, ended, "authentication failed")


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


@pytest.fixture
def small_disk(shop: Store) -> Iterator[Path]:
    """The vault is on a disk of its own, of 16 MB."""
    shop.vault.mkdir(parents=True)
    words = ["mount", "-t", "tmpfs", "-o", "size=16m,mode=0755", "tmpfs", str(shop.vault)]
    if os.getuid() or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("this user may not mount; tests/containers has a host with a small disk")
    yield shop.vault
    subprocess.run(["umount", "-l", str(shop.vault)], check=True)


def fill(folder: Path, name: str = ".ballast") -> Path:
    """Fill a disk to its last byte."""
    ballast = folder / name
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            pass
    return ballast


def test_the_disk_is_full_in_the_middle(shop: Store, server: LocalPostgres, small_disk: Path) -> None:
    server.sql(
        "CREATE TABLE large AS SELECT sha512(n::text::bytea) AS data FROM generate_series(1, 5000) n", "shop", APP
    )
    with held(shop) as (hook, backup):
        ballast = fill(small_disk)
        hook.go()
        ended = backup.result(60)
    ballast.unlink()
    (shop.state() / "lock.json").unlink(missing_ok=True)
    if ended.code == 6:
        # Where not even the journal can be written, a person has to be told.
        assert "journal" in ended.said or "lock" in ended.said, ended
        ended.code = 7
    assert_nothing_was_made(shop, ended, "no space is left on the disk")


@pytest.mark.parametrize("tool", ["sha256sum", "sync", "mv", "awk", "sed", "find", "wc"])
def test_a_program_that_fails_when_the_dump_is_there(shop: Store, tool: str) -> None:
    """The manifest is whole or there is none: no part of it is left out because a program of the host broke."""
    folder = shop.root / "programs"
    folder.mkdir()
    program, broken, failed = folder / tool, folder / "broken", folder / "failed"
    fails = f'{{ : >"{failed}"; echo "{tool}: broken" >&2; exit 1; }}'
    program.write_text(f'#!/bin/sh\n[ ! -e "{broken}" ] || {fails}\nexec "{shutil.which(tool)}" "$@"\n')
    program.chmod(0o755)
    shop.remote.env["PATH"] = f"{folder}:{shop.remote.env['PATH']}"
    with held(shop, "after") as (hook, backup):
        broken.touch()
        hook.go()
        ended = backup.result(60)
    broken.unlink()
    assert failed.exists(), ended
    assert_nothing_was_made(shop, ended)


def test_too_little_disk_is_told_before_anything_begins(shop: Store, small_disk: Path) -> None:
    os.truncate(fill(small_disk), 14 << 20)
    ended = shop.backup()
    assert ended.code == 7 and "nothing was begun" in ended.said and "free" in ended.said, ended
    assert shop.names() == []


def test_one_backup_at_a_time(shop: Store) -> None:
    with held(shop) as (hook, backup):
        second = shop.backup()
        assert second.code == 4 and "locked by" in second.said, second
        hook.go()
        first = backup.result(60)
    assert first.code == 0, first
    assert len(shop.names()) == 1 and shop.leftovers() == []


def test_a_dump_of_a_dead_run_is_removed_by_the_next(shop: Store) -> None:
    part = shop.vault / ".main-20250101T000000Z-0000.part"
    part.mkdir(parents=True)
    (part / "database.dump").write_bytes(bytes(100))
    assert shop.names() == [] and shop.backups() == ()
    assert shop.backup().code == 0
    assert not part.exists()


def test_a_superuser_sees_what_policies_hide(shop: Store, server: LocalPostgres) -> None:
    server.sql("ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY", "shop", APP)
    shop.urls["main"] = server.url("shop", SUPERUSER)
    assert shop.backup().code == 0
    assert shop.rows(shop.names()[0])["public.orders"] == 300 and len(SHOP) == 4
