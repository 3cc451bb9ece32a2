"""EFFECT: what is written on this machine: a part that grows, and is put in its place when it is whole.

Nothing is written through a link: what a host tells of its files never leads out of the folder they go to.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from lockstitch.errors import CheckError
from lockstitch.transfer.near import Check, pieces
from lockstitch.transfer.tree import PERMISSIONS, Kind

_MINE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Arriving:
    """A part that is being written, `size` bytes so far. It stays when it is cut off, to be gone on with."""

    def __init__(self, part: Path, start: int, check: Check) -> None:
        self._part, self.size, self._check = part, start, check
        self._sum = hashlib.sha256()

    @property
    def sum(self) -> str:
        """The checksum of all that is in it."""
        return self._sum.hexdigest()

    def __enter__(self) -> Arriving:
        with _told(self._part):
            self._file = os.fdopen(os.open(self._part, _MINE, 0o600), "r+b", buffering=0)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for data in pieces(self._file, self.size, self._check):
                self._sum.update(data)
            self._file.truncate(self.size)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def write(self, data: bytes) -> None:
        self._sum.update(data)
        self.size += len(data)
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) or 0 :]
        except OSError as error:
            # It does not fit: a part would only be in the way.
            self.drop()
            raise CheckError(f"{self._part.parent} cannot be written in: {_words(error)}") from error

    def put_in_place(self, place: Path, mode: int) -> None:
        with _told(place):
            os.fchmod(self._file.fileno(), mode)
            os.fsync(self._file.fileno())
            os.replace(self._part, place)

    def drop(self) -> None:
        with suppress(OSError):
            self._part.unlink()


def standing(place: Path, size: int | None, check: Check) -> tuple[int, int, str] | None:
    """Mode, size and checksum of a file that is here; None where there is none, or one of another size."""
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or size not in (None, found.st_size):
            return None
        made = hashlib.sha256()
        for data in pieces(file, found.st_size, check):
            made.update(data)
        return stat.S_IMODE(found.st_mode), found.st_size, made.hexdigest()


def unfit(place: Path, kind: Kind, *, is_root: bool) -> str:
    """Why something of this kind cannot be put there; nothing where it can."""
    try:
        found = os.stat(place) if is_root and kind == "folder" else os.lstat(place)
    except OSError:
        return ""
    if kind == "folder" and stat.S_ISLNK(found.st_mode):
        return f"{place} is a link here, and not followed"
    if (kind == "folder") != stat.S_ISDIR(found.st_mode):
        return f"{place} is {'no' if kind == 'folder' else 'a'} folder here"
    return ""


def made_folder(place: Path, mode: int) -> bool:
    """Make a folder where there is none, and those above it; whether it was made."""
    with _told(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            place.mkdir(mode)
        except FileExistsError:
            return False
    return True


def link_in_place(place: Path, target: str, part: str) -> None:
    with _told(place):
        if place.is_symlink() and os.readlink(place) == target:
            return
        draft = place.with_name(part)
        with suppress(FileNotFoundError):
            draft.unlink()
        draft.symlink_to(target)
        os.replace(draft, place)


def modes_set(modes: Iterable[tuple[Path, int]]) -> None:
    """Give folders their modes, those that are ours."""
    for place, mode in modes:
        with _told(place):
            found = os.lstat(place)
            if found.st_uid == os.geteuid() and found.st_mode & PERMISSIONS != mode:
                place.chmod(mode)


@contextmanager
def _told(place: Path) -> Iterator[None]:
    try:
        yield
    except BlockingIOError as error:
        raise CheckError(f"{place} is being fetched by somebody else just now") from error
    except OSError as error:
        raise CheckError(f"{place} cannot be written: {_words(error)}") from error


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
