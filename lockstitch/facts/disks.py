"""File systems of a host, the largest folders in a folder, and files that can be removed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from lockstitch.errors import UsageError
from lockstitch.model.command import Command
from lockstitch.model.format import sized
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, Rows, TableQuery, collect, fields, number
from lockstitch.model.removal import DISCARD
from lockstitch.model.shell import shell_text

_USAGE = shell_text(__package__, "disk_usage.sh")
_FOLDERS = shell_text(__package__, "folders.sh")


@dataclass(frozen=True)
class DiskUsage:
    """A file system: sizes in KiB, and counts of inodes (None where it has none)."""

    at: str
    kind: str
    size: int
    used: int
    free: int
    inodes: int | None = None
    inodes_used: int | None = None

    @property
    def full(self) -> int:
        """Return the used part of the usable space, in percent."""
        return _percent(self.used, self.used + self.free)


@dataclass(frozen=True)
class FolderUsage:
    """The size of a folder with everything below it, in KiB."""

    path: str
    size: int


def disks() -> TableQuery[DiskUsage]:
    """Return the query for every file system that holds files."""
    headings = ("MOUNTED AT", "TYPE", "SIZE", "USED", "FREE", "FULL", "INODES")
    return TableQuery(Probe("disks", Command(_USAGE), lambda output, code: tuple(_disks(output))), headings, _rows)


def folders(path: str, top: int = 10) -> TableQuery[FolderUsage]:
    """Return the query for a folder and the `top` largest folders in it, on the same file system. Raises UsageError for
    a negative `top`."""

    if top < 0:
        raise UsageError("--top is a number from 0")

    def parse(output: str, code: int) -> tuple[FolderUsage, ...]:
        lines = [words for line in output.splitlines() if len(words := line.split("\t", 1)) == 2]
        return tuple(FolderUsage(path, kib) for digits, path in lines if (kib := number(digits)) is not None)

    probe = Probe("folders", Command(_FOLDERS, values={"path": path, "top": str(top)}), parse)
    return TableQuery(probe, ("SIZE", "FOLDER"), lambda sizes: [(sized(f.size << 10), f.path) for f in sizes])


def _disks(output: str) -> Iterator[DiskUsage]:
    said = collect(output)
    inodes = {at: counts for *counts, _, at in (fields(line, 5) for line in said["Pi"])}
    for *sizes, name, at in (fields(line, 5) for line in said["Pk"]):
        total, used, free = map(number, sizes)
        if total and used is not None and free is not None:
            counted = [number(word) for word in inodes.get(at, ["", ""])[:2]]
            yield DiskUsage(at, name, total, used, free, *(counted if counted[0] else (None, None)))


def _rows(usages: tuple[DiskUsage, ...]) -> Rows:
    return [
        (d.at, d.kind, sized(d.size << 10), sized(d.used << 10), sized(d.free << 10), f"{d.full}%", _inodes(d))
        for d in usages
    ]


def _inodes(disk: DiskUsage) -> str:
    return f"{_percent(disk.inodes_used or 0, disk.inodes)}%" if disk.inodes else "-"


def _percent(part: int, whole: int) -> int:
    """Return the percentage rounded up, as df does: 99.1 % is nearly full."""
    return -(-100 * part // whole) if whole else 0


LeftoverKind = Literal["release", "cache", "archives"]
_CACHES = shell_text(__package__, "caches.sh")
_LEFTOVERS = _CACHES + shell_text(__package__, "leftovers.sh")
CLEAN_CACHES = (
    DISCARD + _CACHES + 'code=0; for path in "$@"; do [ ! -d "$path" ] || discard "$path" || code=1; done; exit $code\n'
)
CLEAN_ARCHIVES = r"""
set -- apt-get -o DPkg::Lock::Timeout=60 clean
if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
"""


@dataclass(frozen=True)
class Leftover:
    """A thing that can be removed, and its size in KiB; `name` is a path, or the id of a release."""

    kind: LeftoverKind
    size: int
    name: str


def leftovers(releases: str, ids: Sequence[str]) -> Probe[tuple[Leftover, ...]]:
    """Return the probe of the user's caches, of these releases in a folder, and of the host's package archives where
    the user may remove them."""

    def parse(output: str, code: int) -> tuple[Leftover, ...]:
        items = []
        for line in output.splitlines():
            match line.split("\t"):
                case ["release" | "cache" | "archives" as kind, digits, name] if (size := number(digits)) is not None:
                    items.append(Leftover(kind, size, name))
        return tuple(items)

    return Probe("leftovers", Command(_LEFTOVERS, values={"releases": releases, "ids": " ".join(ids)}), parse)
