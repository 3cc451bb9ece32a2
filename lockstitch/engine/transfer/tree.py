"""VALUES: the files to carry, a single one or those of a folder, the batches they go in, and the result."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, TypeVar

from lockstitch.model.format import sized
from lockstitch.model.lazy_dataclass import dataclass

EntryKind = Literal["file", "folder", "link"]
# What is checked and put in place together: one round trip for many small files, and for a big one its own.
FILES_A_BATCH = 200
BYTES_A_BATCH = 64 << 20
# From this size on a checksum takes so long that it is made while the file is carried.
BIG_FILE = 8 << 20
PERMISSIONS = 0o777
_DID = {"send": "sent to", "fetch": "fetched to"}
T = TypeVar("T")


@dataclass(frozen=True)
class TreeEntry:
    """An entry of a tree. `path` is relative to the root; the root itself has an empty path. `stamp` changes with the
    content of a single file of a host."""

    path: str
    kind: EntryKind
    mode: int
    size: int = 0
    link: str = ""
    stamp: str = ""

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


@dataclass(frozen=True)
class TransferResult:
    """The files carried, or to be carried.

    `do` is `send` or `fetch`. `files` and `size` are what is carried, `unchanged` the files that were there already,
    and `resumed` those that went on where they had been cut off.
    """

    do: str
    to: str
    files: int
    size: int
    unchanged: int = 0
    resumed: int = 0

    def text(self, *, planned: bool = False) -> str:
        """Return it in words: `2 files, 3.4 MiB, sent to /srv/upload; 1 unchanged`."""
        count = f"{self.files} file{'' if self.files == 1 else 's'}, {sized(self.size)},"
        said = f"would {self.do} {count} to {self.to}" if planned else f"{count} {_DID[self.do]} {self.to}"
        if not self.files:
            said = f"{self.to} is as it should be"
        more = [f"{self.resumed} resumed"] if self.resumed else []
        more += [f"{self.unchanged} unchanged"] if self.unchanged else []
        return "; ".join([said, *more])
