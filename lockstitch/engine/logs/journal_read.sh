# shellcheck shell=sh
# Entries of the journal: `units` are words; `lines` is how many of each.

[ -z "$lines" ] || set -- "$@" -n "$lines"
for unit in $units; do
    say begin "$unit" 0; journalctl "$@" -u "$unit" 2>/dev/null; code=$?; echo .; say end "$unit" $code
done
