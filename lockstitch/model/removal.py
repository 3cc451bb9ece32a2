"""Removing folders, as constant shell text: what cannot be removed is told, and no file that all releases share goes
with one of them."""

from __future__ import annotations

# `discard PATH`: remove it as far as that is possible; what stays is a warning that names its owner and a command. Only
# a disk that is full or broken is an error. `stays PATH WHY` says so of what was not touched.
DISCARD = r"""
discard() { ls_why=$(LC_ALL=C rm -rf -- "$1" 2>&1) || stays "$1" "$ls_why"; }
stays() {
    case $2 in *'No space left'* | *'Input/output error'* | *'Read-only file system'* | *'quota exceeded'*)
        printf '%s\n' "$2"; return 1 ;;
    esac
    ls_whose=$(find "$1" ! -user "$(id -u)" 2>/dev/null | head -n 1); ls_whose=${ls_whose:-$1}
    case $1 in /*) ls_at=$1 ;; *) ls_at=$(pwd -P)/$1 ;; esac
    echo "warning $ls_at cannot be removed: ${2##*: } ($(stat -c %U -- "$ls_whose") owns $ls_whose);" \
        "type there: sudo rm -rf -- '$ls_at'"
}
"""

# `ls_remove FOLDER` wants the values `shared` and `paths` (the shared paths, a line each). It fails, says why and
# removes nothing where the folder holds what is shared (the shared folder, or what a shared path leads to), lies in it,
# or has something mounted in it: where `ls_removable FOLDER` fails.
REMOVE = (
    DISCARD
    + r"""
ls_remove() { ls_removable "$1" && discard "$1"; }
ls_removable() (
    [ ! -L "$1" ] || exit 0
    kept() { echo "$1: it is kept"; exit 1; }
    at=$(cd -- "$1" && pwd -P) && mounted=$(cut -d ' ' -f 5 /proc/self/mountinfo) || kept "$1 cannot be looked at"
    # A blank in a path is told by its number.
    ! printf '%s\n' "$mounted" | sed 's|$|/|; s|\\040| |g; s|\\011|\t|g; s|\\134|\\|g' |
        grep -qF -- "$at/" || kept "something is mounted in $at"
    all=$(readlink -f -- "$shared") || kept "$shared cannot be looked at"
    case "$at/" in "$all"/*) kept "$at lies in $all, which is shared" ;; esac
    held() { case "$1/" in "$at"/*) kept "$at holds $1, which is shared" ;; esac; }
    held "$all"; set -f; IFS='
'
    for path in $paths; do
        if each=$(readlink -f -- "$shared/$path"); then held "$each"; fi
    done
)
"""
)
