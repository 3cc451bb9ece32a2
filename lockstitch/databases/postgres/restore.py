"""PostgreSQL: a dump restored into a database of its own, and counted, as constant shell texts."""

from __future__ import annotations

from lockstitch.databases.postgres.dump import COUNT, LOGIN

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

THERE = r"""
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
    + THERE
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
# A scratch database is its login's own, wherever the dump came from. Text is in what it was dumped from, and sorted so
# where this server can; `C` goes with every encoding.
SCRATCH = (
    LOGIN
    + r"""
set -eu
sql "$admin" -v prefix="$prefix" <<'SQL'
SELECT format('DROP DATABASE %I', datname) FROM pg_database d WHERE :'prefix' <> '' AND starts_with(datname, :'prefix')
    AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname) \gexec
SQL
make() { sql "$admin" -v beside="$beside" -v encoding="$encoding" -v collate="$1" -v ctype="$2" <<'SQL'
SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L', :'beside', :'encoding')
    || CASE :'collate' WHEN '' THEN '' ELSE format(' LC_COLLATE %L LC_CTYPE %L', :'collate', :'ctype')
        || CASE WHEN current_setting('server_version_num')::int < 150000 THEN '' ELSE ' LOCALE_PROVIDER libc' END END \gexec
SQL
}
encoding=${encoding:-UTF8}
if [ -n "$collate" ] && [ -n "$ctype" ] && make "$collate" "$ctype" 2>/dev/null; then :
elif [ "$encoding" = UTF8 ]; then make '' ''
else make C C; fi
"""
)

# `$owners`: --no-owner and the like, where the roles of the dump need not be. What a database has set for its sessions
# is set for this one too: pg_restore undoes the time limits, and not that it is only to be read.
RESTORE = (
    LOGIN
    + r"""
surroundings='FATAL|PANIC|connection to server|server closed the connection|SSL|No space left|could not extend|out of (shared )?memory'
surroundings="$surroundings|permission denied|must be (superuser|owner|member)|canceling statement|is not available|control file"
surroundings="$surroundings|(role|tablespace) \"[^\"]*\" does not exist|unrecognized configuration parameter|unsupported version"
log=$(mktemp); trap 'rm -f "$log"' EXIT; trap 'exit 143' TERM INT HUP
[ -z "$owners" ] || set -- --no-owner --no-privileges
export PGOPTIONS='-c default_transaction_read_only=off'
pg pg_restore -w -v --exit-on-error -j "$jobs" -d "$beside_dsn" "$@" "$dump" >"$log" 2>&1 &
restoring=$!
(while sleep 1; do echo "progress $(grep -c 'processing data for table' "$log") tables"; done) &
telling=$!
code=0; wait $restoring || code=$?
kill $telling 2>/dev/null || :
[ $code -ne 0 ] || exit 0
said=$(grep -v '^pg_restore: \(creating\|processing\|connecting\|launching\|finished\|implied\|entering\|while\|item\|skipping\)' "$log" | tail -n 20)
printf '%s\n' "$said"
# A server, a login or a disk that failed says nothing of the dump, nor does a worker that somebody has killed.
if [ $code -eq 1 ] && printf '%s\n' "$said" | grep -v 'worker process' | grep -q . && sql "$beside_dsn" -c 'SELECT 1' >/dev/null 2>&1 &&
    ! printf '%s\n' "$said" | grep -Eq "$surroundings"
then printf '%s\n' "$said" | unrestorable; fi
exit 1
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
