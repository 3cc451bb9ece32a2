"""How full a host's file systems are, and what is largest below a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from lockstitch.errors import UsageError
from lockstitch.facts.table import Rows, TableQuery
from lockstitch.model.command import Command
from lockstitch.model.format import sized
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, collect, fields, number
from lockstitch.model.removal import DISCARD
from lockstitch.model.shell import shell_text

_USAGE = shell_text(__package__, "disk_usage.sh")
_FOLDERS = shell_text(__package__, "folders.sh")


@dataclass(frozen=True)
class DiskUsage:
    """A file system: sizes in KiB, inodes as they are counted (None where it counts none)."""

    at: str
    kind: str
    size: int
    used: int
    free: int
    inodes: int | None = None
    inodes_used: int | None = None

    @property
    def full(self) -> int:
        """How much of what can be used is used, in percent."""
        return _percent(self.used, self.used + self.free)


@dataclass(frozen=True)
class FolderUsage:
    """What a folder holds, with all below it, in KiB."""

    path: str
    size: int


def disks() -> TableQuery[DiskUsage]:
    """Every file system that holds files."""
    headings = ("MOUNTED AT", "TYPE", "SIZE", "USED", "FREE", "FULL", "INODES")
    return TableQuery(Probe("disks", Command(_USAGE), lambda output, code: tuple(_disks(output))), headings, _rows)


def folders(path: str, top: int = 10) -> TableQuery[FolderUsage]:
    """A folder, and the largest in it, on the same file system."""

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
    """Rounded up, as df does: 99.1 % is nearly full."""
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
    """Something that can go, and how many KiB it takes; `name` is a path, or the id of a release."""

    kind: LeftoverKind
    size: int
    name: str


def leftovers(releases: str, ids: Sequence[str]) -> Probe[tuple[Leftover, ...]]:
    """What the user who is asked has left, with these releases of those in a folder, and the host's package archives
    where that user may remove them."""

    def parse(output: str, code: int) -> tuple[Leftover, ...]:
        items = []
        for line in output.splitlines():
            match line.split("\t"):
                case ["release" | "cache" | "archives" as kind, digits, name] if (size := number(digits)) is not None:
                    items.append(Leftover(kind, size, name))
        return tuple(items)

    return Probe("leftovers", Command(_LEFTOVERS, values={"releases": releases, "ids": " ".join(ids)}), parse)
