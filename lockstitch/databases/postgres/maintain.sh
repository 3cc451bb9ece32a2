# shellcheck shell=sh
# ANALYZE of the whole database, which may take longer than a login's queries may. It prints which tables were skipped,
# without the server's own.

said=$(sql "$dsn" -c 'SET statement_timeout = 0' -c ANALYZE 2>&1) || { printf '%s\n' "$said"; exit 1; }
printf '%s\n' "$said" |
    grep -Ev '"(pg_[^"]*|sql_(features|implementation_info|languages|packages|parts|sizing|sizing_profiles))"' | grep .
exit 0
