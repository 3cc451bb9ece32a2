"""The key that signs where none is named: git's, or the only one here that may sign."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lockstitch.engine.runbooks.signing_keys import signed
from lockstitch.errors import UsageError
from lockstitch.runbooks.signature import read_signature
from lockstitch.runbooks.signers import AllowedSigners, read_signers
from tests.runbooks.test_statement import SIGNED


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the home of a person with two keys, and a repository in it."""
    (tmp_path / ".ssh").mkdir()
    for name in ("first", "second"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / ".ssh" / name)]
        subprocess.run(words, check=True)
    (tmp_path / ".ssh/broken.pub").write_bytes(b"ssh-ed25519 \xff\n")
    (tmp_path / ".ssh/empty.pub").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def allowed(home: Path, *names: str, revoked: str = "") -> AllowedSigners:
    lines = [f"ana@example.com {(home / '.ssh' / f'{name}.pub').read_text()}" for name in names]
    return read_signers("".join(lines), "", revoked and (home / ".ssh" / f"{revoked}.pub").read_text())


def signer(home: Path, known: AllowedSigners, key: str = "") -> bytes:
    return read_signature(signed(SIGNED.text(), key, home, known)).key


def test_the_only_key_that_may_sign_is_taken(home: Path) -> None:
    (second,) = (key.blob for key in allowed(home, "second").keys)
    assert signer(home, allowed(home, "second")) == second
    assert signer(home, allowed(home, "first", "second", revoked="first")) == second


def test_of_several_the_one_that_was_named_or_is_gits(home: Path) -> None:
    both = allowed(home, "first", "second")
    with pytest.raises(UsageError, match="several keys here may sign: .*first.*SHA256:.*second") as refused:
        signer(home, both)
    assert "--key" in refused.value.hint
    assert signer(home, both, str(home / ".ssh/first")) == both.keys[0].blob
    for value in ("~/.ssh/second", "~/.ssh/second.pub"):
        subprocess.run(["git", "-C", str(home), "config", "user.signingkey", value], check=True)
        assert signer(home, both) == both.keys[1].blob


def test_without_a_key_that_may_sign_it_is_said_what_to_do(home: Path) -> None:
    with pytest.raises(UsageError, match="none of the keys here") as refused:
        signer(home, AllowedSigners())
    assert "--text" in refused.value.hint
