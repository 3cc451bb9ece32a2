# shellcheck shell=sh
# `ls_remove FOLDER` wants the values `shared` and `paths` (the shared paths, a line each). It fails, says why and
# removes nothing where the folder holds what is shared (the shared folder, or what a shared path leads to), lies in it,
# or has something mounted in it: where `ls_removable FOLDER` fails. `discard` is in discard.sh.

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
