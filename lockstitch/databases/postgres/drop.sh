# shellcheck shell=sh
# The database `beside` is dropped, and its sessions end.

sql "$admin" -v beside="$beside" <<'SQL'
SET client_min_messages = warning;
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = :'beside'
    AND usesysid IS NOT NULL AND pg_has_role(usesysid, 'USAGE') \g /dev/null
DROP DATABASE IF EXISTS :"beside";
SQL
