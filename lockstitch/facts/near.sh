# shellcheck shell=sh
# `near PATH` sets `near` to the path itself, or to the nearest folder above it that is there.

near() {
    near=$1
    while [ ! -e "$near" ]; do
        case $near in */*) near=${near%/*}; near=${near:-/} ;; *) near=. ;; esac
    done
}
