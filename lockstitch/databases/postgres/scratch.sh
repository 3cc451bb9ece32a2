# shellcheck shell=sh
# A scratch database is its login's own, wherever the dump came from. Its encoding is the dump's, and its collation too
# where this server has it; `C` goes with every encoding. The values are `beside`, `prefix`, `encoding`, `collate`, `ctype`.

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
