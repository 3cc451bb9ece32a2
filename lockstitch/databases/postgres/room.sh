# shellcheck shell=sh disable=SC2034
# The question for the connections in use and allowed, as lines `room JSON`. Where this login may not see what a session
# is, it sees whose it is: the server's own workers are nobody's.

ls_room=$(cat <<'SQL'
WITH a AS (SELECT * FROM pg_stat_activity WHERE backend_type = 'client backend'
        OR backend_type IS NULL AND usesysid IS NOT NULL AND datid IS NOT NULL),
    rooms (of, used, allowed) AS (
        SELECT 'the server', (SELECT count(*) FROM a), current_setting('max_connections')::int
            - current_setting('superuser_reserved_connections')::int
            - coalesce(current_setting('reserved_connections', true)::int, 0)
        UNION ALL SELECT 'the database', (SELECT count(*) FROM a WHERE a.datid = d.oid), datconnlimit
            FROM pg_database d WHERE datname = current_database() AND datconnlimit >= 0
        UNION ALL SELECT 'the login ' || rolname, (SELECT count(*) FROM a WHERE a.usesysid = r.oid), rolconnlimit
            FROM pg_roles r WHERE rolname = session_user AND rolconnlimit >= 0 AND NOT rolsuper)
    SELECT 'room ' || row_to_json(rooms) FROM rooms;
SQL
)
