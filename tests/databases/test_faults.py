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

from lockstitch.model.host import Host
from lockstitch.model.plan import Script
from tests.databases.dialects import end_ours, shop_rows, speaks
from tests.databases.engines import one_engine
from tests.databases.hooks import Hook
from tests.databases.store import Ended, Store
from tests.servers import APP, AWKWARD, LocalServer
from tests.shells import SHELLS


@contextmanager
def held(store: Store, when: Literal["before", "after"] = "before") -> Iterator[tuple[Hook, Future[Ended]]]:
    """A backup under way, whose dump has not begun or has just ended; in the end it goes on."""
    hook = Hook(store.root / "hook", store.server, when)
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
    store.server.until(f"SELECT ({speaks(store.server).ours}) = 0")
    again = store.backup()
    assert again.code == 0, again
    assert len(store.backups()) == 1 and store.verify().code == 0


def test_the_server_crashes(shop: Store, server: LocalServer) -> None:
    with held(shop) as (hook, backup):
        server.stop("immediate")
        hook.go()
        ended = backup.result(60)
    server.start()
    assert_nothing_was_made(shop, ended, speaks(server).refused)


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_program_that_dumps_is_killed(shop: Store, when: Literal["before", "after"]) -> None:
    with held(shop, when) as (hook, backup):
        hook.kill()
        ended = backup.result(60)
    assert_nothing_was_made(shop, ended, "`backup` ended")


def test_the_session_that_counts_is_ended(shop: Store, server: LocalServer) -> None:
    with held(shop) as (hook, backup):
        end_ours(server)
        hook.go()
        ended = backup.result(60)
    assert_nothing_was_made(shop, ended)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_snapshot_stays_until_the_dump_has_it(shop: Store, server: LocalServer, shell: tuple[str, ...]) -> None:
    """However long a dump takes to begin, and whatever the shell does with the pipes: and the rest works in it too."""
    shop.remote.shell, shop.settings["jobs"] = shell, max(speaks(server).jobs)
    with held(shop) as (hook, backup):
        server.until(speaks(server).open_transaction)
        with ThreadPoolExecutor() as pool:
            # Where the engine lets nobody write meanwhile, it is written as soon as that is over.
            deleting = pool.submit(server.sql, "DELETE FROM orders", "shop", APP)
            if speaks(server).writes_while_held:
                deleting.result(30)
            hook.go()
            backed_up = backup.result(60)
            deleting.result(30)
    for ended in (backed_up, shop.verify(), shop.prove(), shop.restore()):
        assert ended.code == 0, ended
    assert server.counts("shop") == shop_rows(server)
    assert shop.leftovers() == []


def test_who_writes_while_it_is_dumped_does_not_wait(shop: Store, server: LocalServer) -> None:
    """And what he writes is in neither the dump nor the manifest."""
    with held(shop, "after") as (hook, backup), ThreadPoolExecutor() as pool:
        pool.submit(server.sql, "INSERT INTO orders (what) VALUES ('late')", "shop", APP).result(30)
        hook.go()
        ended = backup.result(60)
    assert ended.code == 0, ended
    assert shop.rows(shop.names()[0]) == shop_rows(server)
    assert shop.prove().code == 0


def before_dump(store: Store, do: Callable[[], object]) -> None:
    """Do something once, after the server was asked what there is and before it is dumped."""

    def fault(host: Host, script: Script) -> None:
        if script.steps[0].name == "backup":
            store.remote.faults.clear()
            do()

    store.remote.faults = [fault]


def test_a_server_that_is_gone_when_the_dump_begins(shop: Store, server: LocalServer) -> None:
    for jobs in (*speaks(server).jobs, 1):
        shop.settings["jobs"] = jobs
        before_dump(shop, server.stop)
        ended = shop.backup()
        server.start()
        assert ended.code == 7 and speaks(server).refused in str(ended), ended
    assert_nothing_was_made(shop, ended)


def test_a_password_that_is_wrong(shop: Store, server: LocalServer) -> None:
    """Before anything begins, and when it was changed after that."""
    shop.urls["main"] = server.url("shop", APP, "not 'this' %one")
    ended = shop.backup()
    assert ended.code == 7 and speaks(server).denied in ended.said and "not 'this' %one" not in str(ended), ended
    assert "nothing was begun" in ended.said
    shop.urls["main"] = server.url("shop")
    before_dump(shop, lambda: server.sql(speaks(server).new_password))
    ended = shop.backup()
    server.reset_roles()
    assert_nothing_was_made(shop, ended, speaks(server).denied)


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


def test_the_disk_is_full_in_the_middle(shop: Store, server: LocalServer, small_disk: Path) -> None:
    with server.connect("shop", APP) as session:
        session.execute("CREATE TABLE large (data text)")
        for _ in range(40):
            session.execute("INSERT INTO large VALUES (%s)", (os.urandom(16_000).hex(),))
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


@one_engine
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


@one_engine
def test_too_little_disk_is_told_before_anything_begins(shop: Store, small_disk: Path) -> None:
    os.truncate(fill(small_disk), 14 << 20)
    ended = shop.backup()
    assert ended.code == 7 and "nothing was begun" in ended.said and "free" in ended.said, ended
    assert shop.names() == []


@one_engine
def test_one_backup_at_a_time(shop: Store) -> None:
    with held(shop) as (hook, backup):
        second = shop.backup()
        assert second.code == 4 and "locked by" in second.said, second
        hook.go()
        first = backup.result(60)
    assert first.code == 0, first
    assert len(shop.names()) == 1 and shop.leftovers() == []


@one_engine
def test_a_dump_of_a_dead_run_is_removed_by_the_next(shop: Store) -> None:
    part = shop.vault / ".main-20250101T000000Z-0000.part"
    part.mkdir(parents=True)
    (part / "database.dump").write_bytes(bytes(100))
    assert shop.names() == [] and shop.backups() == ()
    assert shop.backup().code == 0
    assert not part.exists()
