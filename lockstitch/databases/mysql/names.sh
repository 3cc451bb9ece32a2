# shellcheck shell=sh
# The names of all databases, as lines `name NAME`.

ask <<'SQL'
SELECT CONCAT('name ', schema_name) FROM information_schema.schemata;
SQL
