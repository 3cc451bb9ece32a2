"""PostgreSQL: a dump restored beside the database that serves, counted, and swapped with it, as constant shell texts."""

from __future__ import annotations

from lockstitch.services.postgres_shell import COUNT, LOGIN

_COUNTED = (
    r"""
counted() { sql "$1" <<'SQL'
SET statement_timeout = 0; SET row_security = off;
SELECT current_setting('server_version_num')::int >= 170000 AS limits \gset
\if :limits
SET transaction_timeout = 0;
\endif
"""
    + COUNT
    + r"""
SQL
}
"""
)

_THERE = r"""
# What could not be asked is not "no": a server that has just lost all its sessions may let nobody in for a moment.
there() {
    ls_tries=20
    until ls_names=$(sql "$admin" -v name="$1" 2>&1 <<'SQL'
SELECT 'there' FROM pg_database WHERE datname = :'name';
SQL
    ); do
        ls_tries=$((ls_tries - 1))
        [ $ls_tries -gt 0 ] || { printf '%s\n' "$ls_names"; exit 1; }
        sleep 0.5
    done
    [ "$ls_names" = there ]
}
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
    FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace, to_jsonb(d) j
    WHERE datname = :'database' \gexec
SQL
# What this login may not set, an administrator has set: it is told, and the data is restored without it.
sql "$admin" -v database="$database" -v beside="$beside" 2>&1 <<'SQL' | sed 's/^ERROR:/not copied from the database that serves:/'
\set ON_ERROR_STOP off
SELECT format(CASE setrole WHEN 0 THEN 'ALTER DATABASE %I' ELSE 'ALTER ROLE %2$I IN DATABASE %1$I' END, :'beside',
        CASE setrole WHEN 0 THEN '' ELSE pg_get_userbyid(setrole) END)
    || format(' SET %I TO ', split_part(s, '=', 1))
    || CASE WHEN split_part(s, '=', 1) IN ('search_path', 'temp_tablespaces', 'local_preload_libraries',
        'session_preload_libraries') THEN (
            SELECT string_agg(quote_literal(CASE WHEN e[1] LIKE '"%' THEN replace(substr(e[1], 2, length(e[1]) - 2), '""', '"')
                ELSE e[1] END), ', ' ORDER BY place)
            FROM regexp_matches(substr(s, strpos(s, '=') + 1), '("(?:[^"]|"")*"|[^,\s]+)', 'g') WITH ORDINALITY AS m (e, place))
        ELSE quote_literal(substr(s, strpos(s, '=') + 1)) END
    FROM pg_db_role_setting, unnest(setconfig) s
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = :'database') \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC, %I', :'beside', pg_get_userbyid(datdba))
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

# `$owners`: --no-owner and the like, where the roles of the dump need not be. What a database has set for its sessions
# is set for this one too: pg_restore undoes the time limits, and not that it is only to be read.
RESTORE = (
    LOGIN
    + r"""
log=$(mktemp); trap 'rm -f "$log"' EXIT; trap 'exit 143' TERM INT HUP
[ -z "$owners" ] || set -- --no-owner --no-privileges
export PGOPTIONS='-c default_transaction_read_only=off'
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
ANALYZE = LOGIN + """sql "$beside_dsn" -c 'SET client_min_messages = error; SET statement_timeout = 0' -c ANALYZE\n"""

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
    trap 'kill $ending 2>/dev/null' EXIT; trap 'exit 143' TERM INT HUP
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
# Both were renamed or none was; a database that is called like the one to be kept may be somebody else's.
if there "$beside" || ! there "$kept"; then echo "nothing was swapped"; exit 0; fi
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
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = :'beside'
    AND usesysid IS NOT NULL AND pg_has_role(usesysid, 'USAGE') \g /dev/null
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
