# shellcheck shell=sh
# The end of a session's `start`. console_start.sh comes before it.

export MYSQL_TEST_LOGIN_FILE=/dev/null
unset MYSQL_GROUP_SUFFIX MYSQL_DEBUG MYSQL_PWD MYSQL_HOST MYSQL_TCP_PORT MYSQL_UNIX_PORT
program=$(command -v mariadb || command -v mysql)
"$program" --defaults-file="$folder/options" --no-auto-rehash --database="$(cat "$folder/database")" --prompt="$(cat "$folder/environment") \\d> "
