# shellcheck shell=sh
# Run as another user, who may not read the part and gets it on stdin. `$1` to `$4`: target, checksum, mode, and the
# temporary name beside the target.

cd || exit 1
umask 077
# A second signal must not end `rm`.
trap 'trap "" HUP INT TERM; rm -f -- "$4"' EXIT
trap 'trap "" HUP INT TERM; exit 143' HUP INT TERM
rm -f -- "$4" && set -C && cat >"$4" || exit 3
ls_sum=$(sha256sum <"$4") && [ "${ls_sum%% *}" = "$2" ] || exit 4
sync -- "$4" && chmod "$3" -- "$4" && mv -fT -- "$4" "$1" || exit 3
