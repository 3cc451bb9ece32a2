"""PostgreSQL's own programs as constant shell texts. Its password is in the environment of one program at a time.

Facts: a snapshot that is exported is seen by pg_dump and by whoever counts (PostgreSQL documentation, "Snapshot
Synchronization Functions"); `ALTER DATABASE … RENAME` may stand in a transaction, and while it waits for others to go
no new connection gets in (src/backend/commands/dbcommands.c, `RenameDatabase`).
"""

from __future__ import annotations

LOGIN = r"""
export PGCONNECT_TIMEOUT=10 PGCLIENTENCODING=UTF8 PGAPPNAME=lockstitch
unset PGOPTIONS PGSERVICE PGSERVICEFILE PGDATABASE PGHOST PGHOSTADDR PGPORT PGUSER 2>/dev/null || :
pg() { PGPASSWORD="$password" "$@"; }
sql() { ls_on=$1; shift; pg psql -XAtq -w -v ON_ERROR_STOP=1 -v VERBOSITY=terse -d "$ls_on" "$@"; }
"""

# The tables whose rows a dump holds: not those of extensions, which their extension fills, nor what is passing.
_TABLES = r"""
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
        AND NOT EXISTS (
            SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY n.nspname, c.relname
"""
_COUNT = (
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
head_of() { printf '\\set ON_ERROR_STOP off\nBEGIN;\n'; printf '%s\n' "$heads" | while read -r table query; do
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
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SQL
cat >&8 2>/dev/null <<'SQL' || :
"""
    + _LOCK
    + r"""
SELECT pg_export_snapshot(), pg_database_size(current_database()), current_setting('server_version'),
    to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
SQL
IFS='|' read -r snapshot size server at <&9 || { wait $counting || :; cat said; exit 1; }
for word in size server at; do eval "printf %s \"\$$word\"" >"$word"; done
pg_dump --version | sed 's/^[^0-9]*//; s/ .*//' >tool
if [ "$jobs" -gt 1 ]; then set -- -Fd -j "$jobs" -f database; else set -- -Fc -f database.dump; fi
# Its tables are locked already. Where it has to wait nevertheless, somebody waits for us who waits for nobody else.
pg pg_dump -w -v -d "$dsn" --snapshot="$snapshot" --lock-wait-timeout=10s "$@" 8>&- 9<&- >log 2>&1 &
dumping=$!
cat >&8 2>/dev/null <<'SQL' || :
\o tables
"""
    + _COUNT
    + r"""
\o head
SQL
head_of >&8 2>/dev/null || :
exec 8>&-
(while sleep 1; do
    echo "progress $(($(du -sk database* | cut -f 1) * 1024)) bytes, $(grep -c 'dumping contents of table' log) tables"
done) 9<&- &
telling=$!
code=0; wait $dumping || code=$?
kill $telling 2>/dev/null || :
[ $code -eq 0 ] || { kill $counting 2>/dev/null || :; grep -v '^pg_dump: \(dumping\|reading\|saving\|finding\|identifying\|creating\|flagging\|processing\|entering\|last\|executing\)' log | tail -n 20; exit 1; }
wait $counting || { cat said; exit 1; }
exec 9<&-
rm -f in out said log
"""
)

READABLE = r"""
pg_restore --list "$dump" >/dev/null || { echo "pg_restore cannot read $dump"; exit 1; }
"""

_COUNTED = (
    r"""
counted() { sql "$1" <<'SQL'
SET statement_timeout = 0; SET row_security = off;
"""
    + _COUNT
    + r"""
SQL
}
"""
)

_THERE = r"""
there() { [ -n "$(sql "$admin" -v name="$1" <<'SQL'
SELECT 1 FROM pg_database WHERE datname = :'name';
SQL
)" ]; }
"""
# Like the database it stands beside in all that a dump does not hold: owner, encoding, locale, settings, rights.
# `$into` is the name that it is to have in the end, where that is not the database's own: it must be free.
CREATE = (
    LOGIN
    + _THERE
    + r"""
set -eu
if [ -n "$into" ] && there "$into"; then echo "there is a database $into already: nothing is restored over it"; exit 1; fi
sql "$admin" -v database="$database" -v beside="$beside" -v prefix="$prefix" <<'SQL'
SELECT format('DROP DATABASE %I', datname) FROM pg_database d WHERE :'prefix' <> '' AND starts_with(datname, :'prefix')
    AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname) \gexec
SELECT format('CREATE DATABASE %I TEMPLATE template0 OWNER %I ENCODING %L LC_COLLATE %L LC_CTYPE %L',
        :'beside', pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype)
    || CASE j ->> 'datlocprovider'
        WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L', coalesce(j ->> 'datlocale', j ->> 'daticulocale'))
        WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', j ->> 'datlocale')
        ELSE '' END
    || CASE spcname WHEN 'pg_default' THEN '' ELSE format(' TABLESPACE %I', spcname) END
    || CASE WHEN datconnlimit >= 0 THEN format(' CONNECTION LIMIT %s', datconnlimit) ELSE '' END
    FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace, to_jsonb(d) j
    WHERE datname = :'database' \gexec
SELECT format(CASE setrole WHEN 0 THEN 'ALTER DATABASE %I' ELSE 'ALTER ROLE %2$I IN DATABASE %1$I' END, :'beside',
        CASE setrole WHEN 0 THEN '' ELSE pg_get_userbyid(setrole) END)
    || format(' SET %I TO ', split_part(s, '=', 1))
    || CASE WHEN split_part(s, '=', 1) IN ('search_path', 'temp_tablespaces', 'local_preload_libraries',
        'session_preload_libraries') THEN substr(s, strpos(s, '=') + 1)
        ELSE quote_literal(substr(s, strpos(s, '=') + 1)) END
    FROM pg_db_role_setting, unnest(setconfig) s
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = :'database') \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'beside')
    FROM pg_database WHERE datname = :'database' AND datacl IS NOT NULL \gexec
