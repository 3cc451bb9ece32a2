# shellcheck shell=sh
# Print the value of a flag, and what each process of the app's service has in its environment. The functions of the
# driver and `ls_service`, which prints what the service runs, come before it; the value is `flag_variable`.
# shellcheck disable=SC2154

ls_flag_read
ls_said=$(ls_service 2>&1)
printf '%s\n' "$ls_said" | sed -n 's/^also drift /drift /p'
printf '%s\n' "$ls_said" | while read -r ls_word ls_role ls_pid _; do
    [ "$ls_word" = process ] || continue
    # In the environment a name comes after a NUL: here it is at the begin of a line.
    { tr '\0\n' '\n\001' <"/proc/$ls_pid/environ" || sudo -n cat "/proc/$ls_pid/environ" | tr '\0\n' '\n\001'; } 2>/dev/null |
        ls_name=$flag_variable ls_who="$ls_role $ls_pid" LC_ALL=C awk '
        { at = index($0, "=") }
        at && substr($0, 1, at - 1) == ENVIRON["ls_name"] { has = 1; value = substr($0, at + 1) }
        END { print "process " ENVIRON["ls_who"] " " (!NR ? "unreadable" : has ? "has " value : "lacks") }'
done
exit 0
