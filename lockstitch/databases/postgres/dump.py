"""PostgreSQL's own programs as constant shell texts. Its password is in the environment of one program at a time.

Facts: a snapshot that is exported is seen by pg_dump and by whoever counts (PostgreSQL documentation, "Snapshot
Synchronization Functions"); `ALTER DATABASE … RENAME` may stand in a transaction, and while it waits for others to go
no new connection gets in (src/backend/commands/dbcommands.c, `RenameDatabase`).
"""

from __future__ import annotations

# All that a URL leaves open would be a profile's to say; where files with keys and passwords are, it may.
FORGET = r"""
unset PGOPTIONS PGSERVICE PGSERVICEFILE PGDATABASE PGHOST PGHOSTADDR PGPORT PGUSER PGPASSWORD PGTZ PGDATESTYLE PGGEQO \
    PGSSLMODE PGREQUIRESSL PGSSLNEGOTIATION PGGSSENCMODE PGCHANNELBINDING PGREQUIREAUTH PGTARGETSESSIONATTRS \
    PGLOADBALANCEHOSTS PG_COLOR
"""
LOGIN = (
    FORGET
    + r"""
export PGCONNECT_TIMEOUT=10 PGCLIENTENCODING=UTF8 PGAPPNAME=lockstitch
pg() { PGPASSWORD="$password" "$@"; }
sql() { ls_on=$1; shift; pg psql -XAtq -w -v ON_ERROR_STOP=1 -v VERBOSITY=terse -d "$ls_on" "$@"; }
"""
)

# The tables whose rows a dump holds: not those of extensions, which their extension fills, nor what is passing.
_TABLES = r"""
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
        AND NOT EXISTS (
            SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY n.nspname, c.relname
"""
COUNT = (
    r"""
SELECT format('SELECT to_json(%L::text)::text || '':{"rows":'' || count(*) || '',"bytes":%s}'' FROM ONLY %I.%I',
    format('%I.%I', n.nspname, c.relname), pg_total_relation_size(c.oid), n.nspname, c.relname)
"""
    + _TABLES
    + r"\gexec"
)
# With those that hold no rows themselves, because pg_dump locks them too.
_LOCK = (
    r"""
SELECT format('LOCK TABLE ONLY %I.%I IN ACCESS SHARE MODE', n.nspname, c.relname)
"""
    + _TABLES.replace("c.relkind = 'r'", "c.relkind IN ('r', 'p')")
    + r"\gexec"
)

# `$heads` are lines `TABLE QUERY`: whichever framework's table is there tells its newest migration. A table of that
# name may be another one, or not for this login to read: then it tells nothing.
_HEAD = r"""
head_of() { printf '\\set ON_ERROR_STOP off\n'; printf '%s\n' "$heads" | while read -r table query; do
    printf "SAVEPOINT head;\nSELECT \$q\$%s\$q\$ WHERE to_regclass('%s') IS NOT NULL \\\\gexec\n" "$query" "$table"
    echo 'ROLLBACK TO head;'
done; }
"""

# What `dump` leaves in the working folder: database.dump or database/, and the files tables, size, head, server, tool.
DUMP = (
    LOGIN
    + _HEAD
    + r"""
trap '' PIPE
mkfifo in out
sql "$dsn" <in >out 2>said &
counting=$!
exec 8>in 9<out
# Where psql has ended, writing fails: what it said is told below.
cat >&8 2>/dev/null <<'SQL' || :
SET lock_timeout = '60s'; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
SET row_security = off;
SELECT current_setting('server_version_num')::int >= 170000 AS limits \gset
\if :limits
SET transaction_timeout = 0;
\endif
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SQL
cat >&8 2>/dev/null <<'SQL' || :
"""
    + _LOCK
    + r"""
SELECT pg_export_snapshot(), pg_database_size(current_database()), current_setting('server_version'),
    current_setting('server_encoding'), to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
SQL
IFS='|' read -r snapshot size server encoding at <&9 || { wait $counting || :; cat said; exit 1; }
for word in size server at; do eval "printf %s \"\$$word\"" >"$word"; done
pg_dump --version | sed 's/^[^0-9]*//; s/ .*//' >tool
if [ "$jobs" -gt 1 ]; then set -- -Fd -j "$jobs" -f database; else set -- -Fc -f database.dump; fi
# In its own encoding: what is in SQL_ASCII need not be UTF-8.
# Its tables are locked already. Where it has to wait nevertheless, somebody waits for us who waits for nobody else.
pg pg_dump -w -v -d "$dsn" -E "$encoding" --snapshot="$snapshot" --lock-wait-timeout=5s "$@" 8>&- 9<&- >log 2>&1 &
dumping=$!
cat >&8 2>/dev/null <<'SQL' || :
\o tables
"""
    + COUNT
    + r"""
\o head
SQL
head_of >&8 2>/dev/null || :
(while sleep 1; do
    echo "progress $(($(du -sk database* 2>/dev/null | cut -f 1) * 1024)) bytes, $(grep -c 'dumping contents of table' log) tables"
done) 8>&- 9<&- &
telling=$!
code=0; wait $dumping || code=$?
kill $telling 2>/dev/null || :
# Until here it was not told that nothing more comes: its snapshot ends with it.
exec 8>&-
[ $code -eq 0 ] || { kill $counting 2>/dev/null || :; wait $counting 2>/dev/null || :; cat said; grep -v '^pg_dump: \(dumping\|reading\|saving\|finding\|identifying\|creating\|flagging\|processing\|entering\|last\|executing\)' log | tail -n 20; exit 1; }
wait $counting || { cat said; exit 1; }
exec 9<&-
rm -f in out said log
"""
)

