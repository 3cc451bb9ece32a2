# shellcheck shell=sh
# What a plan is made from, as lines `WORD REST`. The values are `heads` and `applied`.

echo "tool $(pg_dump --version 2>/dev/null | sed 's/^[^0-9]*//; s/ .*//')"
# The last question is for what would end pg_dump midway: `denied WHAT: REMEDY`, one of a kind in each schema.
sql "$dsn" -v mark="${database}__" 2>&1 <<SQL || :
SELECT 'server ' || current_setting('server_version');
SELECT 'size ' || pg_database_size(current_database());
SELECT unnest(ARRAY['encoding ' || pg_encoding_to_char(encoding), 'collate ' || datcollate, 'ctype ' || datctype])
    FROM pg_database WHERE datname = current_database();
SELECT 'able create' FROM pg_roles WHERE rolname = current_user AND (rolcreatedb OR rolsuper);
SELECT 'able own' FROM pg_database WHERE datname = current_database() AND pg_has_role(datdba, 'MEMBER');
SELECT 'other ' || datname FROM pg_database WHERE starts_with(datname, :'mark') AND datname <> current_database();
WITH held AS (
    SELECT c.oid, c.relname, n.oid AS schema, n.nspname, CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind
$(tables "'r', 'p', 'S'")
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
SELECT 'denied ' || string_agg(line, ' ') FROM (SELECT min(what) || ': ' || way AS line FROM denied GROUP BY way LIMIT 10) lines;
SQL
{
    echo 'BEGIN;'; head_of
    asking "$applied"
    printf '%s\n' "$applied" | while read -r table _; do
        # One that lies in another schema is not known, but not absent.
        echo "SELECT 'lacks $table' WHERE NOT EXISTS (SELECT FROM pg_class WHERE relname = '$table');"
    done
} | sql "$dsn" 2>/dev/null | awk '/^(applied|lacks) / { print; next } !head++ { print "head " $0 }'
exit 0
