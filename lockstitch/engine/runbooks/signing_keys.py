"""EFFECT: the key that a person signs with: the one that was named, git's, or the only one of theirs that may sign."""

from __future__ import annotations

import base64
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lockstitch.engine.runbooks.committed import git_config
from lockstitch.engine.runbooks.ssh_keygen import sign
from lockstitch.errors import UsageError
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.runbooks.signers import SIGNERS, AllowedSigners, fingerprint

_SECONDS = 15.0


@dataclass(frozen=True)
class _OwnKey:
    """A key of whoever types: the line of its public half, and its file, or none where only the agent has it."""

    blob: bytes
    line: str
    path: Path | None = None


def signed(text: str, key: str, root: Path, allowed: AllowedSigners) -> str:
    """Return the signature of a text by the key file that was named, or by the one key here that may sign. Raises
    UsageError where there is none, or several."""
    if key:
        return sign(text, Path(key).expanduser())
    own = _own_key(root, allowed)
    if own.path is not None:
        return sign(text, own.path)
    with tempfile.TemporaryDirectory(prefix="lockstitch-") as folder:
        public = Path(folder) / "key.pub"
        public.write_text(f"{own.line}\n", encoding="utf-8")
        return sign(text, public)


def _own_key(root: Path, allowed: AllowedSigners) -> _OwnKey:
    keys: dict[bytes, _OwnKey] = {}
    for own in (*_of_git(root), *_of_files(), *_of_agent()):
        if allowed.lines(own.blob) and own.blob not in allowed.revoked:
            keys.setdefault(own.blob, own)
    preferred = [own for own in _of_git(root) if own.blob in keys]
    some = preferred or list(keys.values())
    if not some:
        said = f"none of the keys here (git's user.signingkey, ~/.ssh, the agent) is in {SIGNERS}"
        raise UsageError(said, hint="give a key with --key, or print what to sign with --text and sign it elsewhere")
    if len({own.blob for own in some}) > 1:
        shown = ", ".join(f"{own.path or 'agent'} ({fingerprint(own.blob)})" for own in some)
        raise UsageError(f"several keys here may sign: {shown}", hint="name one with --key")
    return some[0]


def _of_git(root: Path) -> Iterator[_OwnKey]:
    written = git_config(root, "user.signingkey")
    if written.startswith(("key::", "ssh-", "ecdsa-", "sk-")):
        yield from _parsed(written.removeprefix("key::"), None)
    elif written and (path := Path(written).expanduser()).is_file():
        yield from _of_file(path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub"))


def _of_files() -> Iterator[_OwnKey]:
    for path in sorted(Path("~/.ssh").expanduser().glob("*.pub")):
        yield from _of_file(path)


def _of_file(path: Path) -> Iterator[_OwnKey]:
    with suppress(OSError, UnicodeDecodeError):
        private = path.with_suffix("")
        yield from _parsed(path.read_text(encoding="utf-8"), private if private.is_file() else path)


def _of_agent() -> Iterator[_OwnKey]:
    with suppress(OSError, subprocess.TimeoutExpired):
        words = ["ssh-add", "-L"]
        said = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False)
        for line in said.stdout.decode("utf-8", "replace").splitlines() if said.returncode == 0 else ():
            yield from _parsed(line, None)


def _parsed(line: str, path: Path | None) -> Iterator[_OwnKey]:
    words = line.split()
    with suppress(ValueError):
        if len(words) > 1:
            yield _OwnKey(base64.b64decode(words[1], validate=True), f"{words[0]} {words[1]}", path)
