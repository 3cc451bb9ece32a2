# shellcheck shell=sh
# Write the file anew with another value of the variable, beside it, and rename it: with its mode and its owner, or not at
# all: `ls_flag_file` is its real path. file.sh comes before it.
# shellcheck disable=SC2154

ls_flag_find && ls_flag_file=$(readlink -f -- "$flag_path") || return 1
ls_flag_new=${ls_flag_file%/*}/.${ls_flag_file##*/}.lockstitch.$$
# What was left by one that was killed holds secrets.
set -- "${ls_flag_new%"$$"}"*
[ ! -e "$1" ] || rm -f -- "$@"
ls_flag_whole=yes
[ -z "$(tail -c 1 -- "$ls_flag_file")" ] || ls_flag_whole=
ls_flag_fails() { rm -f -- "$ls_flag_new"; echo "$flag_path: $1"; return 1; }
(umask 077 && cp -p -- "$ls_flag_file" "$ls_flag_new") || { ls_flag_fails "its folder may not be written by $(id -un)"; return; }
# shellcheck disable=SC2046  # two words
set -- $(stat -c '%u:%g=%a' -- "$ls_flag_new" "$ls_flag_file")
[ $# -eq 2 ] && [ "$1" = "$2" ] || {
    ls_flag_fails "it belongs to $(stat -c '%U:%G' -- "$ls_flag_file"), and $(id -un) cannot write it anew so"; return; }
# A file that only its group may write is opened by its mode, and not made anew.
ls_flag_code=0
ls_flag_edit flag_write "$ls_flag_whole" <"$ls_flag_file" >"$ls_flag_new" || ls_flag_code=$?
# Only then it has said something: else its last line is one of the file, and may be a secret.
[ $ls_flag_code -ne 3 ] || { ls_flag_fails "$(cat -- "$ls_flag_new")"; return; }
# awk of busybox is content with a disk that is full.
[ $ls_flag_code -eq 0 ] && ls_flag_edit flag_write "$ls_flag_whole" <"$ls_flag_file" | cmp -s - "$ls_flag_new" || {
    ls_flag_fails "it could not be written whole: is the disk full?"; return; }
mv -f -- "$ls_flag_new" "$ls_flag_file" || ls_flag_fails "it cannot be renamed"
