# shellcheck shell=sh
# Print the value of the variable. file.sh comes before it.
# shellcheck disable=SC2154

ls_flag_find || return 0
ls_flag_edit flag_read <"$flag_path"
