"""What a host keeps and can do without: old releases, what builds have fetched, package archives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lockstitch.model.command import Command
from lockstitch.model.probe import Probe, number
from lockstitch.model.removal import DISCARD

Kind = Literal["release", "cache", "archives"]
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

    kind: Kind
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
