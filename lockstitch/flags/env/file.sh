# shellcheck shell=sh
# Find the environment file at `flag_path`: `ls_flag_file` is its real path. What stands against it is printed.
# shellcheck disable=SC2154

ls_flag_find() {
    ls_flag_file=$(readlink -f -- "$flag_path") && [ -e "$ls_flag_file" ] || {
        echo "unreadable there is no $flag_path: make it, with the mode and the owner it should have"; return 1; }
    [ -f "$ls_flag_file" ] || { echo "unreadable $flag_path is no file"; return 1; }
    [ -r "$ls_flag_file" ] || { echo "unreadable $flag_path may not be read by $(id -un)"; return 1; }
    # awk ends a line at a NUL.
    # shellcheck disable=SC2094  # both only read
    LC_ALL=C tr -d '\000' <"$ls_flag_file" | cmp -s - "$ls_flag_file" || {
        echo "unreadable $flag_path holds NUL characters"; return 1; }
}
ls_flag_edit() {
    ls_do=$1 ls_dialect=$flag_dialect ls_names=$flag_variable ls_to=${flag_to:-} ls_unset=${flag_unset:-} ls_whole=${2:-} \
        LC_ALL=C awk "$flag_awk"
}
