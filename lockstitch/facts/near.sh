# shellcheck shell=sh
# `near PATH` sets `near` to the path itself, or to the nearest folder above it that is there.

near() {
    near=$1
    while [ ! -e "$near" ]; do
        case $near in */*) near=${near%/*}; near=${near:-/} ;; *) near=. ;; esac
    done
}
# `may_write PATH` prints a line `unwritable USER GROUP NEAR`, a tab and the path, where this user can neither write in
# that folder nor make it.
may_write() {
    near "$1"
    { [ -w "$near" ] && [ -x "$near" ]; } || printf 'unwritable %s %s %s\t%s\n' "$(id -un)" "$(id -gn)" "$near" "$1"
}
