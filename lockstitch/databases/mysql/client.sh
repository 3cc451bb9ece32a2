# shellcheck shell=sh
# MySQL's and MariaDB's own programs. The values `password`, `options` and `database` are the login's. The password is in
# a file that has no name: an option file is read from any path, and in it `\` and `"` are escaped (MySQL documentation,
# "Using Option Files"); a descriptor of a removed file can be opened again through /dev/fd (proc(5)).
# Names are quoted, values come as hexadecimal digits: the shell makes no text of SQL from them.

export MYSQL_TEST_LOGIN_FILE=/dev/null
unset MYSQL_GROUP_SUFFIX MYSQL_DEBUG MYSQL_PWD MYSQL_HOST MYSQL_TCP_PORT MYSQL_UNIX_PORT MARIADB_HOST MYSQL_HOME MARIADB_HOME 2>/dev/null || :
ls_mysql=$(command -v mariadb || command -v mysql) || ls_mysql=mysql
ls_dump=$(command -v mariadb-dump || command -v mysqldump) || ls_dump=mysqldump
ls_file=$(mktemp) || exit 1
exec 7<>"$ls_file" && rm -f "$ls_file" || exit 1
# Most have nothing to escape.
ls_secret=$password
case $password in *[\"\\]*) ls_secret=$(printf %s "$password" | sed 's/["\\]/\\&/g') ;; esac
{
    printf '%s\n' "$options"
    printf '[client]\npassword="%s"\ndefault-character-set=utf8mb4\n' "$ls_secret"
    printf '%s\n' '[mysql]' connect-timeout=10 loose-skip-reconnect comments max-allowed-packet=1G \
        "init-command=\"SET SESSION sql_mode='', group_concat_max_len=4294967295, wait_timeout=604800, net_read_timeout=86400, net_write_timeout=86400 /*M!100100 , max_statement_time=0 */ /*!80000 , max_execution_time=0, information_schema_stats_expiry=0 */\"" \
        '[mysqldump]' max-allowed-packet=1G
} >&7 || { echo "no space is left for the temporary files"; exit 1; }
my() { ls_program=$1; shift; "$ls_program" --defaults-file=/dev/fd/7 "$@" 7<&7; }
sql() { ls_on=$1; shift; my "$ls_mysql" -N -B -n --raw --binary-mode --database="$ls_on" "$@"; }
# To the server, whatever databases there are.
ask() { my "$ls_mysql" -N -B -n --raw --binary-mode "$@"; }
# Its digits come in words, without the blanks between them.
# shellcheck disable=SC2046
hex() { printf %s $(printf %s "$1" | od -An -v -tx1); }
# `assign NAME VALUE`: a variable @NAME for the SQL that follows.
assign() { printf "SET @%s = CONVERT(X'%s' USING utf8mb4);\n" "$1" "$(hex "$2")"; }
loud() { grep -v "unknown \(variable\|option\) 'loose-" "$@"; }
# What the dump program says of itself. A subshell forgets what it has asked.
dump_version() { ls_says=${ls_says:-$("$ls_dump" --version 2>/dev/null || :)}; }
is_mariadb() { dump_version; case $ls_says in *MariaDB*) ;; *) return 1 ;; esac; }
tool_version() { dump_version; printf '%s\n' "$ls_says" | sed -n '1{s/.*Distrib \([^, ]*\).*/\1/;s/.* from \([^, ]*\).*/\1/;s/.*Ver \([^ ]*\).*/\1/;p;}'; }
# What every dump is made with. MySQL's program would ask a server of another kind for what it has not.
dumped() {
    if is_mariadb; then :; else set -- --set-gtid-purged=OFF --loose-column-statistics=0 "$@"; fi
    my "$ls_dump" --single-transaction --quick --skip-lock-tables --no-tablespaces --hex-blob --default-character-set=utf8mb4 "$@"
}
