"""EFFECT: writes to this machine: a part that grows, and is put in place when it is whole.

Nothing is written through a link: no name from a host leads out of the folder that was chosen.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType

from lockstitch.engine.nofollow import NO_LINK, FolderBelow
from lockstitch.engine.transfer.local_source import CancelCheck, pieces
from lockstitch.engine.transfer.tree import PERMISSIONS, EntryKind
from lockstitch.errors import CheckError

_MINE = os.O_RDWR | os.O_CREAT | NO_LINK


class PartWriter:
    """A part with `size` bytes so far. It stays when it is cut off, so that a later transfer can go on."""

    def __init__(self, below: FolderBelow, part: str, start: int, check: CancelCheck) -> None:
        self._below, self._part, self.size, self._check = below, part, start, check
        self._sum = hashlib.sha256()
        self._open = ExitStack()

    @property
    def sum(self) -> str:
        """The checksum of its content."""
        return self._sum.hexdigest()

    def __enter__(self) -> PartWriter:
        with ExitStack() as opened, _errors_in_words(self._below.shown(self._part)):
            self._at, self._name = opened.enter_context(self._below.of(self._part))
            descriptor = os.open(self._name, _MINE, 0o600, dir_fd=self._at)
            self._file = opened.enter_context(os.fdopen(descriptor, "r+b", buffering=0))
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for data in pieces(self._file, self.size, self._check):
                self._sum.update(data)
            self._file.truncate(self.size)
            self._open = opened.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    def write(self, data: bytes) -> None:
        self._sum.update(data)
        self.size += len(data)
        unwritten = memoryview(data)
        try:
            while unwritten:
                unwritten = unwritten[self._file.write(unwritten) or 0 :]
        except OSError as error:
            # It does not fit: a part would only be in the way.
            self.drop()
            raise CheckError(f"{self._below.shown(self._part).parent} cannot be written in: {_words(error)}") from error

    def put_in_place(self, name: str, mode: int) -> None:
        """Rename the part to `name`, in the same folder."""
        with _errors_in_words(self._below.shown(self._part).with_name(name)):
            os.fchmod(self._file.fileno(), mode)
            os.fsync(self._file.fileno())
            os.replace(self._name, name, src_dir_fd=self._at, dst_dir_fd=self._at)

    def drop(self) -> None:
        with suppress(OSError):
            os.unlink(self._name, dir_fd=self._at)


def file_state(below: FolderBelow, path: str, size: int | None, check: CancelCheck) -> tuple[int, int, str] | None:
    """Return mode, size and checksum of a file here; None if there is none, or one of another size."""
    try:
        with below.of(path) as (at, name):
            descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | NO_LINK, dir_fd=at)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or size not in (None, status.st_size):
            return None
        made = hashlib.sha256()
        for data in pieces(file, status.st_size, check):
            made.update(data)
        return stat.S_IMODE(status.st_mode), status.st_size, made.hexdigest()


def has_size(below: FolderBelow, path: str, size: int) -> bool:
    """Tell whether there is a file here that may be one of such a size: it is worth a look at its content."""
    try:
        with below.of(path) as (at, name):
            return os.lstat(name, dir_fd=at).st_size == size
    except OSError:
        return False


def obstacle(below: FolderBelow, path: str, kind: EntryKind) -> str:
    """Return why an entry of this kind cannot be put there; empty if it can."""
    place = below.shown(path)
    try:
        with below.of(path) as (at, name):
            status = os.lstat(name, dir_fd=at)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{place} cannot be reached without following a link: {_words(error)}"
    if kind == "folder" and stat.S_ISLNK(status.st_mode):
        return f"{place} is a link here, and not followed"
    if (kind == "folder") != stat.S_ISDIR(status.st_mode):
        return f"{place} is {'no' if kind == 'folder' else 'a'} folder here"
    if kind != "folder" and not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        return f"{place} is a special file here, and not replaced"
    return ""


def make_folder(below: FolderBelow, path: str, mode: int) -> bool:
    """Make a folder if there is none. Returns whether it was made."""
    with _errors_in_words(below.shown(path)):
        below.make()
        with below.of(path) as (at, name):
            try:
                os.mkdir(name, mode, dir_fd=at)
            except FileExistsError:
                return False
    return True


def link_in_place(below: FolderBelow, path: str, target: str, part: str) -> None:
    with _errors_in_words(below.shown(path)), below.of(path) as (at, name):
        with suppress(OSError):
            if os.readlink(name, dir_fd=at) == target:
                return
        with suppress(FileNotFoundError):
            os.unlink(part, dir_fd=at)
        os.symlink(target, part, dir_fd=at)
        os.replace(part, name, src_dir_fd=at, dst_dir_fd=at)


def set_modes(below: FolderBelow, modes: Iterable[tuple[str, int]]) -> None:
    """Set the modes of folders that belong to this user."""
    for path, mode in modes:
        with _errors_in_words(below.shown(path)), below.of(path) as (at, name):
            status = os.lstat(name, dir_fd=at)
            if status.st_uid == os.geteuid() and status.st_mode & PERMISSIONS != mode:
                folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | NO_LINK, dir_fd=at)
                try:
                    os.fchmod(folder, mode)
                finally:
                    os.close(folder)


@contextmanager
def _errors_in_words(place: Path) -> Iterator[None]:
    try:
        yield
    except BlockingIOError as error:
        raise CheckError(f"{place} is being fetched by somebody else just now") from error
    except OSError as error:
        raise CheckError(f"{place} cannot be written: {_words(error)}") from error


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
