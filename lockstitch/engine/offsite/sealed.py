"""Copies that only the holders of a key can read: a backup as one tar, encrypted with age on this machine.

`age -d -i KEY NAME.tar.age | tar -x` restores the folder of the backup, with its manifest. `NAME.age.json` beside it is
not encrypted, is written last, and describes the copy: without it a copy does not count.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from lockstitch.databases.backup import MANIFEST
from lockstitch.engine.offsite.manifest import Manifest, ManifestFile
from lockstitch.engine.offsite.source import CHUNK, BackupSource, PushProgress
from lockstitch.errors import CheckError, UsageError
from lockstitch.model.lazy_dataclass import dataclass

_BLOCK = 512


@dataclass(frozen=True)
class EncryptedCopy:
    """An encrypted copy: its file, and the sum over the files of the backup in it."""

    file: ManifestFile
    manifest: str

    def note(self, recipients: Sequence[str]) -> bytes:
        """Return the content of the note beside it."""
        known = {"lockstitch": 1, "name": self.file.name.removesuffix(".tar.age"), "file": self.file.name}
        content = {"bytes": self.file.bytes, "sha256": self.file.sha256, "manifest": self.manifest}
        return json.dumps({**known, **content, "recipients": list(recipients)}, indent=1).encode() + b"\n"


def names(name: str) -> tuple[str, str]:
    """Return the names of a backup's encrypted copy and of the note beside it."""
    return f"{name}.tar.age", f"{name}.age.json"


def sealed_before(raw: bytes, manifest: Manifest, name: str, where: str) -> EncryptedCopy | None:
    """Parse a note. Returns None if it is damaged or empty. Raises CheckError if it describes a backup with other
    files."""
    try:
        document: Any = json.loads(raw)
        copy = EncryptedCopy(
            ManifestFile(names(name)[0], int(document["bytes"]), str(document["sha256"])), str(document["manifest"])
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if copy.manifest != manifest.sha256:
        hint = "it was not touched; push this one to another place, or remove that one"
        raise CheckError(f"{where} has another backup called {name}", hint=hint)
    return copy


def recipients_of(keys: Sequence[str]) -> list[Any]:
    """Parse the public keys of an inventory. Raises UsageError for one that is invalid."""
    try:
        import pyrage
    except ImportError as error:
        said = "to encrypt copies needs pyrage, which is not installed"
        raise UsageError(said, hint="pip install 'lockstitch[age]'") from error
    made = []
    for key in keys:
        try:
            made.append((pyrage.ssh if key.startswith("ssh-") else pyrage.x25519).Recipient.from_str(key))
        except pyrage.RecipientError as error:
            raise UsageError(f"{key} is no public key of age: {error}", hint="age-keygen prints one: age1…") from None
    return made


def seal(
    source: BackupSource, manifest: Manifest, recipients: Sequence[Any], target: Any, progress: PushProgress
) -> EncryptedCopy:
    """Write an encrypted backup to `target`, in constant memory. Every file is compared with the manifest on the
    way."""
    import pyrage

    tar, written = _Tar(source, manifest, progress), _Summed(target)
    try:
        pyrage.encrypt_io(tar, written, list(recipients))
    except Exception as error:
        cause = tar.error or written.error
        if cause is None:
            raise CheckError(f"{source.name} cannot be encrypted: {error}") from error
        raise cause from None
    return EncryptedCopy(ManifestFile(names(source.name)[0], written.bytes, written.sum.hexdigest()), manifest.sha256)


@contextmanager
def piped(work: Callable[[BinaryIO], EncryptedCopy]) -> Iterator[_Piped]:
    """Yield a stream of what `work` writes. Its errors are raised to the reader, at the end at the latest."""
    read, write = os.pipe()
    stream = _Piped(os.fdopen(read, "rb"))

    def carry() -> None:
        with os.fdopen(write, "wb") as target:
            try:
                stream.sealed = work(target)
            except BaseException as error:
                stream.error = error
                # What is not written any more must not be flushed into a pipe that nobody reads.
                with suppress(OSError):
                    target.close()

    stream.thread = threading.Thread(target=carry, name="seal", daemon=True)
    stream.thread.start()
    try:
        yield stream
    finally:
        stream.pipe.close()
        stream.thread.join()


class _Piped:
    """The reading end of a pipe, as the source of an upload."""

    def __init__(self, pipe: BinaryIO) -> None:
        self.pipe = pipe
        self.sealed: EncryptedCopy | None = None
        self.error: BaseException | None = None
        self.thread = threading.Thread()

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes; fewer only at the end, and only if nothing failed."""
        data = self.pipe.read(size)
        if size < 0 or len(data) < size:
            self.thread.join()
            if self.error is not None:
                raise self.error
        return data


class _Tar:
    """The folder of a backup as a readable stream in the format of tar."""

    def __init__(self, source: BackupSource, manifest: Manifest, progress: PushProgress) -> None:
        self.error: BaseException | None = None
        self._pieces, self._rest = _tar(source, manifest, progress), memoryview(b"")

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes; none at the end."""
        try:
            while not self._rest:
                self._rest = memoryview(next(self._pieces))
        except StopIteration:
            return b""
        except BaseException as error:
            self.error = error
            raise
        data, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return data


def _tar(source: BackupSource, manifest: Manifest, progress: PushProgress) -> Iterator[bytes]:
    for file in manifest.files:
        yield _head(source.name, file.name, file.bytes)
        with source.open(file, progress.of(file.name)) as stream:
            while not stream.whole:
                yield stream.read(CHUNK)
        yield bytes(-file.bytes % _BLOCK)
    yield _head(source.name, MANIFEST, len(manifest.raw)) + manifest.raw + bytes(-len(manifest.raw) % _BLOCK)
    yield bytes(2 * _BLOCK)


def _head(folder: str, name: str, size: int) -> bytes:
    info = tarfile.TarInfo(f"{folder}/{name}")
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.PAX_FORMAT)


class _Summed:
    """A writable file that counts the bytes written to it, and their SHA-256."""

    def __init__(self, target: Any) -> None:
        self._target, self.sum, self.bytes = target, hashlib.sha256(), 0
        self.error: BaseException | None = None

    def write(self, data: Any) -> int:
        try:
            self._target.write(data)
        except BaseException as error:
            self.error = error
            raise
        self.sum.update(data)
        self.bytes += len(data)
        return len(data)
