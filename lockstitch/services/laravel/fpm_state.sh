# shellcheck shell=sh
# Print what php-fpm runs, for `parse_state`. observe.sh and unit.sh come before it.

ls_place
ls_unit
if [ "$ls_main" != 0 ]; then for ls_one in $(ls_children "$ls_main"); do ls_process worker "$ls_one"; done; fi
[ ! -d "$current" ] || echo "also serving $(cd "$current" && pwd -P)"
exit 0
