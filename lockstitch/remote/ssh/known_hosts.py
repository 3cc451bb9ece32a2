"""known_hosts files: which key a host is known by, and how a new one is recorded.

Each line stands for itself: one that cannot be read is passed over, and does not make the file worthless. A revoked
key is refused even where another line trusts it.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Verdict = Literal["trusted", "unknown", "changed", "revoked"]


@dataclass(frozen=True)
class Entry:
    """One line of a known_hosts file."""

    file: str
    line: int
    hosts: str
    kind: str
    blob: bytes
    marker: str = ""

    def names(self, name: str) -> bool:
        """Whether the line is about this host; `name` is `host`, or `[host]:port` off port 22."""
        if self.hosts.startswith("|1|"):
            return _hashed(self.hosts, name)
        patterns = self.hosts.lower().split(",")
        refused = any(_matches(p[1:], name) for p in patterns if p.startswith("!"))
        return not refused and any(_matches(p, name) for p in patterns if not p.startswith("!"))

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Standing:
    """What the files say of a key; `entry` is the line that decided."""

    verdict: Verdict
    entry: Entry | None = None


def fingerprint(blob: bytes) -> str:
    """The fingerprint of a public key, as `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def kind_of(blob: bytes) -> bytes:
    """The type that stands at the beginning of a public key."""
    return blob[4 : 4 + int.from_bytes(blob[:4], "big")]


def known_as(hostname: str, port: int) -> str:
    """The name of a host in known_hosts."""
    return hostname.lower() if port == 22 else f"[{hostname.lower()}]:{port}"


def read(files: Iterable[str]) -> tuple[Entry, ...]:
    """The lines of all files that are there, in order."""
    return tuple(entry for file in files for entry in _entries(file))


def parse(text: str, file: str = "") -> Iterator[Entry]:
    """The lines of a known_hosts file that can be used."""
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
        if len(fields) < 3 or fields[0].startswith("#"):
            continue
        try:
            blob = base64.b64decode(fields[2], validate=True)
        except (binascii.Error, ValueError):
            continue
        yield Entry(file, number, fields[0], fields[1], blob, marker)


def judge(entries: Iterable[Entry], name: str, blob: bytes) -> Standing:
    """Whether this key is the one the host is known by.

    A key of another type than the recorded ones counts as changed: whoever sits between could offer just that.
    """
    about = [entry for entry in entries if entry.names(name)]
    for entry in about:
        if entry.marker == "@revoked" and entry.blob == blob:
            return Standing("revoked", entry)
    plain = [entry for entry in about if not entry.marker]
    for entry in plain:
        if entry.blob == blob:
            return Standing("trusted", entry)
    same_kind = [entry for entry in plain if kind_of(entry.blob) == kind_of(blob)]
    return Standing("changed", (same_kind or plain)[0]) if plain else Standing("unknown")


def kinds(entries: Iterable[Entry], name: str) -> tuple[str, ...]:
    """The key types a host is known by, in the order of the files."""
    return tuple(dict.fromkeys(entry.kind for entry in entries if not entry.marker and entry.names(name)))


def record(file: str, name: str, kind: str, blob: bytes, *, replace: bool = False) -> Standing:
    """Add a host's key to a file and return what the file said before; a changed key only with `replace`."""
    path = Path(file).expanduser().resolve()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = f"{name} {kind} {base64.b64encode(blob).decode()}\n"
    with _locked(path) as descriptor:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        before = judge(parse(text, file), name, blob)
        if before.verdict == "unknown":
            os.write(descriptor, (("\n" if text and not text.endswith("\n") else "") + line).encode())
        elif before.verdict == "changed" and replace:
            _rewrite(path, _without(text, name) + line)
    return before


def _entries(file: str) -> Iterator[Entry]:
    try:
        yield from parse(Path(file).expanduser().read_text(encoding="utf-8", errors="replace"), file)
    except OSError:
        return


def _matches(pattern: str, name: str) -> bool:
    text = "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern)
    return re.fullmatch(text, name.lower()) is not None


def _hashed(hosts: str, name: str) -> bool:
    try:
        salt, wanted = (base64.b64decode(part, validate=True) for part in hosts.split("|")[2:4])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.lower().encode(), hashlib.sha1).digest(), wanted)


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Whoever replaced the file while we waited has left us the old one.
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _without(text: str, name: str) -> str:
    gone = {entry.line for entry in parse(text) if not entry.marker and entry.names(name) and "*" not in entry.hosts}
    lines = text.splitlines(keepends=True)
    kept = "".join(_rest(line, name) if n in gone else line for n, line in enumerate(lines, 1))
    return kept if not kept or kept.endswith("\n") else kept + "\n"


def _rest(line: str, name: str) -> str:
    hosts, _, key = line.partition(" ")
    others = [host for host in hosts.split(",") if host.lower() != name and not host.startswith("|")]
    return f"{','.join(others)} {key}" if others else ""


def _rewrite(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.touch(mode=0o600)
    with draft.open("w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
