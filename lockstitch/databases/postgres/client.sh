# shellcheck shell=sh
# PostgreSQL's own programs. The values `password`, `dsn` and `admin` are the login's; the password is in the
# environment of one program at a time. forget.sh comes before this text.

export PGCONNECT_TIMEOUT=10 PGCLIENTENCODING=UTF8 PGAPPNAME=lockstitch
pg() { PGPASSWORD="$password" "$@"; }
sql() { ls_on=$1; shift; pg psql -XAtq -w -v ON_ERROR_STOP=1 -v VERBOSITY=terse -d "$ls_on" "$@"; }
