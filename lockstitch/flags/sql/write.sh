# shellcheck shell=sh
# Set the value; it is read back afterwards. The engine's `ls_query` comes before it.
# shellcheck disable=SC2154

printf '%s\n' "$flag_update" | ls_query
