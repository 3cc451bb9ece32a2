# shellcheck shell=sh
# Two databases renamed in one transaction, and the sessions that are in the way. While the first rename waits, no new
# session begins (src/backend/commands/dbcommands.c, `RenameDatabase`), and the other psql ends the old ones. The value
# is `drain`, in seconds.

# By its number, which it keeps under another name: who comes to the one that takes its place is left alone.
number=$(sql "$admin" -v database="$database" <<'SQL'
SELECT oid FROM pg_database WHERE datname = :'database';
SQL
) || number=
end_them() { sql "$admin" -v number="$number" -v every="$1" <<'SQL'
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity JOIN pg_roles r ON r.oid = usesysid
    WHERE datid = :'number' AND (state = 'idle' OR :'every' = 'every')
    AND (pg_has_role(usesysid, 'USAGE') OR NOT r.rolsuper AND pg_has_role('pg_signal_backend', 'USAGE')) \g /dev/null
SELECT count(usesysid) FROM pg_stat_activity WHERE datid = :'number';
SQL
}
not_ours() { sql "$admin" -v number="$number" <<'SQL'
SELECT DISTINCT format('the session of %s (%s) is not one that %s may end', rolname, application_name, current_user)
    FROM pg_stat_activity JOIN pg_roles r ON r.oid = usesysid WHERE datid = :'number'
    AND NOT (pg_has_role(usesysid, 'USAGE') OR NOT r.rolsuper AND pg_has_role('pg_signal_backend', 'USAGE'));
SQL
}
drain() {
    deadline=$(($(date +%s) + drain))
    while left=$(end_them idle) && [ "$left" -gt 0 ]; do
        if [ "$(date +%s)" -ge $deadline ]; then
            others=$(not_ours); [ -z "$others" ] || { printf '%s\n' "$others" "nothing was renamed"; exit 1; }
            echo "$left connections had not ended after $drain s: they are ended now"; return 0
        fi
        sleep 0.2
    done
}
swap() {
    (while :; do end_them every >/dev/null 2>&1 || :; sleep 0.2; done) &
    ending=$!
    trap 'kill $ending 2>/dev/null' EXIT; trap 'trap "" TERM INT HUP; exit 143' TERM INT HUP
    tries=6
    while ! said=$(sql "$admin" -v database="$database" -v away="$1" -v come="$2" 2>&1 <<'SQL'
SET lock_timeout = '20s';
SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', :'come', datconnlimit)
    FROM pg_database WHERE datname = :'database' AND datconnlimit >= 0 \gexec
BEGIN;
ALTER DATABASE :"database" RENAME TO :"away";
ALTER DATABASE :"come" RENAME TO :"database";
COMMIT;
SQL
    ); do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || { printf '%s\n' "$said"; exit 1; }
        sleep 0.2
    done
}
