# shellcheck shell=sh
# Print whether the environment file, and one that is kept, has `value` as the setting `name`. env_file.sh comes before it.
# shellcheck disable=SC2154

ls_env_find || echo "unreadable $ls_problem"
ls_env_former() {
    ls_env_load "$1" || return 1
    eval "[ \"\$ls_s_$name\" = set ] && [ \"\$ls_f_$name\" = \"\$value\" ]"
}
[ -n "$ls_problem" ] || [ -z "$ls_there" ] || ! ls_env_former "$ls_env_file" || echo file
for ls_old in "$kept"/*Z-*; do
    [ ! -f "$ls_old" ] || ! ls_env_former "$ls_old" || { echo kept; break; }
done
exit 0
