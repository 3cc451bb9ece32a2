# shellcheck shell=sh
# A dump of one database, with the rows of every table in the same snapshot. In the working folder it leaves
# database.dump or database/, and the files tables, size, head, server, tool, at. A snapshot that a session exports is
# seen by pg_dump and by the session itself, which counts (PostgreSQL documentation, "Snapshot Synchronization
# Functions"). The values are `jobs` and `heads`.

trap '' PIPE
mkfifo in out
sql "$dsn" <in >out 2>said &
counting=$!
exec 8>in 9<out
# Where psql has ended, writing fails: its error is printed below. pg_dump locks the tables that hold no rows too.
{
cat <<'SQL'
SET lock_timeout = '60s'; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
SET row_security = off;
SELECT current_setting('server_version_num')::int >= 170000 AS limits \gset
\if :limits
SET transaction_timeout = 0;
\endif
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SELECT format('LOCK TABLE ONLY %I.%I IN ACCESS SHARE MODE', n.nspname, c.relname)
SQL
tables "'r', 'p'"
cat <<'SQL'
    ORDER BY n.nspname, c.relname \gexec
SELECT pg_export_snapshot(), pg_database_size(current_database()), current_setting('server_version'),
    current_setting('server_encoding'), to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
SQL
} >&8 2>/dev/null || :
IFS='|' read -r snapshot size server encoding at <&9 || { wait $counting || :; cat said; exit 1; }
printf %s "$size" >size; printf %s "$server" >server; printf %s "$at" >"at"
pg_dump --version | sed 's/^[^0-9]*//; s/ .*//' >tool
if [ "$jobs" -gt 1 ]; then set -- -Fd -j "$jobs" -f database; else set -- -Fc -f database.dump; fi
# In its own encoding: what is in SQL_ASCII need not be UTF-8.
# Its tables are locked already. Where it has to wait nevertheless, somebody waits for us who waits for nobody else.
pg pg_dump -w -v -d "$dsn" -E "$encoding" --snapshot="$snapshot" --lock-wait-timeout=5s "$@" 8>&- 9<&- >log 2>&1 &
dumping=$!
{ echo '\o tables'; counting; echo '\o head'; head_of; } >&8 2>/dev/null || :
(while sleep 1; do
    echo "progress $(($(du -sk database* 2>/dev/null | cut -f 1) * 1024)) bytes, $(grep -c 'dumping contents of table' log) tables"
done) 8>&- 9<&- &
progress=$!
code=0; wait $dumping || code=$?
kill $progress 2>/dev/null || :
# The session's input ends here, and its snapshot with it.
exec 8>&-
[ $code -eq 0 ] || {
    kill $counting 2>/dev/null || :; wait $counting 2>/dev/null || :; cat said
    grep -v '^pg_dump: \(dumping\|reading\|saving\|finding\|identifying\|creating\|flagging\|processing\|entering\|last\|executing\)' log | tail -n 20
    exit 1
}
wait $counting || { cat said; exit 1; }
exec 9<&-
rm -f in out said log
