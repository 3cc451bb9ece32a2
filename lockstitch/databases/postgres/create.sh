# shellcheck shell=sh
# A database `beside` like the one it stands beside, in all that a dump does not hold: owner, encoding, locale,
# settings, rights. `into` is its name in the end, where that is not the database's own: no database may have it.
# `prefix` begins the names of databases that cut-off runs have left.

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
