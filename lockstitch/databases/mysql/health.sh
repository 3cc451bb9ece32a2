# shellcheck shell=sh
# The questions to a running MySQL or MariaDB. Each answer is a line `WORD JSON`; long lists are cut. Each is asked by
# itself, so that the others are answered where this version or this login has no answer to it; then comes `asked WORD`.
# What a login without PROCESS does not see is `denied WORD`, and no failure.

# A session, of `p`, a row of the process list. What follows the word password in a query may be one: it is left out.
ls_session=$(cat <<'SQL'
'pid', p.id, 'user', p.user, 'client', p.host,
    'application', CASE WHEN p.info LIKE '%/* lockstitch */%'
        OR p.info LIKE 'SELECT /*!40001 SQL\\_NO\\_CACHE */%' THEN 'lockstitch' ELSE '' END,
    'text', CASE WHEN LOCATE('identified', LOWER(p.info)) > 0
        THEN CONCAT(LEFT(p.info, LOCATE('identified', LOWER(p.info)) + 9), ' ***')
        WHEN LOCATE('password', LOWER(p.info)) > 0 THEN CONCAT(LEFT(p.info, LOCATE('password', LOWER(p.info)) + 7), ' ***')
        ELSE LEFT(p.info, 400) END
SQL
)
# `question WORD`: the SQL on stdin. A right that is lacking is no failure.
question() {
    ls_answer=$({ printf '%s\n' "$ls_limits"; cat; } | sql "$database" 2>&1) && ls_code=0 || ls_code=$?
    if [ "$ls_code" -eq 0 ]; then [ -z "$ls_answer" ] || printf '%s\n' "$ls_answer"; echo "asked $1"
    else
        case $ls_answer in *'ERROR 1227'* | *'ERROR 1044'* | *'ERROR 1142'*) echo "denied $1"; echo "asked $1" ;;
            *) printf '%s\n' "$ls_answer" | loud ;; esac
    fi
}
ls_limits='SET SESSION lock_wait_timeout = 1 /*M!100100 , max_statement_time = 10 */ /*!80000 , max_execution_time = 10000 */;'
echo "host {\"now\": $(date +%s)}"
question server <<'SQL'
SELECT CONCAT('server ', JSON_OBJECT('version', VERSION(), 'database', DATABASE(), 'user', CURRENT_USER(), 'size',
    (SELECT COALESCE(SUM(t.data_length + t.index_length), 0) FROM information_schema.tables t
        WHERE t.table_schema = DATABASE() AND CAST(t.table_schema AS BINARY) = CAST(DATABASE() AS BINARY))));
SHOW GLOBAL STATUS WHERE Variable_name IN ('Uptime', 'Threads_connected', 'Slow_queries', 'Questions');
SHOW GLOBAL VARIABLES WHERE Variable_name IN ('max_connections', 'long_query_time', 'slow_query_log');
SELECT 'now', UNIX_TIMESTAMP();
SELECT 'seen', COUNT(*) FROM information_schema.processlist p WHERE p.command <> 'Daemon';
SQL
printf '%s\n' "$ls_room" | question room
question query <<SQL
SELECT CONCAT('query ', JSON_OBJECT($ls_session, 'seconds', p.time, 'state', LOWER(p.command))) FROM information_schema.processlist p
    WHERE p.db = DATABASE() AND CAST(p.db AS BINARY) = CAST(DATABASE() AS BINARY) AND p.id <> CONNECTION_ID()
    AND p.command NOT IN ('Sleep', 'Daemon') AND p.command NOT LIKE 'Binlog Dump%'
    ORDER BY p.time DESC LIMIT 10;
SQL
question migration <<SQL
SELECT CONCAT('migration ', JSON_OBJECT($ls_session, 'seconds', p.time, 'state', LOWER(p.command))) FROM information_schema.processlist p
    WHERE p.db = DATABASE() AND CAST(p.db AS BINARY) = CAST(DATABASE() AS BINARY) AND p.id <> CONNECTION_ID()
    AND p.info REGEXP '^[[:space:]]*(ALTER|CREATE|DROP|TRUNCATE|RENAME|OPTIMIZE)[[:space:]]' ORDER BY p.time DESC LIMIT 10;
SQL
# Who has left a transaction open and does nothing: only PROCESS shows it.
question idle <<SQL
SELECT CONCAT('query ', JSON_OBJECT($ls_session,
        'seconds', TIMESTAMPDIFF(SECOND, x.trx_started, NOW()), 'state', 'idle in transaction'))
    FROM information_schema.innodb_trx x JOIN information_schema.processlist p ON p.id = x.trx_mysql_thread_id
    WHERE p.db = DATABASE() AND CAST(p.db AS BINARY) = CAST(DATABASE() AS BINARY) AND p.command = 'Sleep' AND p.id <> CONNECTION_ID()
    ORDER BY x.trx_started LIMIT 10;
