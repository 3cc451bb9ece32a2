# shellcheck shell=sh
# The rows of every table of `beside`, compared with the manifest of `name`. rows.sh has `differences`.

counts=$(counting | sql "$beside" 2>&1) || { printf '%s\n' "$counts" | sed 's/^/failed /'; exit 0; }
file=$(mktemp) || exit 1
{ echo 'START TRANSACTION;'; printf '%s\n' "$counts"; } | sql "$beside" >"$file" 2>&1 || { sed 's/^/failed /' "$file"; rm -f "$file"; exit 0; }
differences "$file"
