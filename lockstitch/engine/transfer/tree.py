"""VALUES: the files to carry, a single one or those of a folder, and the batches they go in."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, TypeVar

from lockstitch.model.lazy_dataclass import dataclass

EntryKind = Literal["file", "folder", "link"]
# What is checked and put in place together: one round trip for many small files, and for a big one its own.
FILES_A_BATCH = 200
BYTES_A_BATCH = 64 << 20
PERMISSIONS = 0o777
T = TypeVar("T")


@dataclass(frozen=True)
class TreeEntry:
    """An entry of a tree. `path` is relative to the root; the root itself has an empty path."""

    path: str
    kind: EntryKind
    mode: int
    size: int = 0
    link: str = ""

    def under(self, root: str) -> str:
        """Return its path when the tree is at `root`."""
        return posixpath.join(root, self.path) if self.path else root


@dataclass(frozen=True)
class FileTree:
    """A file, or a folder with all in it. Every folder comes before its content."""

    entries: tuple[TreeEntry, ...]

    @property
    def is_folder(self) -> bool:
        return self.entries[0].kind == "folder"

    @property
    def files(self) -> tuple[TreeEntry, ...]:
        return self._of("file")

    @property
    def folders(self) -> tuple[TreeEntry, ...]:
        return self._of("folder")

    @property
    def links(self) -> tuple[TreeEntry, ...]:
        return self._of("link")

    def _of(self, kind: EntryKind) -> tuple[TreeEntry, ...]:
        return tuple(entry for entry in self.entries if entry.kind == kind)


def batches(items: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """Split items into batches that one answer of a host can cover, in the same order."""
    batch: list[T] = []
    weight = 0
    for item in items:
        if batch and (len(batch) >= FILES_A_BATCH or weight + size(item) > BYTES_A_BATCH):
            yield batch
            batch, weight = [], 0
        batch.append(item)
        weight += size(item)
    if batch:
        yield batch


def misplaced(entries: Iterable[TreeEntry]) -> str | None:
    """Return the first entry that lies outside of its tree, in something that is no folder of it, or is listed twice;
    None if all are in place. An honest host lists no such entry."""
    folders, seen = {""}, set[str]()
    for entry in entries:
        if not entry.path:
            continue
        parts = entry.path.split("/")
        if any(part in ("", ".", "..") for part in parts) or "/".join(parts[:-1]) not in folders or entry.path in seen:
            return entry.path
        seen.add(entry.path)
        if entry.kind == "folder":
            folders.add(entry.path)
    return None