SQL
question waiting <<SQL
SELECT CONCAT('waiting ', JSON_OBJECT('lock', LOWER(REPLACE(p.state, 'Waiting for ', '')), 'on', NULL, 'waits', p.time,
    $ls_session, 'seconds', p.time, 'state', LOWER(p.command))) FROM information_schema.processlist p
    WHERE p.db = DATABASE() AND CAST(p.db AS BINARY) = CAST(DATABASE() AS BINARY) AND p.state LIKE 'Waiting for%lock' ORDER BY p.time DESC LIMIT 10;
SQL
case $(echo 'SELECT VERSION();' | sql "$database" 2>/dev/null) in
*MariaDB* | 5.*) ls_waits=information_schema.innodb_lock_waits ls_blocking=blocking_trx_id ls_requesting=requesting_trx_id ;;
*)
    ls_waits=performance_schema.data_lock_waits
    ls_blocking=blocking_engine_transaction_id ls_requesting=requesting_engine_transaction_id ;;
esac
question rows <<SQL
SELECT CONCAT('waiting ', JSON_OBJECT('lock', 'a row', 'on', NULL, 'behind', (SELECT MIN(b.trx_mysql_thread_id)
        FROM $ls_waits w JOIN information_schema.innodb_trx b ON b.trx_id = w.$ls_blocking WHERE w.$ls_requesting = x.trx_id),
    'waits', TIMESTAMPDIFF(SECOND, x.trx_wait_started, NOW()), $ls_session, 'seconds', p.time, 'state', LOWER(p.command)))
    FROM information_schema.innodb_trx x JOIN information_schema.processlist p ON p.id = x.trx_mysql_thread_id
    WHERE p.db = DATABASE() AND CAST(p.db AS BINARY) = CAST(DATABASE() AS BINARY) AND x.trx_state = 'LOCK WAIT' ORDER BY x.trx_wait_started LIMIT 10;
SQL
for ls_words in 'SHOW REPLICA STATUS' 'SHOW SLAVE STATUS'; do
    ls_answer=$(echo "$ls_words" | my "$ls_mysql" -E --database="$database" 2>&1) && break
done
case $ls_answer in
*'ERROR 1227'*) echo "denied standby"; echo "asked standby" ;;
ERROR* | *'
ERROR'*) printf '%s\n' "$ls_answer" | loud ;;
*) printf '%s\n' "$ls_answer" | sed -n 's/^ *\(Seconds_Behind_[A-Za-z]*\|[A-Za-z]*_IO_Running\|[A-Za-z]*_SQL_Running\): \(.*\)$/status \1 \2/p'
    echo "asked standby" ;;
esac
echo "asked slot"
question replica <<'SQL'
SELECT CONCAT('replica ', JSON_OBJECT('name', p.user, 'client', p.host, 'state', 'streaming'))
    FROM information_schema.processlist p WHERE p.command LIKE 'Binlog Dump%' LIMIT 20;
SQL
question table <<'SQL'
SELECT CONCAT('table ', JSON_OBJECT('name', t.table_name, 'bytes', COALESCE(t.data_length + t.index_length, 0),
    'rows', t.table_rows, 'analyzed', '')) FROM information_schema.tables t WHERE t.table_schema = DATABASE() AND CAST(t.table_schema AS BINARY) = CAST(DATABASE() AS BINARY)
    AND t.table_type <> 'VIEW' ORDER BY COALESCE(t.data_length + t.index_length, 0) DESC, t.table_name LIMIT 10;
SQL
# Names that would be too long are made from the beginning of the database's own.
question beside <<'SQL'
SELECT CONCAT('beside ', JSON_OBJECT('name', n, 'kind', kind, 'bytes', (
        SELECT COALESCE(SUM(t.data_length + t.index_length), 0) FROM information_schema.tables t WHERE t.table_schema = n)))
    FROM (SELECT s.schema_name AS n,
            SUBSTRING_INDEX(SUBSTRING_INDEX(s.schema_name, '__', -1), '_', 1) AS kind,
            LEFT(s.schema_name, CHAR_LENGTH(s.schema_name) - CHAR_LENGTH(SUBSTRING_INDEX(s.schema_name, '__', -1)) - 2) AS begins
        FROM information_schema.schemata s) b
    WHERE kind IN ('before', 'restoring', 'proving', 'undone') AND (CAST(begins AS BINARY) = CAST(DATABASE() AS BINARY)
        OR LENGTH(n) >= 60 AND LEFT(DATABASE(), CHAR_LENGTH(begins)) = begins) ORDER BY n LIMIT 20;
SQL
