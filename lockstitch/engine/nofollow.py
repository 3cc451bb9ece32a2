"""EFFECT: what is below a folder of this machine. No component below it is followed where it is a link."""

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
    """A folder that was named by a person, which may be a link, or its descriptor. Paths below it are relative and
    have no `..`."""

    base: Path | int

    def shown(self, path: str) -> Path:
        """A path below it, for messages."""
        return Path(path) if isinstance(self.base, int) else self.base / path

    def make(self) -> None:
        """Make the folder itself, and those above it."""
        if isinstance(self.base, Path):
            self.base.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def of(self, path: str) -> Iterator[tuple[int, str]]:
        """A descriptor of the folder that a path is in, for `dir_fd`, and the path's last name. It stays that folder,
        whatever takes its place meanwhile. Raises OSError where a component is missing, or is a link."""
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
