"""A backup on the host that holds it: what its manifest says, and its files as streams that are compared with it."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from lockstitch.backup import MANIFEST, NAME
from lockstitch.errors import CheckError, UsageError
from lockstitch.host import Host
from lockstitch.remote import FileError, Remote

# Told the file's name, the bytes so far and the bytes in all; of a bucket, from another thread.
Told = Callable[[str, int, int], None]

CHUNK = 1 << 20
LONGEST_MANIFEST = 64 << 20
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class File:
    """One file of a backup, as its manifest says it is."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What is copied: `raw` is the manifest as it stands there, `sha256` that of the lines of its files."""

    raw: bytes
    sha256: str
    files: tuple[File, ...]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True)
class Pushed:
    """What a push did. `sent` are the files that were not there yet, `already` that none had to be touched."""

    where: str
    files: int
    bytes: int
    sent: int
    already: bool


class Progress:
    """How far it is, as it is told."""

    def __init__(self, told: Told, in_all: int) -> None:
        self._told, self._in_all, self._done = told, in_all, 0

    def of(self, name: str) -> Callable[[int], None]:
        """What is called with the number of bytes of this file that were carried."""
        return lambda more: self._add(name, more)

    def _add(self, name: str, more: int) -> None:
        # What had to be done twice is not told to be more than all.
        self._done = min(self._in_all, self._done + more)
        self._told(name, self._done, self._in_all)


@dataclass(frozen=True)
class Source:
    """A backup by its name, in the folder of a host."""

    remote: Remote
    host: Host
    directory: str
    name: str

    def manifest(self) -> Manifest:
        """Its manifest; raises CheckError where it cannot be relied on."""
        if not NAME.fullmatch(self.name):
            raise UsageError(f"{self.name!r} is not the name of a backup", hint="fab -H ENV backup.list")
        try:
            with self.remote.open(self.host, self._path(MANIFEST), "rb") as file:
                raw = file.read(LONGEST_MANIFEST + 1)
        except FileError as error:
            if not error.missing:
                raise
            said = f"{self.host.name}: there is no backup {self.name} in {self.directory}"
            raise CheckError(said, hint="fab -H ENV backup.list") from error
        try:
            return parse(raw, self.name)
        except ValueError as error:
            hint = "this backup cannot be counted on, and was not copied; see the others: fab -H ENV backup.list"
            raise CheckError(f"{self.host.name}: the manifest of {self.name} {error}", hint=hint) from None

    @contextmanager
    def open(self, file: File, told: Callable[[int], None]) -> Iterator[Compared]:
        """One of its files."""
        with self.remote.open(self.host, self._path(file.name), "rb") as stream:
            yield Compared(stream, file, f"{self.host.name}: {self._path(file.name)}", told)

    def _path(self, file: str) -> str:
        return posixpath.join(self.directory, self.name, file)


class Compared:
    """A stream that is read to its end, and raises CheckError there rather than end as what it should not be."""

    def __init__(self, stream: BinaryIO, file: File, where: str, told: Callable[[int], None]) -> None:
        self._stream, self._file, self._where, self._told = stream, file, where, told
        self._sum, self._read = hashlib.sha256(), 0
        self.whole = False

    def read(self, size: int = -1) -> bytes:
        """The next so many bytes; fewer only at the end."""
        data = self._stream.read(size)
        self._sum.update(data)
        self._read += len(data)
        ended = size < 0 or len(data) < size
        if self._read > self._file.bytes or (ended and not self._same()):
            raise CheckError(
                f"{self._where} is not what its manifest says: it is damaged",
                hint="this backup cannot be counted on; see the others: fab -H ENV backup.list",
            )
        self.whole = ended
        self._told(len(data))
        return data

    def _same(self) -> bool:
        return self._read == self._file.bytes and self._sum.hexdigest() == self._file.sha256


def parse(raw: bytes, name: str) -> Manifest:
    """A manifest from its bytes; raises ValueError with what is wrong with it."""
    if len(raw) > LONGEST_MANIFEST:
        raise ValueError("is longer than any that Lockstitch writes")
    try:
        told: Any = json.loads(raw)
        files = tuple(_file(entry) for entry in told["files"])
        called, said = told["name"], told["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError("cannot be read: it is cut off or was changed") from None
    if called != name:
        raise ValueError("is that of another backup")
    if not _sealed(raw):
        raise ValueError("was changed: its seal is not that of its lines")
    if not files or len({file.name for file in files}) != len(files):
        raise ValueError("names no files, or one twice")
    if bad := next((file.name for file in files if not _stays_inside(file.name)), None):
        raise ValueError(f"names a file that is none of a backup: {bad!r}")
    lines = "".join(f'{{"name":"{f.name}","bytes":{f.bytes},"sha256":"{f.sha256}"}}\n' for f in files)
    if hashlib.sha256(lines.encode()).hexdigest() != said:
        raise ValueError("was changed: its files are not those it was written for")
    return Manifest(raw, said, files)


def _sealed(raw: bytes) -> bool:
    """Whether its last line has the sum of the others. A proof is added later, and has no part in it."""
    *lines, last = raw.removesuffix(b"\n").split(b"\n")
    sealed = b"".join(line + b"\n" for line in lines if not line.startswith(b'"proven":{'))
    return last == b'],"seal":"%s"}' % hashlib.sha256(sealed).hexdigest().encode()


def _file(entry: Any) -> File:
    file = File(entry["name"], entry["bytes"], entry["sha256"])
    if not isinstance(file.name, str) or type(file.bytes) is not int or not _SHA256.fullmatch(file.sha256):
        raise ValueError
    return file


def _stays_inside(name: str) -> bool:
    """Whether it is a path below the backup's folder, of plain characters, and not the manifest's own."""
    return name != MANIFEST and all(_PART.fullmatch(part) for part in name.split("/"))
