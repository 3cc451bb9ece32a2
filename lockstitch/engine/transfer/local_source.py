"""EFFECT: reads a file or a folder of this machine, with the checksums of its files."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, NamedTuple

from lockstitch.engine.transfer.tree import PERMISSIONS, FileTree, TreeEntry
from lockstitch.errors import LockstitchError, UsageError

# As much as OpenSSH takes in one request.
CHUNK = 255 << 10
CancelCheck = Callable[[], None]


class FileStamp(NamedTuple):
    """A signature that changes with the content of a file."""

    file: int
    size: int
    modified: int
    changed: int


class LocalSource:
    """A file or a folder of this machine, as it was when it was listed. Safe to use from several threads."""

    def __init__(self, path: str) -> None:
        self.root = path
        self.tree = _list(path)
        self._sums: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The name that it gets on the host; empty for `folder/.`, which stands for the content of the folder."""
        name = os.path.basename(self.root.rstrip("/"))
        if name == "..":
            return os.path.basename(os.path.realpath(self.root))
        return "" if name == "." else name

    def place(self, entry: TreeEntry) -> str:
        return entry.under(self.root)

    def sum(self, entry: TreeEntry, check: CancelCheck) -> str:
        """Return the checksum of a file. It is read once for all hosts."""
        with self._lock:
            if entry.path not in self._sums:
                self._sums[entry.path] = self.prefix(entry, entry.size, check)
            return self._sums[entry.path]

    @contextmanager
    def summing(self, entry: TreeEntry, check: CancelCheck) -> Iterator[None]:
        """Make the checksum of a file meanwhile; `sum` has it afterwards, or raises what went wrong."""
        failed = threading.Event()

        def go_on() -> None:
            check()
            if failed.is_set():
                raise LockstitchError("the file is not sent")

        def work() -> None:
            with suppress(LockstitchError):
                self.sum(entry, go_on)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield
        except BaseException:
            failed.set()
            raise
        finally:
            thread.join()

    def stamp(self, entry: TreeEntry) -> FileStamp:
        """Return what changes with the content of a file."""
        try:
            status = os.stat(self.place(entry))
        except OSError as error:
            raise _unreadable(self.place(entry), error) from error
        return FileStamp(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def prefix(self, entry: TreeEntry, size: int, check: CancelCheck) -> str:
        """Return the checksum of the first `size` bytes of a file."""
        made = hashlib.sha256()
        for data in self.read(entry, 0, size, check):
            made.update(data)
        return made.hexdigest()

    def read(self, entry: TreeEntry, start: int, end: int, check: CancelCheck) -> Iterator[bytes]:
        """Yield the bytes of a file from `start` to `end`; fewer if the file has become shorter."""
        try:
            with open(self.place(entry), "rb", buffering=0) as file:
                file.seek(start)
                yield from pieces(file, end - start, check)
        except OSError as error:
            raise _unreadable(self.place(entry), error) from error


def pieces(file: BinaryIO, size: int, check: CancelCheck) -> Iterator[bytes]:
    """Yield `size` bytes of a stream in pieces; fewer if it ends before."""
    while size > 0:
        check()
        data = file.read(min(CHUNK, size))
        if not data:
            return
        size -= len(data)
        yield data


def _list(path: str) -> FileTree:
    try:
        # A link that is named itself stands for what it leads to; one within a folder is carried as a link.
        root = os.stat(path)
        if stat.S_ISREG(root.st_mode):
            if path.endswith("/"):
                raise UsageError(f"{path}: it is no folder; nothing was sent")
            return FileTree((_entry("", root),))
        if not stat.S_ISDIR(root.st_mode):
            raise UsageError(f"{path}: {_special(root.st_mode)} cannot be sent; nothing was sent")
        return FileTree((_entry("", root), *_within(path, "")))
    except OSError as error:
        raise _unreadable(str(error.filename or path), error) from error


def _within(root: str, folder: str) -> Iterator[TreeEntry]:
    for name in sorted(os.listdir(os.path.join(root, folder))):
        path = f"{folder}/{name}" if folder else name
        place = os.path.join(root, path)
        if name.startswith(".lockstitch-") and name.endswith(".part"):
            continue  # what an interrupted `get` has left there
        status = os.lstat(place)
        if stat.S_ISLNK(status.st_mode):
            yield TreeEntry(path, "link", PERMISSIONS, link=os.readlink(place))
        elif stat.S_ISREG(status.st_mode):
            if not os.access(place, os.R_OK):
                raise UsageError(f"{place}: permission denied; nothing was sent")
            yield _entry(path, status)
        elif stat.S_ISDIR(status.st_mode):
            yield _entry(path, status)
            yield from _within(root, path)
        else:
            raise UsageError(f"{place}: {_special(status.st_mode)} cannot be sent; nothing was sent")


def _entry(path: str, status: os.stat_result) -> TreeEntry:
    if stat.S_ISDIR(status.st_mode):
        return TreeEntry(path, "folder", status.st_mode & PERMISSIONS)
    return TreeEntry(path, "file", status.st_mode & PERMISSIONS, status.st_size)


def _special(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFBLK: "a device", stat.S_IFCHR: "a device"}
    return kinds.get(stat.S_IFMT(mode), "a special file")


def _unreadable(path: str, error: OSError) -> UsageError:
    return UsageError(f"{path}: {(error.strerror or str(error)).lower()}; it was not sent")
