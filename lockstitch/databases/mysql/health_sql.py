"""The questions to a running MySQL or MariaDB. Each answer is a line of `word JSON`; what there may be many of is cut.

Each is asked by itself, so that one that this version or this login has no answer to leaves the others standing. What a
login without PROCESS is not shown is told as `denied`, and not as a failure.
"""

from __future__ import annotations

from lockstitch.databases.mysql.client import HERE

# What follows the word password in a query may be one: it is left out. `p` is a row of the process list.
_TEXT = """CASE WHEN LOCATE('identified', LOWER(p.info)) > 0 THEN CONCAT(LEFT(p.info, LOCATE('identified', LOWER(p.info)) + 9), ' ***')
    WHEN LOCATE('password', LOWER(p.info)) > 0 THEN CONCAT(LEFT(p.info, LOCATE('password', LOWER(p.info)) + 7), ' ***')
    ELSE LEFT(p.info, 400) END"""
_OURS = "p.info LIKE '%/* lockstitch */%' OR p.info LIKE 'SELECT /*!40001 SQL\\\\_NO\\\\_CACHE */%'"
_WHO = f"""'pid', p.id, 'user', p.user, 'client', p.host, 'seconds', p.time, 'state', LOWER(p.command),
    'application', CASE WHEN {_OURS} THEN 'lockstitch' ELSE '' END, 'text', {_TEXT}"""

_SERVER = f"""
SELECT CONCAT('server ', JSON_OBJECT('version', VERSION(), 'database', DATABASE(), 'user', CURRENT_USER(), 'size',
    (SELECT COALESCE(SUM(t.data_length + t.index_length), 0) FROM information_schema.tables t
        WHERE {HERE.format("t.table_schema")})));
SHOW GLOBAL STATUS WHERE Variable_name IN ('Uptime', 'Threads_connected', 'Slow_queries', 'Questions');
SHOW GLOBAL VARIABLES WHERE Variable_name IN ('max_connections', 'long_query_time');
SELECT 'seen', COUNT(*) FROM information_schema.processlist p WHERE p.command <> 'Daemon';
"""
_ROOM = """
SELECT CONCAT('room ', JSON_OBJECT('of', CONCAT('the login ', SUBSTRING_INDEX(CURRENT_USER(), '@', 1)), 'allowed',
    @@max_user_connections, 'used', (SELECT COUNT(*) FROM information_schema.processlist p
        WHERE p.user = SUBSTRING_INDEX(CURRENT_USER(), '@', 1)))) FROM DUAL WHERE @@max_user_connections > 0;
"""
_QUERIES = f"""
SELECT CONCAT('query ', JSON_OBJECT({_WHO})) FROM information_schema.processlist p
    WHERE {HERE.format("p.db")} AND p.id <> CONNECTION_ID()
    AND p.command NOT IN ('Sleep', 'Daemon') AND p.command NOT LIKE 'Binlog Dump%'
    ORDER BY p.time DESC LIMIT 10;
"""
# Who has left a transaction open and does nothing: only PROCESS shows it.
_IDLE = f"""
SELECT CONCAT('query ', JSON_OBJECT({_WHO.replace("p.time", "TIMESTAMPDIFF(SECOND, x.trx_started, NOW())").replace("LOWER(p.command)", "'idle in transaction'")}))
    FROM information_schema.innodb_trx x JOIN information_schema.processlist p ON p.id = x.trx_mysql_thread_id
    WHERE {HERE.format("p.db")} AND p.command = 'Sleep' AND p.id <> CONNECTION_ID()
    ORDER BY x.trx_started LIMIT 10;
"""
_WAITING = f"""
SELECT CONCAT('waiting ', JSON_OBJECT('lock', LOWER(REPLACE(p.state, 'Waiting for ', '')), 'on', NULL, 'waits', p.time,
    {_WHO})) FROM information_schema.processlist p
    WHERE {HERE.format("p.db")} AND p.state LIKE 'Waiting for%lock' ORDER BY p.time DESC LIMIT 10;
"""
_ROWS = f"""
SELECT CONCAT('waiting ', JSON_OBJECT('lock', 'a row', 'on', NULL, 'behind', (SELECT MIN(b.trx_mysql_thread_id)
        FROM @waits w JOIN information_schema.innodb_trx b ON b.trx_id = w.@blocking WHERE w.@requesting = x.trx_id),
    'waits', TIMESTAMPDIFF(SECOND, x.trx_wait_started, NOW()), {_WHO}))
    FROM information_schema.innodb_trx x JOIN information_schema.processlist p ON p.id = x.trx_mysql_thread_id
    WHERE {HERE.format("p.db")} AND x.trx_state = 'LOCK WAIT' ORDER BY x.trx_wait_started LIMIT 10;
"""
_REPLICAS = """
SELECT CONCAT('replica ', JSON_OBJECT('name', p.user, 'client', p.host, 'state', 'streaming'))
    FROM information_schema.processlist p WHERE p.command LIKE 'Binlog Dump%' LIMIT 20;
"""
_TABLES = f"""
SELECT CONCAT('table ', JSON_OBJECT('name', t.table_name, 'bytes', COALESCE(t.data_length + t.index_length, 0),
    'rows', t.table_rows, 'analyzed', '')) FROM information_schema.tables t WHERE {HERE.format("t.table_schema")}
    AND t.table_type <> 'VIEW' ORDER BY COALESCE(t.data_length + t.index_length, 0) DESC, t.table_name LIMIT 10;
"""
# Names that would be too long are made from the beginning of the database's own.
_BESIDE = """
SELECT CONCAT('beside ', JSON_OBJECT('name', n, 'kind', kind, 'bytes', (
        SELECT COALESCE(SUM(t.data_length + t.index_length), 0) FROM information_schema.tables t WHERE t.table_schema = n)))
    FROM (SELECT s.schema_name AS n,
            SUBSTRING_INDEX(SUBSTRING_INDEX(s.schema_name, '__', -1), '_', 1) AS kind,
            LEFT(s.schema_name, CHAR_LENGTH(s.schema_name) - CHAR_LENGTH(SUBSTRING_INDEX(s.schema_name, '__', -1)) - 2) AS begins
        FROM information_schema.schemata s) b
    WHERE kind IN ('before', 'restoring', 'proving', 'undone') AND (CAST(begins AS BINARY) = CAST(DATABASE() AS BINARY)
        OR LENGTH(n) >= 60 AND LEFT(DATABASE(), CHAR_LENGTH(begins)) = begins) ORDER BY n LIMIT 20;
"""

