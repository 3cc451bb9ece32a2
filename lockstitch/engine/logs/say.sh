# shellcheck shell=sh
# The functions of all texts here. `tag` begins a line of ours; `sources` are lines `N PATTERN`. A file is named by its
# device and inode, `KEY`, which a rotation does not change. Names of files are read as lines, so one with a newline in
# it is passed over.
#
# shellcheck disable=SC2034

LC_ALL=C; export LC_ALL
nl='
'
say() { printf '%s %s\n' "$tag" "$*"; }
piece() { tail -c "+$(($2 + 1))" -- "$1" 2>/dev/null | head -c "$3"; echo .; }
stat_all() { stat -L -c '%d_%i %s %Y %f %n' -- "$@" 2>/dev/null; }
# --sudo: relative paths begin at the home of the user who would have read them.
case ${owner:-} in
    '') ;;
    -) owner=${SUDO_USER:-root} ;;
esac
if [ -n "${owner:-}" ]; then
    HOME=$(getent passwd "$owner" | cut -d : -f 6); cd "${HOME:-/}" || exit 1
fi
