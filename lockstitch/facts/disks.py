"""How full a host's file systems are, and what is largest below a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from lockstitch.errors import UsageError
from lockstitch.facts.table import Rows, TableQuery, size
from lockstitch.model.command import Command
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, number
from lockstitch.model.removal import DISCARD

# What is no disk is left out, and what containers have mounted: their images lie on a disk that is told. One that does
# not answer (a dead network mount) does not hold the question up for ever.
_USAGE = r"""
for kind in Pk Pi; do
    told=$(timeout 20 df -"$kind" -T -x tmpfs -x devtmpfs -x squashfs -x efivarfs 2>/dev/null)
    [ $? -ne 124 ] || { echo "df takes too long: does a network mount hang? Try: run -- df -lh"; exit 1; }
    printf '%s\n' "$told" | awk -v kind="$kind" '
        NR > 1 {
            at = $7
            for (i = 8; i <= NF; i++) at = at " " $i
            if (at !~ "^/(var|run)/(lib/)?(docker|containerd|containers|kubelet)/") print kind, $3, $4, $5, $2, at
        }'
done
"""
_FOLDERS = r"""
[ -e "$path" ] || { echo "$path is not there"; exit 1; }
{
    timeout 300 du -xk --max-depth=1 -- "$path" 2>/dev/null
    [ $? -ne 124 ] || echo late
} | sort -rn | awk -v most="$((top + 1))" '
    $0 == "late" { late = 1; next }
    NR <= most
    END { if (late) { print "it takes longer than five minutes to look through all of that"; exit 1 } }'
"""


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
    return TableQuery(probe, ("SIZE", "FOLDER"), lambda found: [(size(f.size), f.path) for f in found])


def _disks(output: str) -> Iterator[DiskUsage]:
    lines = [words for line in output.splitlines() if len(words := line.split(" ", 5)) == 6]
    inodes = {words[5]: words for words in lines if words[0] == "Pi"}
    for kind, *numbers, name, at in lines:
        total, used, free = map(number, numbers)
        if kind == "Pk" and total and used is not None and free is not None:
            counted = [number(word) for word in inodes.get(at, ["", "", ""])[1:3]]
            yield DiskUsage(at, name, total, used, free, *(counted if counted[0] else (None, None)))


def _rows(found: tuple[DiskUsage, ...]) -> Rows:
    return [(d.at, d.kind, size(d.size), size(d.used), size(d.free), f"{d.full}%", _inodes(d)) for d in found]


def _inodes(disk: DiskUsage) -> str:
    return f"{_percent(disk.inodes_used or 0, disk.inodes)}%" if disk.inodes else "-"


def _percent(part: int, whole: int) -> int:
    """Rounded up, as df does: 99.1 % is nearly full."""
    return -(-100 * part // whole) if whole else 0


LeftoverKind = Literal["release", "cache", "archives"]
# Where pip, npm, yarn, pnpm and composer keep what they have fetched: they fetch it again when it is gone.
_CACHES = r"""
home=${XDG_CACHE_HOME:-$HOME/.cache}
set -- "$home/pip" "$home/uv" "$home/yarn" "$home/pnpm" "$HOME/.npm/_cacache" "$home/composer" "$HOME/.composer/cache"
"""
_ASK = (
    _CACHES
    + r"""
size() { du -sk -- "$1" 2>/dev/null | cut -f1; }
for path in "$@"; do
    if [ -d "$path" ]; then printf 'cache\t%s\t%s\n' "$(size "$path")" "$path"; fi
done
for id in $ids; do printf 'release\t%s\t%s\n' "$(size "$releases/$id")" "$id"; done
archives=/var/cache/apt/archives
if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
    kib=$(find "$archives" -name '*.deb' -exec du -k {} + 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }')
    printf 'archives\t%s\t%s\n' "$kib" "$archives"
fi
"""
)
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
        found = []
        for line in output.splitlines():
            match line.split("\t"):
                case ["release" | "cache" | "archives" as kind, digits, name] if (size := number(digits)) is not None:
                    found.append(Leftover(kind, size, name))
        return tuple(found)

    return Probe("leftovers", Command(_ASK, values={"releases": releases, "ids": " ".join(ids)}), parse)
