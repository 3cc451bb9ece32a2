# shellcheck shell=sh
# ANALYZE of every table, and a line for each that was not analyzed.

statements=$(analyzing | sql "$database" 2>&1) || { printf '%s\n' "$statements"; exit 1; }
[ -n "$statements" ] || exit 0
answer=$(printf '%s\n' "$statements" | sql "$database" 2>&1) || { printf '%s\n' "$answer"; exit 1; }
tab=$(printf '\t')
printf '%s\n' "$answer" | grep -v "${tab}status$tab\(OK\|Table is already up to date\)\$" | grep -v "${tab}status${tab}Engine-independent statistics collected\$"
exit 0
