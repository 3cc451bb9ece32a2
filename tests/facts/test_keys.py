"""What a line of authorized_keys means, and what becomes of a file of them."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paramiko import ECDSAKey, RSAKey

from lockstitch.errors import UsageError
from lockstitch.facts.authorized_keys import AuthorizedKey, KeyFile, add, key_file, keys_of, parse, remove, write

ECDSA = ECDSAKey.generate()
WEAK = RSAKey.generate(1024)
STRONG = RSAKey.generate(2048)
OPTIONS = 'command="echo \\"a b\\" ssh-rsa",no-pty,from="10.0.0.0/8"'


def key(of: ECDSAKey | RSAKey = ECDSA, comment: str = "", options: str = "") -> AuthorizedKey:
    return AuthorizedKey(of.get_name(), of.get_base64(), comment, options)


@pytest.mark.parametrize("options", ["", OPTIONS, "restrict"])
@pytest.mark.parametrize("comment", ["", "ada@laptop", "Ada's laptop, 2026"])
@pytest.mark.parametrize("of", [ECDSA, WEAK])
def test_a_line_is_read_as_it_was_written(options: str, comment: str, of: ECDSAKey | RSAKey) -> None:
    expected = key(of, comment, options)
    assert parse(expected.line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        "# a comment",
        f"# {ECDSA.get_name()} {ECDSA.get_base64()}",
        "ssh-rsa AAAA",
        "ssh-ed25519",
        "hello world",
        f"ssh-rsa {ECDSA.get_base64()}",
    ],
)
def test_what_is_no_key(line: str) -> None:
    assert parse(line) is None


def test_fingerprints_are_those_of_ssh_keygen(tmp_path: Path) -> None:
    file = tmp_path / "key.pub"
    for of in (ECDSA, STRONG):
        file.write_text(key(of).line + "\n")
        said = subprocess.run(["ssh-keygen", "-lf", str(file)], capture_output=True, text=True, check=True).stdout
        assert key(of).fingerprint == said.split()[1]


def test_weak_keys_are_told() -> None:
    assert key(WEAK).weak == "RSA of 1024 bits" and not key(STRONG).weak and not key().weak


LINES = st.lists(
    st.sampled_from([key().line, key(WEAK, "w").line, key(STRONG, "s", OPTIONS).line, "# kept", "", "not a key"])
)


@given(LINES, st.sampled_from([ECDSA, WEAK, STRONG]))
def test_adding_loses_nothing_and_adds_once(lines: list[str], of: ECDSAKey | RSAKey) -> None:
    file = KeyFile("x", tuple(lines))
    added = add(file, (key(of, "new"),))
    assert added[: len(lines)] == file.lines
    assert [k.public for k in KeyFile("x", added).keys].count(of.get_base64()) == max(
        1, [k.public for k in file.keys].count(of.get_base64())
    )
    assert add(KeyFile("x", added), (key(of),)) == added


@given(LINES, st.sampled_from([ECDSA, WEAK, STRONG]))
def test_removing_takes_this_key_and_nothing_else(lines: list[str], of: ECDSAKey | RSAKey) -> None:
    file = KeyFile("x", tuple(lines))
    kept, gone = remove(file, key(of).fingerprint)
    assert {k.public for k in gone} <= {of.get_base64()}
    assert kept == tuple(line for line in lines if not ((k := parse(line)) and k.public == of.get_base64()))


def test_a_file_of_ones_own() -> None:
    text = f"# mine\n{key(comment='a').line}\n\n{key(STRONG).line}\n"
    assert [k.kind for k in keys_of(text, "x.pub")] == [ECDSA.get_name(), "ssh-rsa"]
    for bad in ("", "hello\n", f"{key().line}\nhello\n"):
        with pytest.raises(UsageError, match="holds no public key"):
            keys_of(bad, "x.pub")
    with pytest.raises(UsageError, match="private key, which stays") as caught:
        keys_of("-----BEGIN OPENSSH PRIVATE KEY-----\n", "id")
    assert caught.value.hint == "id.pub"


class Home:
    """A home whose authorized_keys is read and written by the real shell text."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / ".ssh" / "authorized_keys"

    def sh(self, text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", text], env={"HOME": str(self.root), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True
        )

    def read(self) -> KeyFile:
        ran = self.sh(key_file().command.render())
        file = key_file().parse(ran.stdout, ran.returncode)
        assert file is not None, ran
        return file


