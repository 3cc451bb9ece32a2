"""Locks by hand, and the host of a group that keeps the backups: a real `fab`, at hosts of the sandbox."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import MakeOperator
from tests.cli.operator import Operator

SERVICE = {"kind": "command", "reload": "true", "status": "true"}


@pytest.fixture
def deployer(make_operator: MakeOperator, tmp_path: Path) -> Iterator[Operator]:
    """One whose three hosts run an app, from a repository of one commit."""
    repository = tmp_path / "repository"
    author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    for words in (("init", "-q", "-b", "main", "."), (*author, "commit", "-q", "--allow-empty", "-m", "v1")):
        repository.mkdir(exist_ok=True)
        subprocess.run(["git", *words], cwd=repository, check=True)
    operator = make_operator()
    operator.inventory["groups"]["all"]["apps"] = ["app"]
    operator.inventory["apps"]["app"] = {
        "repository": str(repository), "path": "locks/app", "min_free": "1M", "service": SERVICE
    }  # fmt: skip
    yield operator
    for host in operator.hosts:
        shutil.rmtree(operator.home(host) / "locks", ignore_errors=True)


def test_a_freeze_covers_a_host_that_is_added_later_and_its_owner_ends_it(deployer: Operator) -> None:
    hosts = deployer.inventory["groups"]["all"]["hosts"]
    later = hosts.pop()
    assert deployer.fab("lock.take", "--message", "freeze until Monday").code == 0
    hosts.append(later)
    refused = deployer.fab("deploy", where=f"lab:{later['name']}")
    assert refused.code == 4, refused.said
    assert f"{later['name']}: app came to what is locked by ada@" in refused.err and "until Monday" in refused.err
    assert "lab lock.release" in refused.err
    deployer.env |= {"USER": "grace", "LOGNAME": "grace"}
    theirs = deployer.fab("lock.release")
    assert theirs.code == 4 and "is locked by ada@" in theirs.err and "nothing was released" in theirs.err, theirs.said
    deployer.env |= {"USER": "ada", "LOGNAME": "ada"}
    ended = deployer.fab("lock.release")
    assert ended.code == 0 and ended.out.count("released the lock of ada@") == 2, ended.said
    deployed = deployer.fab("deploy", where=f"lab:{later['name']}")
    assert deployed.code == 0, deployed.said
    nothing = deployer.fab("lock.release")
    assert nothing.code == 0 and "nothing was locked" in nothing.out


def test_a_run_of_ones_own_is_not_released(deployer: Operator) -> None:
    assert deployer.fab("lock.take").code == 0
    for host in deployer.hosts:
        lock = deployer.home(host) / "locks/.lockstitch/app/lock.json"
        # As a run makes it: without what was locked by hand.
        lock.write_text(lock.read_text().replace('"scope":"*"', '"scope":""'))
    refused = deployer.fab("lock.release")
    assert refused.code == 4 and "lock.release frees what you took by lock.take" in refused.err, refused.said
    assert deployer.fab("lock.break", "--yes").code == 0


def test_the_backups_are_looked_for_on_every_host_of_the_group(deployer: Operator) -> None:
    database = {"engine": "postgres", "url": "env:SHOP", "run_on": "all", "directory": "locks/bk"}
    deployer.inventory["databases"] = {"main": database}
    empty = deployer.fab("backup.list")
    assert empty.code == 0 and "keeps the backups" not in empty.said, empty.said
    for host, day in (("two", "02"), ("three", "01")):
        name = f"main-202601{day}T000000Z-aaaa"
        folder = deployer.home(host) / "locks/bk" / name
        folder.mkdir(parents=True)
        told = f'{{"lockstitch":1,"name":"{name}","at":"2026-01-{day}T00:00:00Z","sha256":"{"0" * 64}"'
        (folder / "manifest.json").write_text(f'{told},\n"tables":{{}}}}\n')
    listed = deployer.fab("backup.list")
    assert listed.code == 0 and "main-20260102T000000Z-aaaa" in listed.out, listed.said
    assert "two keeps the backups of main, and not one: run_on: two" in listed.said
    assert "three keeps backups of main as well, 1 of them; two has the newest" in listed.said
    deployer.inventory["groups"]["all"]["hosts"].reverse()
    assert "two keeps the backups of main, and not three" in deployer.fab("backup.list").said, "it does not move"
    taken = deployer.fab("lock.take")
    assert taken.code == 0, taken.said
    assert (deployer.home("two") / "locks/bk/.lockstitch/main/lock.json").exists()
    assert deployer.fab("lock.release").out.count("released the lock") == 4


def test_a_host_that_cannot_be_asked_may_be_the_keeper(make_operator: MakeOperator) -> None:
    operator = make_operator("one", gone=("away",))
    operator.inventory["groups"]["all"]["apps"] = []
    database = {"engine": "postgres", "url": "env:SHOP", "run_on": "all", "directory": "locks/bk"}
    operator.inventory["databases"] = {"main": database}
    refused = operator.fab("backup.list")
    assert refused.code == 7 and "away cannot be asked whether it keeps backups of main" in refused.err, refused.said
    assert "run_on: HOST" in refused.err


def test_a_dry_run_takes_and_frees_no_lock(deployer: Operator) -> None:
    def typed(*words: str) -> str:
        ran = deployer.fab("--dry", "-H", "lab", *words, where="")
        assert ran.code == 0, ran.said
        return ran.said

    assert "lab would be locked: " in typed("lock.take")
    taken = deployer.fab("lock.take")
    try:
        # The first of them has taken none.
        assert taken.code == 0, taken.said
        assert "would release the lock of" in typed("lock.release") and "would be broken" in typed("lock.break")
    finally:
        assert deployer.fab("lock.release").out.count("released the lock") == 3
