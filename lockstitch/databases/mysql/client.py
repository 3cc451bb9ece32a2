"""MySQL's and MariaDB's own programs as constant shell texts. The password is in a file that has no name.

Facts: option files are read from any path, and in them `\\` and `"` are escaped (MySQL documentation, "Using Option
Files"); a descriptor of a removed file can be opened again through /dev/fd as often as a program likes (proc(5)).
A session under LOCK TABLES … READ waits for whoever has written and not committed (tried with MariaDB 10.11).
"""

from __future__ import annotations

# Names are quoted, values come as hexadecimal digits: no text of SQL is made from them by the shell.
LOGIN = r"""
export MYSQL_TEST_LOGIN_FILE=/dev/null
unset MYSQL_GROUP_SUFFIX MYSQL_DEBUG MYSQL_PWD MYSQL_HOST MYSQL_TCP_PORT MYSQL_UNIX_PORT MARIADB_HOST MYSQL_HOME MARIADB_HOME 2>/dev/null || :
ls_mysql=$(command -v mariadb || command -v mysql) || ls_mysql=mysql
ls_dump=$(command -v mariadb-dump || command -v mysqldump) || ls_dump=mysqldump
ls_file=$(mktemp) || exit 1
exec 7<>"$ls_file" && rm -f "$ls_file" || exit 1
{
    printf '%s\n' "$options"
    printf '[client]\npassword="%s"\ndefault-character-set=utf8mb4\n' "$(printf %s "$password" | sed 's/["\\]/\\&/g')"
    cat <<'OPTIONS'
[mysql]
connect-timeout=10
loose-skip-reconnect
comments
max-allowed-packet=1G
init-command="SET SESSION sql_mode='', group_concat_max_len=4294967295, wait_timeout=604800, net_read_timeout=86400, net_write_timeout=86400 /*M!100100 , max_statement_time=0 */ /*!80000 , max_execution_time=0, information_schema_stats_expiry=0 */"
[mysqldump]
max-allowed-packet=1G
OPTIONS
} >&7 || { echo "no space is left for the temporary files"; exit 1; }
my() { ls_program=$1; shift; "$ls_program" --defaults-file=/dev/fd/7 "$@" 7<&7; }
sql() { ls_on=$1; shift; my "$ls_mysql" -N -B -n --raw --binary-mode --database="$ls_on" "$@"; }
# To the server, whatever databases there are.
ask() { my "$ls_mysql" -N -B -n --raw --binary-mode "$@"; }
hex() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n'; }
# `let NAME VALUE`: a variable @NAME for the SQL that follows.
let() { printf "SET @%s = CONVERT(X'%s' USING utf8mb4);\n" "$1" "$(hex "$2")"; }
loud() { grep -v "unknown \(variable\|option\) 'loose-" "$@"; }
is_mariadb() { case $("$ls_dump" --version 2>/dev/null) in *MariaDB*) ;; *) return 1 ;; esac; }
tool_version() { "$ls_dump" --version 2>/dev/null | sed -n '1{s/.*Distrib \([^, ]*\).*/\1/;s/.* from \([^, ]*\).*/\1/;s/.*Ver \([^ ]*\).*/\1/;p;}'; }
# What every dump is made with. MySQL's program would ask a server of another kind for what it has not.
dumped() {
    if is_mariadb; then :; else set -- --set-gtid-purged=OFF --loose-column-statistics=0 "$@"; fi
    my "$ls_dump" --single-transaction --quick --skip-lock-tables --no-tablespaces --hex-blob --default-character-set=utf8mb4 "$@"
}
"""

# In SQL: a quoted name, and whether a row of information_schema is of the database that the session is in.
NAMED = "CONCAT('`', REPLACE({}, '`', '``'), '`')"
HERE = "{0} = DATABASE() AND CAST({0} AS BINARY) = CAST(DATABASE() AS BINARY)"
TABLES = f"""
    FROM information_schema.tables t WHERE {HERE.format("t.table_schema")}
    AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
"""
# Each in a savepoint: a table that is not locked any more may be changed by others, and then the dump fails.
COUNT = f"""
SELECT CONCAT('SAVEPOINT one; SELECT /* lockstitch */ CONCAT(', QUOTE(JSON_QUOTE(t.table_name)), ',',
    QUOTE(':{{"rows":'), ', COUNT(*), ', QUOTE(CONCAT(',"bytes":', COALESCE(t.data_length + t.index_length, 0), '}}')),
    ') FROM ', {NAMED.format("t.table_name")}, '; ROLLBACK TO SAVEPOINT one;')
    {TABLES} ORDER BY t.table_name;
"""

