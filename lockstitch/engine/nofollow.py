"""EFFECT: paths below a folder of this machine. No component below it is followed if it is a link."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lockstitch.model.lazy_dataclass import dataclass

NO_LINK = os.O_NOFOLLOW | os.O_CLOEXEC
# A folder that may be gone through need not be readable.
_FOLDER = os.O_DIRECTORY | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)


@dataclass(frozen=True)
class FolderBelow:
    """A folder that a person has named, which may be a link, or its descriptor. Paths below it are relative and have no
    `..`."""

    base: Path | int

    def shown(self, path: str) -> Path:
        """Return a path below it, for messages."""
        return Path(path) if isinstance(self.base, int) else self.base / path

    def make(self) -> None:
        """Make the folder itself, and those above it."""
        if isinstance(self.base, Path):
            self.base.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def of(self, path: str) -> Iterator[tuple[int, str]]:
        """Open the folder of a path. Yields its descriptor, for `dir_fd`, and the last name of the path.

        The descriptor stays with that folder even if another takes its place. Raises OSError where a component is
        missing or is a link.
        """
        *folders, name = path.split("/") if path else ["."]
        at = os.dup(self.base) if isinstance(self.base, int) else os.open(self.base, _FOLDER)
        try:
            for folder in folders:
                inner = os.open(folder, _FOLDER | os.O_NOFOLLOW, dir_fd=at)
                os.close(at)
                at = inner
            yield at, name
        finally:
            os.close(at)
