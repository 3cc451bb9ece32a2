"""Adding a host's key to a known_hosts file: whole or not at all, whoever else writes to it."""

from __future__ import annotations

import base64
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lockstitch.remote.ssh.known_hosts import Entries, Standing, judge, parse


def record_new(file: str, name: str, kind: str, blob: bytes) -> Standing:
    """Add the key of a host that is not known yet, and return what the file said before; any other is left as it is."""
    with _locked(file) as (path, descriptor):
        text = _text(path)
        before = judge(Entries(parse(text, file)), name, blob)
        if before.verdict == "unknown":
            _append(descriptor, text, _line(name, kind, blob))
    return before


def record(file: str, name: str, kind: str, blob: bytes, *, replace: bool = False) -> Standing:
    """Add one of a host's keys, as a person decided, and return what the file said before.

    Another key of the same type stays unless it is to be replaced.
    """
    with _locked(file) as (path, descriptor):
        text = _text(path)
        before = judge(Entries(parse(text, file)), name, blob, one_of_several=True)
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
