# shellcheck shell=sh
# The pools of PgBouncer, by its console: a table with a heading, its columns apart by tabs.

pg psql -XAq -w -P footer=off -F "$(printf '\t')" -v VERBOSITY=terse -d "$dsn" -c 'SHOW POOLS' 2>&1
