# shellcheck shell=sh
# `ls_migrate` must take migrations back: `steps` of them, where `counted` is not empty.

ls_ask
ls_before=$ls_list
# A subshell and no `||`, which would take the effect from a `set -e` in it.
(ls_migrate)
ls_code=$?
[ "$ls_code" -eq 0 ] || exit "$ls_code"
ls_ask
ls_count() { printf '%s' "$1" | grep -c ''; }
if [ "$ls_before" = "$ls_list" ]; then echo "it ended with 0, and nothing was taken back"; exit 1; fi
ls_taken=$(($(ls_count "$ls_list") - $(ls_count "$ls_before")))
[ -z "$counted" ] || [ "$ls_taken" -eq "$steps" ] || {
    echo "it ended with 0, and took $ls_taken migrations back, not $steps"; exit 1; }
