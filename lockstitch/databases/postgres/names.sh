# shellcheck shell=sh
# The names of all databases, as lines `name NAME`.

sql "$admin" <<'SQL'
SELECT 'name ' || datname FROM pg_database;
SQL
