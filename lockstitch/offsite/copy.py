"""`backup.fetch`: a whole backup to a folder of this machine."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lockstitch.backup import MANIFEST, sized
from lockstitch.errors import CheckError, UsageError
from lockstitch.host import Host
from lockstitch.offsite.manifest import File, Manifest
from lockstitch.offsite.source import CHUNK, Progress, Source, Told
from lockstitch.remote import Remote

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def fetch(remote: Remote, host: Host, vault_directory: str, name: str, to: Path, told: Told) -> Path:
    """Copy a backup to `to/name`, which is there when every file is what the manifest says, and only then."""
    source = Source(remote, host, vault_directory, name)
    manifest = source.manifest()
    target = to / name
    try:
        if target.is_symlink() or target.exists():
            raise UsageError(f"{target} is there already", hint="it was not touched; give another folder with --to")
        to.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_room(to, manifest)
        with _unfinished(to / f".{name}.part") as part:
            _copy(source, manifest, part, told)
            part.rename(target)
        _sync(to)
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
def _unfinished(part: Path) -> Iterator[Path]:
    """A new folder that is gone at the end, unless it got its name. One that a dead fetch left is removed."""
    part.mkdir(mode=0o700, exist_ok=True)
    with _locked(part):
        for left in part.iterdir():
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        part.chmod(0o700)
        try:
            yield part
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise UsageError(f"somebody is fetching it already: {folder}", hint="wait for it") from None
    finally:
        os.close(descriptor)


def _copy(source: Source, manifest: Manifest, part: Path, told: Told) -> None:
    progress = Progress(told, manifest.bytes)
    for file in manifest.files:
        _make_folders(part, file)
        with source.open(file, progress.of(file.name)) as stream, _new(part / file.name) as target:
            while not stream.whole:
                target.write(stream.read(CHUNK))
    with _new(part / MANIFEST) as target:
        target.write(manifest.raw)
    for folder in [part, *(path for path in part.rglob("*") if path.is_dir())]:
        _sync(folder)


def _make_folders(part: Path, file: File) -> None:
    for folder in reversed(Path(file.name).parents):
        (part / folder).mkdir(mode=0o700, exist_ok=True)


@contextmanager
def _new(place: Path) -> Iterator[BinaryIO]:
    """A file that was not there and is its owner's alone; on the disk when the context ends."""
    with open(os.open(place, _NEW, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