READABLE = r"""
pg_restore --list "$dump" >/dev/null || { echo "pg_restore cannot read $dump"; exit 1; }
"""

# What would end pg_dump midway: `denied WHAT: WHAT LETS IT`, one of a kind in each schema.
_DENIED = (
    r"""
WITH held AS (
    SELECT c.oid, c.relname, n.oid AS schema, n.nspname, CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind
"""
    + _TABLES.replace("c.relkind = 'r'", "c.relkind IN ('r', 'p', 'S')").partition("ORDER BY")[0]
    + r"""
), denied AS (
    SELECT kind || ' ' || quote_ident(relname) AS what,
        CASE WHEN has_schema_privilege(schema, 'USAGE') THEN '' ELSE format('GRANT USAGE ON SCHEMA %I TO %I; ', nspname,
            current_user) END || format('GRANT SELECT ON ALL %sS IN SCHEMA %I TO %I;', upper(kind), nspname, current_user) AS way
        FROM held WHERE NOT has_schema_privilege(schema, 'USAGE')
            OR NOT CASE kind WHEN 'table' THEN has_table_privilege(oid, 'SELECT') ELSE has_sequence_privilege(oid, 'SELECT') END
    UNION ALL SELECT format('rows of %I (row-level security)', relname), format('ALTER ROLE %I BYPASSRLS;', current_user)
        FROM held WHERE kind = 'table' AND row_security_active(oid)
    UNION ALL SELECT 'large object ' || oid, format('GRANT SELECT ON LARGE OBJECT %s TO %I;', oid, current_user)
        FROM pg_largeobject_metadata m WHERE current_setting('lo_compat_privileges') = 'off'
            AND NOT pg_has_role(lomowner, 'USAGE') AND NOT EXISTS (SELECT FROM aclexplode(m.lomacl) a WHERE
                a.privilege_type = 'SELECT' AND CASE a.grantee WHEN 0 THEN true ELSE pg_has_role(a.grantee, 'USAGE') END)
)
SELECT 'denied ' || string_agg(line, ' ') FROM (SELECT min(what) || ': ' || way AS line FROM denied GROUP BY way LIMIT 10) told;
"""
)

# What a plan is made from. Every answer is a line of `word rest`.
FACTS = (
    LOGIN
    + _HEAD
    + r"""
echo "tool $(pg_dump --version 2>/dev/null | sed 's/^[^0-9]*//; s/ .*//')"
sql "$dsn" -v mark="${database}__" 2>&1 <<'SQL' || :
SELECT 'server ' || current_setting('server_version');
SELECT 'size ' || pg_database_size(current_database());
SELECT unnest(ARRAY['encoding ' || pg_encoding_to_char(encoding), 'collate ' || datcollate, 'ctype ' || datctype])
    FROM pg_database WHERE datname = current_database();
SELECT 'able create' FROM pg_roles WHERE rolname = current_user AND (rolcreatedb OR rolsuper);
SELECT 'able own' FROM pg_database WHERE datname = current_database() AND pg_has_role(datdba, 'MEMBER');
SELECT 'other ' || datname FROM pg_database WHERE starts_with(datname, :'mark') AND datname <> current_database();
"""
    + _DENIED
    + r"""
SQL
{ echo 'BEGIN;'; head_of; } | sql "$dsn" 2>/dev/null | head -n 1 | sed 's/^/head /'
exit 0
"""
)

HEAD = (
    LOGIN
    + _HEAD
    + r"""
head=$({ echo 'BEGIN;'; head_of; } | sql "$dsn" 2>/dev/null | head -n 1 | tr -cd 'A-Za-z0-9 ._:+(),/-') || exit 1
echo "told head_after $head"
"""
)
