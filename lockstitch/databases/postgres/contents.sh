# shellcheck shell=sh
# SQL for what a database holds: its tables, the rows of each, its newest migration.

# `tables KINDS`: the tables that a dump holds. An extension fills its own tables, and temporary ones pass.
tables() { cat <<SQL
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ($1) AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
        AND NOT EXISTS (
            SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
SQL
}
counting() { cat <<SQL
SELECT format('SELECT to_json(%L::text)::text || '':{"rows":'' || count(*) || '',"bytes":%s}'' FROM ONLY %I.%I',
    format('%I.%I', n.nspname, c.relname), pg_total_relation_size(c.oid), n.nspname, c.relname)
$(tables "'r'")
    ORDER BY n.nspname, c.relname \gexec
SQL
}
# `$heads` are lines `TABLE QUERY`: the table of a framework that is there knows its newest migration. A table of that
# name may be another one, or not for this login to read: then there is no answer.
head_of() { asking "$heads"; }
asking() { printf '\\set ON_ERROR_STOP off\n'; printf '%s\n' "$1" | while read -r table query; do
    printf "SAVEPOINT head;\nSELECT \$q\$%s\$q\$ WHERE to_regclass('%s') IS NOT NULL \\\\gexec\n" "$query" "$table"
    echo 'ROLLBACK TO head;'
done; }
