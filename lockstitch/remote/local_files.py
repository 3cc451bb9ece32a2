"""A file of this machine with what the Remote protocol promises of files."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from lockstitch.remote import FileError, FileMode

_NEW = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
_BUFFER = 256 * 1024
_DOING = {"rb": "read", "wb": "written"}


@contextmanager
def open_file(host: str, home: Path, path: str, mode: FileMode, start: int = 0) -> Iterator[BinaryIO]:
    """A file as a stream, from `start` on; a relative path starts at `home`."""
    with _File(host, home / path, path, mode, start) as raw:
        if mode == "rb":
            with io.BufferedReader(raw, _BUFFER) as reading:
                yield reading
            return
        writing = io.BufferedWriter(raw, _BUFFER)
        yield writing
        # Only where all went well: what is left of a file that was given up is not worth writing.
        if not writing.closed:
            writing.flush()


class _File(io.FileIO):
    """A file whose errors are a FileError."""

    def __init__(self, host: str, place: Path, path: str, mode: FileMode, start: int) -> None:
        self._host, self._path, self._doing = host, path, _DOING[mode]
        with self._told():
            if place.is_dir():
                raise IsADirectoryError(None, "it is a folder")
            super().__init__(place, mode, opener=_private if mode == "wb" else None)
            if mode == "wb":
                self.truncate(start)
            self.seek(start)

    def readinto(self, buffer: Any) -> int:
        with self._told():
            return super().readinto(buffer)

    def write(self, data: Any) -> int:
        with self._told():
            return super().write(data)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._error(error) from error

    def _error(self, error: OSError) -> FileError:
        if isinstance(error, FileNotFoundError) and self._doing == "read":
            return FileError(self._host, f"there is no {self._path}", missing=True)
        if isinstance(error, FileNotFoundError):
            said = f"{self._path} cannot be written: its folder does not exist"
            return FileError(self._host, said, missing=True)
        return FileError(self._host, f"{self._path} cannot be {self._doing}: {(error.strerror or str(error)).lower()}")


def _private(path: str, flags: int) -> int:
    descriptor = os.open(path, _NEW, 0o600)
    # A file that was there keeps the mode it had.
    os.fchmod(descriptor, 0o600)
    return descriptor
