# shellcheck shell=sh
# Find the environment file at `flag_path`. What stands against it is printed.
# shellcheck disable=SC2154

ls_flag_find() {
    [ -e "$flag_path" ] || {
        echo "unreadable there is no $flag_path: make it, with the mode and the owner it should have"; return 1; }
    [ -f "$flag_path" ] || { echo "unreadable $flag_path is no file"; return 1; }
    [ -r "$flag_path" ] || { echo "unreadable $flag_path may not be read by $(id -un)"; return 1; }
    # awk ends a line at a NUL. All else becomes ends of lines, which the shell takes away.
    ls_flag_nul=$(LC_ALL=C tr -s '\000\001-\377' 'x\n' <"$flag_path") && [ -z "$ls_flag_nul" ] || {
        echo "unreadable $flag_path holds NUL characters"; return 1; }
}
ls_flag_edit() {
    ls_do=$1 ls_dialect=$flag_dialect ls_names=$flag_variable ls_to=${flag_to:-} ls_unset=${flag_unset:-} ls_whole=${2:-} \
        LC_ALL=C awk "$flag_awk"
}
