# shellcheck shell=sh
# Set modes: `ls_list` holds pairs of path and mode.
#
# shellcheck disable=SC3067

eval "set -- $ls_list"
while [ $# -gt 0 ]; do
    if [ -O "$1" ] && [ "$(stat -c %a -- "$1")" != "$2" ]; then chmod "$2" -- "$1" || exit 1; fi
    shift 2
done
