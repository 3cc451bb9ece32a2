# shellcheck shell=sh
# The questions to a running PostgreSQL of version 11 to 18, also to a standby. Each answer is a line `WORD JSON`; long
# lists are cut. A question that fails is reported by psql, and the next one is asked all the same; after an answer comes
# `asked WORD`. A login without pg_monitor sees less (PostgreSQL documentation, "Viewing Statistics").
# Columns that not every version has are read through `to_jsonb(row)`. No question waits for a lock: `lock_timeout` is
# short, and what somebody has locked for himself alone is measured by what the catalog says of it.

# A session, of `a`, a row of pg_stat_activity. What follows the word password in a query may be one: it is left out.
# Seconds are since its query began or, where none runs, since it left a transaction open.
ls_session=$(cat <<'SQL'
'pid', a.pid, 'user', a.usename, 'application', left(a.application_name, 64), 'state', a.state,
    'client', coalesce(host(a.client_addr), CASE WHEN a.state <> '' THEN 'socket' END),
    'seconds', floor(extract(epoch FROM clock_timestamp()
        - CASE WHEN a.state LIKE 'idle in%' THEN a.xact_start ELSE a.query_start END)),
    'text', left(regexp_replace(regexp_replace(nullif(left(a.query, 2000), '<insufficient privilege>'),
        '(\mpassword\M).*', '\1 ***', 'i'), '\s+', ' ', 'g'), 200)
SQL
)
# `question WORD`: the SQL on stdin.
question() { cat; printf '\\if :ERROR\n\\else\n\\echo asked %s\n\\endif\n' "$1"; }
echo "host {\"now\": $(date +%s)}"
{
cat <<'SQL'
\set ON_ERROR_STOP off
SET standard_conforming_strings = on; SET search_path = pg_catalog; SET DateStyle = ISO;
SET statement_timeout = '10s'; SET lock_timeout = '1s';
SELECT 'server ' || json_build_object('version', current_setting('server_version'), 'database', current_database(),
    'user', session_user, 'up', floor(extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())), 'now', floor(extract(epoch FROM clock_timestamp())),
    'logs', current_setting('log_min_duration_statement'), 'slow', (
        SELECT setting::int FROM pg_settings WHERE name = 'log_min_duration_statement'));
SELECT 'server ' || json_build_object('size', pg_database_size(current_database()));
SELECT 'server ' || json_build_object('hidden', count(*)) FROM pg_stat_activity
    WHERE datname = current_database() AND query = '<insufficient privilege>';
SQL
printf '%s\n' "$ls_room" | question room
question query <<SQL
SELECT 'query ' || json_build_object($ls_session) FROM pg_stat_activity a
    WHERE datname = current_database() AND backend_type = 'client backend' AND state <> 'idle'
        AND pid <> pg_backend_pid()
    ORDER BY CASE WHEN state LIKE 'idle in%' THEN xact_start ELSE query_start END LIMIT 10;
SQL
# What a deploy begins names itself, also between two statements and to a login that sees no more of it; else it is told
# by what it does.
question migration <<SQL
SELECT 'migration ' || json_build_object($ls_session) FROM pg_stat_activity a
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND (application_name LIKE 'lockstitch migrate%'
        OR backend_type = 'client backend' AND state <> 'idle' AND application_name <> 'lockstitch' AND query
            ~* '^\s*(alter|create|drop|truncate|reindex|cluster|comment\s+on|refresh|vacuum\s+\(?full)\M')
    ORDER BY xact_start LIMIT 10;
