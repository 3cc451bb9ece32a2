# shellcheck shell=sh
# `ls_migrate` must leave no migration pending, whatever its exit code. `skipped` is a sed script that prints, of a tool's
# output, the names of migrations that leave themselves out; empty: the tool has none.

ls_skipped=''
if [ -z "$skipped" ]; then
    # A subshell and no `||`, which would take the effect from a `set -e` in it.
    (ls_migrate)
    ls_code=$?
else
    ls_output=$(mktemp) || exit 1
    { ls_code=$({ { (ls_migrate) 3>&- 4>&-; echo $? >&4; } | tee "$ls_output" >&3; } 4>&1); } 3>&1
    ls_skipped=$(sed -n "$skipped" "$ls_output" | tr '\n' ' '); rm -f "$ls_output"
fi
[ "${ls_code:=1}" -eq 0 ] || exit "$ls_code"
ls_ask
ls_list=$(printf '%s\n' "$ls_list" | awk -v skipped=" $ls_skipped" 'NF && !index(skipped, " " $1 " ")')
[ -z "$ls_list" ] || { echo "it ended with 0, and these are still pending:"; printf '%s\n' "$ls_list"; exit 1; }
