# shellcheck shell=sh
# Print the value. The engine's `ls_query`, which carries out the SQL on its stdin, comes before it.
# shellcheck disable=SC2154

# What a client says beside its answer is why there is none, and never part of one.
ls_rows=$(printf '%s\n' "$flag_select" | ls_query 2>/dev/null) || {
    ls_rows=$(printf '%s\n' "$flag_select" | ls_query 2>&1 >/dev/null | tail -n 1)
    printf 'unreadable %s\n' "${ls_rows:-the database did not answer}"; return 0; }
case $ls_rows in
    '') echo "unreadable there is no row for $flag_says: insert it once" ;;
    *"
"*) echo "unreadable there are several rows for $flag_says" ;;
    *) printf '%s\n' "$ls_rows" ;;
esac
