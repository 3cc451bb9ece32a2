# shellcheck shell=sh
# How full the file systems of `paths` are: space in KiB, and inodes.

IFS='
'
set -f
set --
for path in $paths; do near "$path"; set -- "$@" "$near"; done
full() {
    kind=$1; shift
    df "$@" 2>/dev/null | {
        read -r _
        while read -r _ _ _ free percent at; do echo "$kind $percent $free $at"; done
    }
}
unset IFS
full space -Pk -- "$@"
full inodes -Pi -- "$@"