SELECT format('GRANT %s ON DATABASE %I TO %s%s', privilege_type, :'beside',
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
        CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pg_database, aclexplode(datacl) WHERE datname = :'database' \gexec
SELECT format('COMMENT ON DATABASE %I IS %L', :'beside', said)
    FROM pg_database d, shobj_description(d.oid, 'pg_database') said WHERE datname = :'database' AND said <> '' \gexec
SQL
"""
)
# A scratch database is its login's own, wherever the dump came from.
SCRATCH = (
    LOGIN
    + r"""
set -eu
sql "$admin" -v beside="$beside" -v prefix="$prefix" <<'SQL'
SELECT format('DROP DATABASE %I', datname) FROM pg_database d WHERE :'prefix' <> '' AND starts_with(datname, :'prefix')
    AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname) \gexec
CREATE DATABASE :"beside" TEMPLATE template0 ENCODING 'UTF8';
SQL
"""
)

# `$owners`: --no-owner and the like, where the roles of the dump need not be.
RESTORE = (
    LOGIN
    + r"""
log=$(mktemp); trap 'rm -f "$log"' EXIT; trap 'exit 143' TERM INT HUP
[ -z "$owners" ] || set -- --no-owner --no-privileges
pg pg_restore -w -v --exit-on-error -j "$jobs" -d "$beside_dsn" "$@" "$dump" >"$log" 2>&1 &
restoring=$!
(while sleep 1; do echo "progress $(grep -c 'processing data for table' "$log") tables"; done) &
telling=$!
code=0; wait $restoring || code=$?
kill $telling 2>/dev/null || :
[ $code -eq 0 ] || { grep -v '^pg_restore: \(creating\|processing\|connecting\|launching\|finished\|implied\|entering\|while\|item\|skipping\)' "$log" | tail -n 20; exit 1; }
"""
)
# What only a superuser may analyze is left out with a warning each.
ANALYZE = LOGIN + """sql "$beside_dsn" -c 'SET client_min_messages = error' -c ANALYZE\n"""

# Tells what differs from the manifest, a line each; `same N` when nothing does.
COMPARE = (
    LOGIN
    + _COUNTED
    + r"""
