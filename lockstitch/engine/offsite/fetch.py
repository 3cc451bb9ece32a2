"""`backup.fetch`: copies a whole backup to a folder of this machine."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from lockstitch.databases.backup import MANIFEST
from lockstitch.engine.nofollow import NO_LINK, FolderBelow
from lockstitch.engine.offsite.manifest import Manifest
from lockstitch.engine.offsite.source import CHUNK, BackupSource, PushObserver, PushProgress
from lockstitch.errors import CheckError, UsageError
from lockstitch.model.format import sized

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK


def fetch(source: BackupSource, to: Path, observe: PushObserver) -> Path:
    """Copy a backup to `to/NAME`. Returns that path, which exists only once every file matches the manifest.

    Raises UsageError if it exists already, CheckError if the copy fails.
    """
    manifest, name = source.manifest(), source.name
    target = to / name
    try:
        if target.is_symlink() or target.exists():
            raise UsageError(f"{target} is there already", hint="it was not touched; give another folder with --to")
        to.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_room(to, manifest)
        with FolderBelow(to).of(f".{name}.part") as (at, part), _unfinished(at, part, to / part) as folder:
            _copy(source, manifest, FolderBelow(folder), observe)
            if not os.path.samestat(os.lstat(part, dir_fd=at), os.fstat(folder)):
                raise FileExistsError(errno.EEXIST, "something else has taken its place meanwhile", str(to / part))
            os.rename(part, name, src_dir_fd=at, dst_dir_fd=at)
        _sync(FolderBelow(to), "")
    except OSError as error:
        said = f"{error.filename or to}: {(error.strerror or str(error)).lower()}"
        raise CheckError(
            f"{name} cannot be fetched: {said}", hint="nothing that looks like a backup was left"
        ) from error
    return target


def _check_room(to: Path, manifest: Manifest) -> None:
    free = shutil.disk_usage(to).free
    if free < manifest.bytes:
        said = f"the backup has {sized(manifest.bytes)}, and {to} has room for {sized(free)}"
        raise CheckError(said, hint="nothing was fetched; give another folder with --to")


@contextmanager
def _unfinished(at: int, name: str, shown: Path) -> Iterator[int]:
    """Make a new folder and yield its descriptor; it is removed on an error. One that a dead fetch left is emptied."""
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=at)
    with _locked(at, name, shown) as folder:
        for entry in list(os.scandir(folder)):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.name, dir_fd=folder)
            else:
                os.unlink(entry.name, dir_fd=folder)
        os.fchmod(folder, 0o700)
        try:
            yield folder
        except BaseException:
            shutil.rmtree(name, ignore_errors=True, dir_fd=at)
            raise


@contextmanager
def _locked(at: int, name: str, shown: Path) -> Iterator[int]:
    descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | NO_LINK, dir_fd=at)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    except BlockingIOError:
        raise UsageError(f"somebody is fetching it already: {shown}", hint="wait for it") from None
    finally:
        os.close(descriptor)


def _copy(source: BackupSource, manifest: Manifest, part: FolderBelow, observe: PushObserver) -> None:
    progress = PushProgress(observe, manifest.bytes)
    folders = {str(folder): None for file in manifest.files for folder in reversed(Path(file.name).parents[:-1])}
    for folder in folders:
        with part.of(folder) as (at, name):
            os.mkdir(name, 0o700, dir_fd=at)
    for file in manifest.files:
        with source.open(file, progress.of(file.name)) as stream, _new(part, file.name) as target:
            while not stream.whole:
                target.write(stream.read(CHUNK))
    with _new(part, MANIFEST) as target:
        target.write(manifest.raw)
    for folder in ["", *folders]:
        _sync(part, folder)


@contextmanager
def _new(part: FolderBelow, path: str) -> Iterator[BinaryIO]:
    """Make a new file that its owner alone can read; it is on the disk when the context ends."""
    with part.of(path) as (at, name), open(os.open(name, _NEW, 0o600, dir_fd=at), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _sync(below: FolderBelow, path: str) -> None:
    with below.of(path) as (at, name):
        descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | NO_LINK, dir_fd=at)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
