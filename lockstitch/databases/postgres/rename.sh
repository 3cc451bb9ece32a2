# shellcheck shell=sh
# The database `beside` gets the name `into`. No database is ever made under a name that a person has chosen: what a run
# has made is dropped when it fails, and a database of that name may be somebody's own.

sql "$admin" -v beside="$beside" -v into="$into" <<'SQL'
ALTER DATABASE :"beside" RENAME TO :"into";
SQL