file=$(mktemp) || exit 1
counted "$beside_dsn" >"$file" 2>&1 || { sed 's/^/failed /' "$file"; rm -f "$file"; exit 0; }
there=$(rows_of "$file"); rm -f "$file"
wanted=$(rows_of "$directory/$name/manifest.json")
if [ "$there" = "$wanted" ]; then echo "same $(printf '%s' "$wanted" | grep -c .)"; exit 0; fi
printf '%s\n' "$wanted" | while read -r line; do
    case "
$there
" in *"
$line
"*) ;; *) echo "wanted $line" ;; esac
done | head -n 20
printf '%s\n' "$there" | while read -r line; do
    case "
$wanted
" in *"
$line
"*) ;; *) echo "found $line" ;; esac
done | head -n 20
"""
)

# The renames are one transaction. While the first of them waits, nobody new gets in, and the other psql ends who is left.
_RENAMES = (
    LOGIN
    + _THERE
    + r"""
# By its number, which it keeps under another name: who comes to the one that takes its place is left alone.
number=$(sql "$admin" -v database="$database" <<'SQL'
SELECT oid FROM pg_database WHERE datname = :'database';
SQL
) || number=
end_them() { sql "$admin" -v number="$number" -v every="$1" <<'SQL'
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity JOIN pg_roles r ON r.oid = usesysid
    WHERE datid = :'number' AND (state = 'idle' OR :'every' = 'every')
    AND (pg_has_role(usesysid, 'USAGE') OR NOT r.rolsuper AND pg_has_role('pg_signal_backend', 'USAGE')) \g /dev/null
SELECT count(*) FROM pg_stat_activity WHERE datid = :'number' AND backend_type = 'client backend';
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
    trap 'kill $ending 2>/dev/null' EXIT; trap 'exit 143' TERM INT HUP
    tries=6
    while ! said=$(sql "$admin" -v database="$database" -v away="$1" -v come="$2" 2>&1 <<'SQL'
SET lock_timeout = '20s';
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
"""
)
SWAP = (
    _RENAMES
    + r"""
if there "$kept" && ! there "$beside"; then echo "it was swapped already"; exit 0; fi
there "$beside" || { echo "$beside is not there"; exit 1; }
drain
swap "$kept" "$beside"
echo "$database is the restored one; the one before it is kept as $kept"
"""
)
UNSWAP = (
    _RENAMES
    + r"""
there "$kept" || { echo "nothing was swapped"; exit 0; }
if there "$database"; then swap "$undone" "$kept"; echo "$database is the old one again; the restored one is kept as $undone"
else sql "$admin" -v database="$database" -v kept="$kept" <<'SQL'
ALTER DATABASE :"kept" RENAME TO :"database";
SQL
fi
"""
)
# No database is made under a name of the person's: there may be one of that name, and what was made is dropped.
RENAME = (
    LOGIN
    + r"""
sql "$admin" -v beside="$beside" -v into="$into" <<'SQL'
ALTER DATABASE :"beside" RENAME TO :"into";
SQL
"""
)
DROP = (
    LOGIN
    + r"""
sql "$admin" -v beside="$beside" <<'SQL'
SET client_min_messages = warning;
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = :'beside' \g /dev/null
DROP DATABASE IF EXISTS :"beside";
SQL
"""
)
NAMES = (
    LOGIN
    + r"""
sql "$admin" <<'SQL'
SELECT 'name ' || datname FROM pg_database;
SQL
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
SELECT 'able create' FROM pg_roles WHERE rolname = current_user AND (rolcreatedb OR rolsuper);
SELECT 'able own' FROM pg_database WHERE datname = current_database() AND pg_has_role(datdba, 'MEMBER');
SELECT 'other ' || datname FROM pg_database WHERE starts_with(datname, :'mark') AND datname <> current_database();
SQL
head_of | sql "$dsn" 2>/dev/null | head -n 1 | sed 's/^/head /'
exit 0
"""
)

HEAD = (
    LOGIN
    + _HEAD
    + r"""
head=$(head_of | sql "$dsn" | head -n 1 | tr -cd 'A-Za-z0-9 ._:+(),/-') || exit 1
echo "told head_after $head"
"""
)
