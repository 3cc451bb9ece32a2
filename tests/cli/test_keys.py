"""`keys.add` and `keys.remove` where somebody interrupts, mistypes, or the file is an odd one."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import MakeOperator
from tests.cli.operator import Operator

LATIN = "caf\udce9"


@pytest.fixture
def bob(operator: Operator, tmp_path: Path) -> Iterator[Path]:
    """The public key of a colleague; every host has ours, and nothing else."""
    pair, ours = tmp_path / "bob", tmp_path / "ours.pub"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bob@desk", "-f", str(pair)], check=True)
    key = str(operator.sandbox.place.key)
    ours.write_text(subprocess.run(["ssh-keygen", "-yf", key], capture_output=True, text=True, check=True).stdout)
    for host in operator.hosts:
        authorized(operator, host).parent.mkdir(mode=0o700, exist_ok=True)
        authorized(operator, host).write_text(ours.read_text())
    yield pair.with_suffix(".pub")
    for host in operator.hosts:
        shutil.rmtree(authorized(operator, host).parent)


def authorized(operator: Operator, host: str) -> Path:
    return operator.home(host) / ".ssh" / "authorized_keys"


def test_all_hosts_are_in_the_journal(make_operator: MakeOperator, operator: Operator, bob: Path) -> None:
    authorized(operator, "two").write_text(authorized(operator, "one").read_text() + bob.read_text())
    operator.inventory["groups"]["all"]["hosts"].append({"name": "away", "address": "127.0.0.1", "port": 1})
    ran = operator.fab("keys.add", str(bob))
    assert ran.code == 3 and "it is there already" in ran.err, ran.said
    (line,) = operator.noted()
    assert line["codes"] == {"one": 0, "two": 0, "three": 0, "away": "unreachable"} and line["exit"] == 3


def test_a_name_that_is_none_or_nobodys_or_of_several(operator: Operator, bob: Path) -> None:
    file = authorized(operator, "one")
    # Two keys without a comment: an empty name would be both of theirs.
    file.write_text(file.read_text() + bob.read_text().replace("bob@desk", "").strip() + "\n")
    before = file.read_text()
    assert operator.fab("keys.remove", "").code == 2 and file.read_text() == before
    ran = operator.fab("keys.remove", "no@body")
    assert ran.code == 0 and ran.err.count("there is no such key") == 3 and file.read_text() == before, ran.said
    file.write_text("".join(" ".join([*line.split()[:2], "twice\n"]) for line in before.splitlines()))
    before = file.read_text()
    ran = operator.fab("keys.remove", "twice", where="lab:one")
    assert ran.code == 7 and "name one by its fingerprint" in ran.err and file.read_text() == before, ran.said


def test_bytes_that_are_no_text_are_not_lost(operator: Operator, bob: Path) -> None:
    file = authorized(operator, "one")
    before = file.read_bytes().strip() + LATIN.encode("utf-8", "surrogateescape") + b"\n"
    file.write_bytes(before)
    ran = operator.fab("keys.add", str(bob))
    assert ran.code == 7 and "no UTF-8: it stays as it is" in ran.err, ran.said
    assert file.read_bytes() == before and "bob@desk" in authorized(operator, "two").read_text()


def test_a_protected_environment_asks_also_for_a_new_key(operator: Operator, bob: Path) -> None:
    operator.inventory["protect"] = True
    before = authorized(operator, "one").read_text()
    ran = operator.fab("keys.add", str(bob))
    assert ran.code == 2 and "is protected" in ran.err and authorized(operator, "one").read_text() == before, ran.said
    assert operator.fab("--dry", "keys.add", str(bob)).code == 0
    assert operator.fab("--dry", "keys.remove", "bob@desk").code == 0
    assert operator.fab("keys.add", str(bob), "--yes").code == 0
    assert "bob@desk" in authorized(operator, "one").read_text()


def test_why_a_file_cannot_be_read(operator: Operator, bob: Path) -> None:
    file = authorized(operator, "one")
    file.unlink()
    file.mkdir()
    ran = operator.fab("keys.list")
    assert ran.code == 7 and "Is a directory" in ran.err, ran.said


def test_ctrl_c_while_they_are_read_changes_nothing(operator: Operator, bob: Path) -> None:
    """One host has answered, another is still asked: what was interrupted does not go on to write."""
    before = authorized(operator, "one").read_text()
    slow = authorized(operator, "two")
    slow.unlink()
    os.mkfifo(slow)
    # One host is asked and has answered before the next one is.
    with operator.start("keys.add", str(bob), "--serial") as running, opened_by_a_reader(slow):
        ran = operator.ctrl_c(running)
    assert ran.code == 130, ran.said
    assert authorized(operator, "one").read_text() == before, ran.said
    (line,) = operator.noted()
    assert line["exit"] == 130 and set(line["codes"]) == set(operator.hosts), line
    operator.until_quiet()


@contextmanager
def opened_by_a_reader(pipe: Path) -> Iterator[None]:
    """Wait until somebody reads from a pipe, and let them wait."""
    until = time.monotonic() + 30
    while True:
        try:
            descriptor = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            break
        except OSError:
            assert time.monotonic() < until, "nobody reads"
            time.sleep(0.02)
    try:
        yield
    finally:
        os.close(descriptor)
