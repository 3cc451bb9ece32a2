# shellcheck shell=sh
# Stop it. list.sh comes before it; the value is `verb`, stop or delete.

ls_daemon || exit 0
found=$(ls_instances) || exit 1
[ -n "$found" ] || exit 0
pm2 "$verb" "$name" --silent && ls_ended
