"""What a person has the client of MySQL or MariaDB do: a session at a terminal; and ANALYZE TABLE."""

from __future__ import annotations

from lockstitch.databases.console import OPENED
from lockstitch.databases.mysql.client import LOGIN, NAMED, TABLES

# A line each for what was not analyzed.
MAINTAIN = (
    LOGIN
    + r"""
made=$(sql "$database" 2>&1 <<'SQL'
SELECT CONCAT('ANALYZE NO_WRITE_TO_BINLOG TABLE ', """
    + NAMED.format("t.table_name")
    + ", ';')"
    + TABLES
    + r""";
SQL
) || { printf '%s\n' "$made"; exit 1; }
[ -n "$made" ] || exit 0
said=$(printf '%s\n' "$made" | sql "$database" 2>&1) || { printf '%s\n' "$said"; exit 1; }
printf '%s\n' "$said" | grep -v '	status	\(OK\|Table is already up to date\)$' | grep -v '	status	Engine-independent statistics collected$'
exit 0
"""
)

# Nothing of it is in the command line or the environment, which a command typed in it (`\!`) would see.
SHELL = (
    r"""
command -v mariadb >/dev/null || command -v mysql >/dev/null || { echo "neither mariadb nor mysql is found on this host"; exit 1; }
{
    printf '%s\n' "$options" '[client]' 'default-character-set=utf8mb4'
    [ -z "$password" ] || printf 'password="%s"\n' "$(printf %s "$password" | sed 's/["\\]/\\&/g')"
    printf '[mysql]\nconnect-timeout=10\n'
} >options
printf %s "$database" >database
printf %s "$environment" >environment
cat >start <<'SH'
"""
    + OPENED
    + r"""
export MYSQL_TEST_LOGIN_FILE=/dev/null
unset MYSQL_GROUP_SUFFIX MYSQL_DEBUG MYSQL_PWD MYSQL_HOST MYSQL_TCP_PORT MYSQL_UNIX_PORT
program=$(command -v mariadb || command -v mysql)
"$program" --defaults-file="$folder/options" --no-auto-rehash --database="$(cat "$folder/database")" --prompt="$(cat "$folder/environment") \\d> "
SH
"""
)
