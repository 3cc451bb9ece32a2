# shellcheck shell=sh
# `ls_remove FOLDER` wants the values `shared` and `paths` (the shared paths, a line each). It fails, says why and
# removes nothing where the folder holds what is shared (the shared folder, or what a shared path leads to), lies in it,
# or has something mounted in it: where `ls_removable FOLDER` fails, which sets `ls_kept` to the reason. `discard` is in
# discard.sh.

ls_remove() { ls_removable "$1" || { echo "$ls_kept"; return 1; }; discard "$1"; }
# Sets `ls_all` to the shared folder, and `ls_held` to that and all that shared paths lead to, a line each. Whoever
# leaves the folder from which `shared` is told calls it before.
ls_look() {
    ls_all=$(readlink -f -- "$shared") || return
    set -f; IFS='
'
    set --
    for ls_path in $paths; do set -- "$@" "$shared/$ls_path"; done
    unset IFS; set +f
    ls_held=$ls_all
    [ $# -eq 0 ] || ls_held="$ls_held
$(readlink -f -- "$@")"
    return 0
}
ls_removable() {
    ls_kept=
    [ ! -L "$1" ] || return 0
    # A blank in a path is told by its number.
    if ! ls_real=$(cd -- "$1" && pwd -P) || ! ls_mounted=$(ls_real=$ls_real/ awk '
        { gsub(/\\040/, " ", $5); gsub(/\\011/, "\t", $5); gsub(/\\134/, "\\\\", $5) }
        index($5 "/", ENVIRON["ls_real"]) { count++ }
        END { print count + 0 }' /proc/self/mountinfo); then ls_kept="$1 cannot be looked at"
    elif [ "$ls_mounted" != 0 ]; then ls_kept="something is mounted in $ls_real"
    elif [ -z "${ls_all-}" ] && ! ls_look; then ls_kept="$shared cannot be looked at"
    else
        case "$ls_real/" in "$ls_all"/*) ls_kept="$ls_real lies in $ls_all, which is shared" ;; esac
        set -f; IFS='
'
        for ls_path in $ls_held; do
            case "$ls_path/" in "$ls_real"/*) ls_kept="$ls_real holds $ls_path, which is shared" ;; esac
        done
        unset IFS; set +f
    fi
    ls_kept=${ls_kept:+"$ls_kept: it is kept"}
    [ -z "$ls_kept" ]
}