_ASK = r"""
# `question WORD`: asked, and told that it was; a right that is lacking is no failure.
question() {
    ls_said=$({ printf '%s\n' "$ls_limits"; cat; } | sql "$database" 2>&1) && ls_code=0 || ls_code=$?
    if [ $ls_code -eq 0 ]; then [ -z "$ls_said" ] || printf '%s\n' "$ls_said"; echo "asked $1"
    else
        case $ls_said in *'ERROR 1227'* | *'ERROR 1044'* | *'ERROR 1142'*) echo "denied $1"; echo "asked $1" ;;
            *) printf '%s\n' "$ls_said" | loud ;; esac
    fi
}
ls_limits='SET SESSION lock_wait_timeout = 1 /*M!100100 , max_statement_time = 10 */ /*!80000 , max_execution_time = 10000 */;'
"""
_STANDBY = r"""
for ls_words in 'SHOW REPLICA STATUS' 'SHOW SLAVE STATUS'; do
    ls_said=$(echo "$ls_words" | my "$ls_mysql" -E --database="$database" 2>&1) && break
done
case $ls_said in
*'ERROR 1227'*) echo "denied standby"; echo "asked standby" ;;
ERROR* | *'
ERROR'*) printf '%s\n' "$ls_said" | loud ;;
*) printf '%s\n' "$ls_said" | sed -n 's/^ *\(Seconds_Behind_[A-Za-z]*\|[A-Za-z]*_IO_Running\|[A-Za-z]*_SQL_Running\): \(.*\)$/status \1 \2/p'
    echo "asked standby" ;;
esac
echo "asked slot"
"""


def _question(word: str, text: str, quiet: str = "") -> str:
    return f"question {word} <<'SQL'{quiet}{text}SQL\n"


def _by_kind(text: str, waits: str, blocking: str, requesting: str) -> str:
    return text.replace("@waits", waits).replace("@blocking", blocking).replace("@requesting", requesting)


_MARIADB = _by_kind(_ROWS, "information_schema.innodb_lock_waits", "blocking_trx_id", "requesting_trx_id")
_MYSQL = _by_kind(
    _ROWS, "performance_schema.data_lock_waits", "blocking_engine_transaction_id", "requesting_engine_transaction_id"
)
QUESTIONS = (
    _ASK
    + _question("server", _SERVER)
    + _question("room", _ROOM)
    + _question("query", _QUERIES)
    + _question("idle", _IDLE)
    + _question("waiting", _WAITING)
    + "case $(echo 'SELECT VERSION();' | sql \"$database\" 2>/dev/null) in\n*MariaDB* | 5.*)\n"
    + _question("rows", _MARIADB)
    + ";;\n*)\n"
    + _question("rows", _MYSQL)
    + ";;\nesac\n"
    + _STANDBY
    + _question("replica", _REPLICAS)
    + _question("table", _TABLES)
    + _question("beside", _BESIDE)
)
