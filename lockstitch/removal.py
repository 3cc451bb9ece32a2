"""Removing the folder of a release, as constant shell text: never a file that all releases share goes with it."""

from __future__ import annotations

# `ls_remove FOLDER` wants the values `shared` and `paths` (the shared paths, a line each). It fails, says why and
# removes nothing where the folder holds what is shared (the shared folder, or what a shared path leads to), lies in it,
# or has something mounted in it.
REMOVE = r"""
ls_remove() (
    [ ! -L "$1" ] || { rm -f -- "$1"; exit; }
    kept() { echo "$1: it is kept"; exit 1; }
    at=$(cd -- "$1" && pwd -P) && mounted=$(cut -d ' ' -f 5 /proc/self/mountinfo) || kept "$1 cannot be looked at"
    ! printf '%s\n' "$mounted" | sed 's|$|/|' | grep -qF -- "$at/" || kept "something is mounted in $at"
    all=$(readlink -f -- "$shared") || kept "$shared cannot be looked at"
    case "$at/" in "$all"/*) kept "$at lies in $all, which is shared" ;; esac
    held() { case "$1/" in "$at"/*) kept "$at holds $1, which is shared" ;; esac; }
    held "$all"; set -f; IFS='
'
    for path in $paths; do
        if each=$(readlink -f -- "$shared/$path"); then held "$each"; fi
    done
    rm -rf -- "$at"
)
"""
