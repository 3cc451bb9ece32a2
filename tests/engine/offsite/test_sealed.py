"""Encrypted copies of backups: one file for the holders of a key, which age and tar turn into the backup again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage
import pytest
from pydantic import ValidationError

from lockstitch.databases.backup import MANIFEST
from lockstitch.engine.offsite import push_sealed_to_bucket, push_sealed_to_host
from lockstitch.errors import CheckError, LockstitchError, UsageError
from lockstitch.inventory.database import OffsiteSettings
from tests.engine.offsite.test_offsite import (
    FAR,
    FOLDER,
    NAME,
    Told,
    backup,
    bucket,
    client,
    contents,
    damaged,
    moto,
    objects,
    remote,
    stored,
)
from tests.local import LocalRemote

__all__ = ["backup", "bucket", "client", "moto", "remote"]
KEY, OTHER = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
FOR = (str(KEY.to_public()),)
FILE, NOTE = f"{NAME}.tar.age", f"{NAME}.age.json"
Push = Callable[..., Any]


@pytest.fixture(params=["bucket", "host"])
def there(request: pytest.FixtureRequest, remote: LocalRemote) -> tuple[Push, Callable[[], dict[str, bytes]]]:
    """A push to either of the two, and what is there then."""
    if request.param == "host":
        far = remote.home("far") / "copies"
        push = lambda told, keys=FOR: push_sealed_to_host(stored(remote), FAR, "copies", keys, told)  # noqa: E731
        return push, lambda: contents(far) if far.exists() else {}
    bucket = request.getfixturevalue("bucket")
    client = request.getfixturevalue("client")
    push = lambda told, keys=FOR: push_sealed_to_bucket(stored(remote), bucket, keys, told)  # noqa: E731
    return push, lambda: {name.removeprefix("some/prefix/"): data for name, data in objects(client).items()}


def opened(sealed: bytes, to: Path) -> dict[str, bytes]:
    """The backup that is in a copy, by age itself where that is installed."""
    (to / "key.txt").write_text(f"{KEY}\n")
    (to / FILE).write_bytes(sealed)
    if shutil.which("age"):
        subprocess.run(f"age -d -i key.txt {FILE} | tar -x", shell=True, cwd=to, check=True, timeout=60)
    else:
        subprocess.run(["tar", "-x"], input=pyrage.decrypt(sealed, [KEY]), cwd=to, check=True, timeout=60)
    return contents(to / NAME)


@pytest.mark.parametrize("files", [FOLDER, {"database.dump": os.urandom(20 << 20)}])
def test_the_holder_of_the_key_has_the_backup_again_and_nobody_else(
    there: tuple[Push, Callable[[], dict[str, bytes]]], backup: Push, tmp_path: Path, files: dict[str, bytes]
) -> None:
    push, found = there
    place, told = backup(files), Told()
    done = push(told)
    assert set(found()) == {FILE, NOTE} and (done.sent, done.already) == (1, False) and told.finished
    assert opened(found()[FILE], tmp_path) == contents(place)
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(found()[FILE], [OTHER])
    note = json.loads(found()[NOTE])
    assert note["recipients"] == list(FOR) and note["bytes"] == len(found()[FILE])
    assert not any(name.encode() in found()[FILE] + found()[NOTE] for name in (*files, MANIFEST))
    before = found()
    again = push(Told())
    assert again.already and again.sent == 0 and found() == before


def test_several_keys_open_it(there: tuple[Push, Callable[[], dict[str, bytes]]], backup: Push) -> None:
    push, found = there
    backup()
    push(Told(), (*FOR, str(OTHER.to_public())))
    assert pyrage.decrypt(found()[FILE], [OTHER]) == pyrage.decrypt(found()[FILE], [KEY])


@pytest.mark.parametrize("how", ["flipped", "longer", "shorter", "gone"])
def test_a_damaged_backup_leaves_nothing_that_looks_like_a_copy(
    there: tuple[Push, Callable[[], dict[str, bytes]]], backup: Push, how: str
) -> None:
    push, found = there
    damaged(backup(), how)
    with pytest.raises(LockstitchError, match=r"3001\.dat\.gz"):
        push(Told())
    assert found() == {}


def test_a_copy_that_was_damaged_there_is_made_again(remote: LocalRemote, backup: Push, tmp_path: Path) -> None:
    place, far = backup(), remote.home("far") / "copies"
    push_sealed_to_host(stored(remote), FAR, "copies", FOR, Told())
    whole = (far / FILE).read_bytes()
    (far / FILE).write_bytes(whole[:-1])
    assert not push_sealed_to_host(stored(remote), FAR, "copies", FOR, Told()).already
    assert opened((far / FILE).read_bytes(), tmp_path) == contents(place)
    note = json.loads((far / NOTE).read_text())
    (far / NOTE).write_text(json.dumps({**note, "manifest": "0" * 64}))
    with pytest.raises(CheckError, match="far has another backup called"):
        push_sealed_to_host(stored(remote), FAR, "copies", FOR, Told())


def test_what_is_no_key_is_refused(remote: LocalRemote, backup: Push, monkeypatch: pytest.MonkeyPatch) -> None:
    backup()
    for key in ("age1nonsense", "ssh-ed25519 AAAA"):
        with pytest.raises(UsageError, match="is no public key of age"):
            push_sealed_to_host(stored(remote), FAR, "copies", (key,), Told())
    assert OffsiteSettings.model_validate({"bucket": "abc", "age": FOR}).age == FOR
    for key in (str(KEY), "env:KEY", ""):
        with pytest.raises(ValidationError) as wrong:
            OffsiteSettings.model_validate({"bucket": "abc", "age": [key]})
        assert "SECRET" not in wrong.value.errors()[0]["msg"]
    monkeypatch.setitem(sys.modules, "pyrage", None)
    with pytest.raises(UsageError, match="pyrage, which is not installed") as refused:
        push_sealed_to_host(stored(remote), FAR, "copies", FOR, Told())
    assert "lockstitch[age]" in refused.value.hint and not (remote.home("far") / "copies").exists()
