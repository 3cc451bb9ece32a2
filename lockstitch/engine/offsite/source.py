"""A backup on the host that holds it: its manifest, and its files as streams that are compared with it."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from lockstitch.databases.backup import MANIFEST, NAME
from lockstitch.engine.offsite.manifest import LONGEST_MANIFEST, Manifest, ManifestFile, parse
from lockstitch.errors import CheckError, UsageError
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.remote import FileError, Remote

# Told the file's name, the bytes so far and the bytes in all; of a bucket, from another thread.
PushObserver = Callable[[str, int, int], None]

CHUNK = 1 << 20


@dataclass(frozen=True)
class PushResult:
    """The result of a push. `sent` is the number of files that were sent, `already` whether nothing had to be
    changed."""

    where: str
    files: int
    bytes: int
    sent: int
    already: bool


class PushProgress:
    """The progress of one copy, for an observer."""

    def __init__(self, observe: PushObserver, in_all: int) -> None:
        self._observe, self._in_all, self._bytes = observe, in_all, 0

    def of(self, name: str) -> Callable[[int], None]:
        """Return the function to call with the number of bytes carried of this file."""
        return lambda more: self._add(name, more)

    def _add(self, name: str, more: int) -> None:
        # What had to be done twice is not told to be more than all.
        self._bytes = min(self._in_all, self._bytes + more)
        self._observe(name, self._bytes, self._in_all)


@dataclass(frozen=True)
class BackupSource:
    """A backup in a directory of a host."""

    remote: Remote
    host: Host
    directory: str
    name: str

    def manifest(self) -> Manifest:
        """Return the verified manifest. Raises CheckError if it is missing, damaged, or belongs to another backup."""
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
    def open(self, file: ManifestFile, progress: Callable[[int], None]) -> Iterator[VerifiedStream]:
        """Open one of its files. `progress` is called with the number of bytes of each piece."""
        with self.remote.open(self.host, self._path(file.name), "rb") as stream:
            yield VerifiedStream(stream, file, f"{self.host.name}: {self._path(file.name)}", progress)

    def _path(self, file: str) -> str:
        return posixpath.join(self.directory, self.name, file)


class VerifiedStream:
    """A stream that raises CheckError at its end if its content does not match the manifest."""

    def __init__(self, stream: BinaryIO, file: ManifestFile, where: str, progress: Callable[[int], None]) -> None:
        self._stream, self._file, self._where, self._progress = stream, file, where, progress
        self._sum, self._read = hashlib.sha256(), 0
        self.whole = False

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes; fewer only at the end."""
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
        self._progress(len(data))
        return data

    def _same(self) -> bool:
        return self._read == self._file.bytes and self._sum.hexdigest() == self._file.sha256