SQL
# Before version 14 nothing says when the waiting began: then it is taken to be as old as the query.
question waiting <<SQL
SELECT 'waiting ' || json_build_object('lock', l.locktype || ' ' || l.mode, 'on', l.relation::regclass::text,
    'waits', floor(extract(epoch FROM clock_timestamp() - l.since)), 'by', (
        SELECT json_agg(json_build_object($ls_session)) FROM (
            SELECT * FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids(l.pid)) ORDER BY xact_start LIMIT 3) a),
    $ls_session) FROM (
        SELECT l.pid, locktype, mode, CASE WHEN l.database = d.oid THEN relation END AS relation,
            CASE WHEN j ? 'waitstart' THEN coalesce((j ->> 'waitstart')::timestamptz, clock_timestamp())
                ELSE s.query_start END AS since
            FROM pg_locks l JOIN pg_stat_activity s USING (pid) JOIN pg_database d ON d.oid = s.datid, to_jsonb(l) j
            WHERE NOT l.granted AND d.datname = current_database()
            ORDER BY since LIMIT 10
    ) l JOIN pg_stat_activity a USING (pid) ORDER BY l.since;
SQL
question standby <<'SQL'
SELECT 'standby ' || json_build_object('connected', connected, 'paused', pg_is_wal_replay_paused(),
    'bytes', pg_wal_lsn_diff(got, done), 'seconds', CASE WHEN connected AND got <= done THEN 0
        ELSE floor(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())) END)
    FROM (SELECT pg_last_wal_receive_lsn() AS got, pg_last_wal_replay_lsn() AS done, EXISTS (
        SELECT FROM pg_stat_wal_receiver WHERE status IS DISTINCT FROM 'starting') AS connected) w
    WHERE pg_is_in_recovery();
SQL
question replica <<'SQL'
SELECT 'replica ' || json_build_object('name', application_name, 'client', host(client_addr),
    'state', state, 'bytes', pg_wal_lsn_diff(now, replay_lsn),
    'seconds', CASE WHEN replay_lsn >= now THEN 0 ELSE floor(extract(epoch FROM replay_lag)) END)
    FROM pg_stat_replication, (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
        ELSE pg_current_wal_lsn() END AS now) w
    WHERE state IS DISTINCT FROM 'backup' ORDER BY application_name LIMIT 20;
SQL
question slot <<'SQL'
SELECT 'slot ' || json_build_object('name', slot_name, 'bytes', pg_wal_lsn_diff(now, restart_lsn))
    FROM pg_replication_slots, (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
        ELSE pg_current_wal_lsn() END AS now) w
    WHERE NOT active AND restart_lsn IS NOT NULL ORDER BY slot_name LIMIT 20;
SQL
# A question about the size of a table, its indexes or its TOAST table waits for whoever has locked one of them.
question table <<'SQL'
WITH locked AS (
        SELECT relation FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation IS NOT NULL),
    tables AS (
        SELECT c.oid, reltuples, CASE WHEN c.oid IN (SELECT * FROM locked) OR reltoastrelid IN (SELECT * FROM locked)
                OR EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indexrelid IN (SELECT * FROM locked))
            THEN relpages::bigint * current_setting('block_size')::int
            ELSE pg_total_relation_size(c.oid) END AS bytes
        FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE relkind IN ('r', 'm') AND nspname <> 'information_schema' AND nspname !~ '^pg_'
        ORDER BY bytes DESC NULLS LAST, c.oid LIMIT 10)
    SELECT 'table ' || json_build_object('name', format('%I.%I', schemaname, relname), 'bytes', bytes,
        'rows', CASE WHEN reltuples > 0 THEN reltuples::bigint ELSE n_live_tup END, 'dead', n_dead_tup, 'analyzed',
        to_char(greatest(last_analyze, last_autoanalyze) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
    FROM tables t JOIN pg_stat_all_tables s ON s.relid = t.oid ORDER BY bytes DESC NULLS LAST, t.oid;
SQL
# Names that would be too long are made from the beginning of the database's own.
question beside <<'SQL'
SELECT 'beside ' || json_build_object('name', datname, 'kind', m[2], 'bytes',
        CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid) END)
    FROM pg_database, regexp_match(datname, '^(.*)__(before|restoring|proving|undone)_[0-9A-Za-z]+$') m
    WHERE m[1] = current_database() OR octet_length(datname) >= 60 AND starts_with(current_database(), m[1])
    ORDER BY datname LIMIT 20;
SQL
} | sql "$dsn" 2>&1
