"""known_hosts files: which key a host is known by.

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
from functools import cached_property
from pathlib import Path
from typing import Literal

from lockstitch.model.lazy_dataclass import dataclass

KeyStatus = Literal["trusted", "unknown", "changed", "revoked"]


@dataclass(frozen=True)
class KnownHostsEntry:
    """One line of a known_hosts file."""

    file: str
    line: int
    hosts: str
    kind: str
    blob: bytes
    marker: str = ""

    def names(self, name: str) -> bool:
        """Tell whether the line is about this host; `name` is `host`, or `[host]:port` off port 22."""
        if self.hosts.startswith("|1|"):
            return _hashed(self.hosts, name)
        patterns = self.hosts.lower().split(",")
        refused = any(_matches(p[1:], name) for p in patterns if p.startswith("!"))
        return not refused and any(_matches(p, name) for p in patterns if not p.startswith("!"))

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class KeyMatch:
    """The verdict of the files on a key; `entry` is the line that decided."""

    verdict: KeyStatus
    entry: KnownHostsEntry | None = None


def fingerprint(blob: bytes) -> str:
    """The fingerprint of a public key, as `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def kind_of(blob: bytes) -> bytes:
    """The type that stands at the beginning of a public key."""
    return blob[4 : 4 + int.from_bytes(blob[:4], "big")]


def known_as(hostname: str, port: int) -> str:
    """The name of a host in known_hosts."""
    return hostname.lower() if port == 22 else f"[{hostname.lower()}]:{port}"


class KnownHosts(tuple[KnownHostsEntry, ...]):
    """Lines in order, and by name those that name hosts plainly: with many hosts, looking through all costs more than
    connecting."""

    def about(self, name: str) -> list[KnownHostsEntry]:
        """The lines about a host, in order."""
        entries = [(n, entry) for n, entry in self._loose if entry.names(name)]
        return [entry for _, entry in sorted([*entries, *self._plain.get(name.lower(), ())], key=lambda each: each[0])]

    @cached_property
    def _plain(self) -> dict[str, list[tuple[int, KnownHostsEntry]]]:
        plain: dict[str, list[tuple[int, KnownHostsEntry]]] = {}
        for n, entry in enumerate(self):
            for name in dict.fromkeys(entry.hosts.lower().split(",")) if not _is_loose(entry) else ():
                plain.setdefault(name, []).append((n, entry))
        return plain

    @cached_property
    def _loose(self) -> list[tuple[int, KnownHostsEntry]]:
        return [(n, entry) for n, entry in enumerate(self) if _is_loose(entry)]


def read(files: Iterable[str]) -> KnownHosts:
    """The lines of all files that are there, in order."""
    return KnownHosts(entry for file in files for entry in _entries(file))


def unreadable(files: Iterable[str]) -> str:
    """The first of these files that is there and cannot be read, and why; empty where there is none."""
    for file in files:
        try:
            Path(file).expanduser().open("rb").close()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            return f"{file} cannot be read: {(error.strerror or str(error)).lower()}"
    return ""


def parse(text: str, file: str = "") -> Iterator[KnownHostsEntry]:
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
        yield KnownHostsEntry(file, number, fields[0], fields[1], blob, marker)


def judge(entries: KnownHosts, name: str, blob: bytes, *, one_of_several: bool = False) -> KeyMatch:
    """Compare a key with those the host is known by.

    A key of another type than the recorded ones counts as changed: whoever sits between could offer just that. Only
    where a person compares all of a host's keys (`one_of_several`), it is a further one, unknown.
    """
    about = entries.about(name)
    for entry in about:
        if entry.marker == "@revoked" and entry.blob == blob:
            return KeyMatch("revoked", entry)
    plain = [entry for entry in about if not entry.marker]
    for entry in plain:
        if entry.blob == blob:
            return KeyMatch("trusted", entry)
    same_kind = [entry for entry in plain if kind_of(entry.blob) == kind_of(blob)]
    others = same_kind if one_of_several else same_kind or plain
    return KeyMatch("changed", others[0]) if others else KeyMatch("unknown")


def kinds(entries: KnownHosts, name: str) -> tuple[str, ...]:
    """The key types a host is known by, in the order of the files."""
    return tuple(dict.fromkeys(entry.kind for entry in entries.about(name) if not entry.marker))


def _entries(file: str) -> Iterator[KnownHostsEntry]:
    try:
        yield from parse(Path(file).expanduser().read_text(encoding="utf-8", errors="replace"), file)
    except OSError:
        return


def _is_loose(entry: KnownHostsEntry) -> bool:
    """Tell whether each name must be compared with the line: it is hashed, or has patterns."""
    return entry.hosts.startswith("|") or any(sign in entry.hosts for sign in "*?!")


def _matches(pattern: str, name: str) -> bool:
    text = "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern)
    return re.fullmatch(text, name.lower()) is not None


def _hashed(hosts: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in hosts.split("|")[2:4])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.lower().encode(), hashlib.sha1).digest(), digest)


def record_new(file: str, name: str, kind: str, blob: bytes) -> KeyMatch:
    """Add the key of a host that is not known yet, and return what the file said before; any other is left as it is."""
    with _locked(file) as (path, descriptor):
        text = _text(path)
        before = judge(KnownHosts(parse(text, file)), name, blob)
        if before.verdict == "unknown":
            _append(descriptor, text, _line(name, kind, blob))
    return before


def record(file: str, name: str, kind: str, blob: bytes, *, replace: bool = False) -> KeyMatch:
    """Add one of a host's keys, as a person decided, and return what the file said before.

    Another key of the same type stays unless it is to be replaced.
    """
    with _locked(file) as (path, descriptor):
        text = _text(path)
        before = judge(KnownHosts(parse(text, file)), name, blob, one_of_several=True)
        if before.verdict == "unknown":
            _append(descriptor, text, _line(name, kind, blob))
        elif before.verdict == "changed" and replace:
            _rewrite(path, _without(text, name, kind) + _line(name, kind, blob))
    return before


def _line(name: str, kind: str, blob: bytes) -> str:
    return f"{name} {kind} {base64.b64encode(blob).decode()}\n"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape")


def _append(descriptor: int, text: str, line: str) -> None:
    os.write(descriptor, (("\n" if text and not text.endswith("\n") else "") + line).encode())


@contextmanager
def _locked(file: str) -> Iterator[tuple[Path, int]]:
    path = Path(file).expanduser().resolve()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Whoever replaced the file while we waited has left us the old one.
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                yield path, descriptor
                return
        finally:
            os.close(descriptor)


def _without(text: str, name: str, kind: str) -> str:
    about = [entry for entry in parse(text) if entry.kind == kind and not entry.marker and entry.names(name)]
    gone = {entry.line for entry in about if "*" not in entry.hosts}
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