def test_reading_and_writing_a_real_file(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = home.read()
    assert first.keys == ()
    assert home.sh(write(first, add(first, (key(comment="it's mine"),))).render()).returncode == 0
    assert home.file.read_text() == key(comment="it's mine").line + "\n"
    assert home.file.stat().st_mode & 0o777 == 0o600 and home.file.parent.stat().st_mode & 0o777 == 0o700
    second = home.read()
    assert [k.comment for k in second.keys] == ["it's mine"]
    # Somebody else was faster: what they have written stays, and nothing lies beside it.
    refused = home.sh(write(first, ()).render())
    assert refused.returncode == 1 and "somebody else has changed it" in refused.stdout
    assert home.read() == second and [p.name for p in home.file.parent.iterdir()] == ["authorized_keys"]
    home.file.chmod(0o640)
    assert home.sh(write(second, second.lines).render()).returncode == 0
    assert home.file.stat().st_mode & 0o777 == 0o640, "the mode it had is kept"


def test_of_two_who_have_read_the_same_one_writes(tmp_path: Path) -> None:
    """The first is held up just before its file takes its place: the second does not slip in between."""
    home = Home(tmp_path)
    held, gate, bin_ = tmp_path / "held", tmp_path / "gate", tmp_path / "bin"
    os.mkfifo(gate)
    bin_.mkdir()
    (bin_ / "sync").write_text(f"#!/bin/sh\n[ -e {held} ] || {{ : >{held}; read -r x <{gate}; }}\n")
    (bin_ / "sync").chmod(0o755)
    env = {"HOME": str(tmp_path), "PATH": f"{bin_}:/usr/bin:/bin"}
    read = home.read()
    texts = [write(read, add(read, (key(of, name),))).render() for of, name in ((ECDSA, "one"), (STRONG, "two"))]
    first = subprocess.Popen(["sh", "-c", texts[0]], env=env)
    until = time.monotonic() + 10
    while not held.exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    second = subprocess.Popen(["sh", "-c", texts[1]], env=env, stdout=subprocess.PIPE, text=True)
    with suppress(subprocess.TimeoutExpired):
        second.wait(1)
    gate.write_text("go\n")
    assert first.wait(10) == 0
    assert "somebody else has changed it" in second.communicate(timeout=10)[0] and second.returncode == 1
    assert [k.comment for k in home.read().keys] == ["one"]
    assert [p.name for p in home.file.parent.iterdir()] == ["authorized_keys"]


def test_a_file_that_was_left_beside_it_is_named(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.file.parent.mkdir()
    beside = home.file.with_name("authorized_keys.lockstitch")
    beside.touch()
    read = home.read()
    refused = home.sh(write(read, (key().line,)).render())
    assert refused.returncode == 1 and f"{beside} is there" in refused.stdout and beside.exists()


def test_a_file_without_a_last_newline_and_one_behind_a_link(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.file.parent.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(key(WEAK).line)
    home.file.symlink_to(elsewhere)
    file = home.read()
    assert home.sh(write(file, add(file, (key(),))).render()).returncode == 0
    assert home.file.is_symlink() and len(elsewhere.read_text().splitlines()) == 2


def test_a_key_file_that_cannot_be_looked_at_is_not_an_empty_one(tmp_path: Path) -> None:
    """Its home is on a disk that is not there: an empty file would be put in its place."""
    (tmp_path / ".ssh").symlink_to("/nowhere/ssh")
    asked = key_file()
    env = {**os.environ, "HOME": str(tmp_path)}
    ran = subprocess.run(["sh"], input=asked.command.render(), env=env, capture_output=True, text=True)
    assert asked.parse(ran.stdout, ran.returncode) is None
    assert "link to nothing" in ran.stdout
    (tmp_path / ".ssh").unlink()
    ran = subprocess.run(["sh"], input=asked.command.render(), env=env, capture_output=True, text=True)
    assert asked.parse(ran.stdout, ran.returncode) == KeyFile("none", ("",))
