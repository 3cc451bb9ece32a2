# shellcheck shell=sh
# The rows of every table of `beside`, compared with the manifest of `name`. rows.sh has `rows_of` and `differences`.

file=$(mktemp) || exit 1
{
    cat <<'SQL'
SET statement_timeout = 0; SET row_security = off;
SELECT current_setting('server_version_num')::int >= 170000 AS limits \gset
\if :limits
SET transaction_timeout = 0;
\endif
SQL
    counting
} | sql "$beside_dsn" >"$file" 2>&1 || { sed 's/^/failed /' "$file"; rm -f "$file"; exit 0; }
differences "$file"