# `$heads` are lines `TABLE QUERY`: whichever framework's table is there tells its newest migration.
HEAD_OF = r"""
head_of() { printf '%s\n' "$heads" | while read -r table query; do
    let table "$table"; let query "SELECT CONCAT('head ', ($query))"
    cat <<'SQL'
SET @query = IF(EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE()
    AND table_name = CONVERT(@table USING utf8)), @query, 'DO 0');
PREPARE head FROM @query;
EXECUTE head;
SQL
done; }
"""

# What a plan is made from. Every answer is a line of `word rest`.
FACTS = (
    LOGIN
    + HEAD_OF
    + r"""
echo "tool $(tool_version)"
{ let database "$database"; cat <<'SQL'; } | sql "$database" 2>&1 | loud || :
SELECT CONCAT('server ', VERSION());
SELECT CONCAT('size ', COALESCE(SUM(data_length + index_length), 0)) FROM information_schema.tables
    WHERE table_schema = DATABASE();
SELECT CONCAT('encoding ', @@character_set_database);
SELECT CONCAT('collate ', @@collation_database);
SELECT CONCAT('login ', CURRENT_USER());
SELECT CONCAT('database ', DATABASE());
SELECT CONCAT('other ', schema_name) FROM information_schema.schemata
    WHERE CAST(schema_name AS BINARY) LIKE CONCAT(CAST(REPLACE(REPLACE(REPLACE(@database, '\\', '\\\\'), '%', '\\%'), '_', '\\_') AS BINARY), '\\_\\_%');
SELECT DISTINCT CONCAT('definer ', d) FROM (
    SELECT definer AS d FROM information_schema.views WHERE table_schema = DATABASE()
    UNION SELECT definer FROM information_schema.triggers WHERE trigger_schema = DATABASE()
    UNION SELECT definer FROM information_schema.routines WHERE routine_schema = DATABASE()
    UNION SELECT definer FROM information_schema.events WHERE event_schema = DATABASE()) all_of_them
    WHERE d <> CURRENT_USER();
SELECT CONCAT('hidden ', LOWER(routine_type), ' ', routine_name, ' of ', definer) FROM information_schema.routines
    WHERE routine_schema = DATABASE() AND routine_definition IS NULL LIMIT 3;
SELECT 'binlog' FROM DUAL WHERE @@log_bin AND NOT @@log_bin_trust_function_creators AND (
    EXISTS (SELECT 1 FROM information_schema.triggers WHERE trigger_schema = DATABASE()) OR EXISTS (
        SELECT 1 FROM information_schema.routines WHERE routine_schema = DATABASE() AND routine_type = 'FUNCTION'));
SQL
# What the dump program asks of each view: it ends at the first that does not answer.
sql "$database" 2>/dev/null <<'SQL' |
SELECT CONCAT('SHOW FIELDS FROM ', """
    + NAMED.format("table_name")
    + r""", ';') FROM information_schema.views WHERE table_schema = DATABASE();
SQL
    sql "$database" --force 2>&1 >/dev/null | sed -n 's/^ERROR \([0-9]*\) ([^)]*) at line [0-9]*: /broken \1 /p' | head -n 3
echo 'SHOW GRANTS;' | sql "$database" 2>/dev/null | sed 's/ IDENTIFIED .*//; s/^GRANT /grant /'
head_of | sql "$database" --force 2>/dev/null | grep '^head ' | head -n 1
exit 0
"""
)
HEAD = (
    LOGIN
    + HEAD_OF
    + r"""
echo 'DO 0;' | sql "$database" || exit 1
head=$(head_of | sql "$database" --force 2>/dev/null | sed -n 's/^head //p' | head -n 1 | tr -cd 'A-Za-z0-9 ._:+(),/-')
echo "told head_after $head"
"""
)
