# shellcheck shell=sh
# `ls_attempt`, up to `tries` times: once more where it failed because another session held a lock, by the extended regular
# expression `lock_timeout`. What it prints on stderr is read as well, so both streams are one here.

ls_heard=$(mktemp) || exit 1
ls_try=1
while :; do
    # A subshell and no `||`, which would take the effect from a `set -e` in it.
    { ls_code=$({ { (ls_attempt) 2>&1 3>&- 4>&-; echo $? >&4; } | tee "$ls_heard" >&3; } 4>&1); } 3>&1
    [ "${ls_code:=1}" -ne 0 ] && [ "$ls_try" -lt "$tries" ] && grep -Eq -- "$lock_timeout" "$ls_heard" || break
    ls_try=$((ls_try + 1))
    echo "another session holds a lock that the migration needs: try $ls_try of $tries in $pause s"
    sleep "$pause"
done
rm -f "$ls_heard"
exit "$ls_code"
