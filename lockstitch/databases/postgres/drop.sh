# shellcheck shell=sh
# The database `beside` is dropped, and its sessions end.

# A server goes on making a database whose client was cut off: it would be there after it was dropped. What waits to be
# ended, or has just made it, is asked again.
making() { sql "$admin" -v beside="$beside" <<'SQL'
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()
    AND starts_with(query, 'CREATE DATABASE ' || quote_ident(:'beside') || ' ') AND pg_has_role(usesysid, 'USAGE');
SQL
}
ls_tries=100
while left=$(making 2>/dev/null) && [ "$left" -gt 0 ] && [ $ls_tries -gt 0 ]; do ls_tries=$((ls_tries - 1)); sleep 0.1; done
sql "$admin" -v beside="$beside" <<'SQL'
SET client_min_messages = warning;
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = :'beside'
    AND usesysid IS NOT NULL AND pg_has_role(usesysid, 'USAGE') \g /dev/null
DROP DATABASE IF EXISTS :"beside";
SQL
