# shellcheck shell=sh
# Copy a file that only `ls_user` may read to where the login user may.
#
# shellcheck disable=SC2024

umask 077
rm -f -- "$ls_copy"
sudo -n -H -u "$ls_user" sh -c 'cd && head -c "$2" -- "$1"' sh "$ls_path" "$ls_size" >"$ls_copy" || {
    rm -f -- "$ls_copy"; exit 1
}
