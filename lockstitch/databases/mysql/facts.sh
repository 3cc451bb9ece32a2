# shellcheck shell=sh
# What a plan is made from, as lines `WORD REST`. The values are `heads` and `applied`.

echo "tool $(tool_version)"
{ assign database "$database"; cat <<'SQL'; } | sql "$database" 2>&1 | loud || :
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
ls_views=$(sql "$database" 2>/dev/null <<'SQL'
SELECT CONCAT('SHOW FIELDS FROM ', CONCAT('`', REPLACE(table_name, '`', '``'), '`'), ';') FROM information_schema.views WHERE table_schema = DATABASE();
SQL
)
[ -z "$ls_views" ] || printf '%s\n' "$ls_views" | sql "$database" --force 2>&1 >/dev/null |
    sed -n 's/^ERROR \([0-9]*\) ([^)]*) at line [0-9]*: /broken \1 /p' | head -n 3
{
    echo 'SHOW GRANTS;'
    head_of
    echo 'SET SESSION group_concat_max_len = 16777216;'
    asking "$applied"
    printf '%s\n' "$applied" | while read -r table _; do
        echo "SELECT 'head lacks $table' FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM information_schema.tables
            WHERE table_schema = DATABASE() AND table_name = '$table');"
    done
} | sql "$database" --force 2>/dev/null |
    awk '/^GRANT / { sub(/ IDENTIFIED .*/, ""); sub(/^GRANT /, "grant "); print; next }
        /^head (applied|lacks) / { sub(/^head /, ""); print; next } /^head / && !head++'
exit 0
