# shellcheck shell=sh
# Make folders: `ls_list` holds pairs of path and mode.

eval "set -- $ls_list"
while [ $# -gt 0 ]; do
    mkdir -m "$2" -- "$1" || [ -d "$1" ] || exit 1
    shift 2
done
