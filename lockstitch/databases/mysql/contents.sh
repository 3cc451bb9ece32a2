# shellcheck shell=sh
# What a database holds, as SQL: the rows of each table, its newest migration.

# SQL for the tables whose rows a dump holds, and for the quoted name of one of them.
ls_tables="FROM information_schema.tables t WHERE t.table_schema = DATABASE()
    AND CAST(t.table_schema AS BINARY) = CAST(DATABASE() AS BINARY) AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')"
ls_table="CONCAT('\`', REPLACE(t.table_name, '\`', '\`\`'), '\`')"
# Each table in a savepoint: one that is not locked any more may be changed by others, and then the dump fails.
counting() { cat <<SQL
SELECT CONCAT('SAVEPOINT one; SELECT /* lockstitch */ CONCAT(', QUOTE(JSON_QUOTE(t.table_name)), ',',
    QUOTE(':{"rows":'), ', COUNT(*), ', QUOTE(CONCAT(',"bytes":', COALESCE(t.data_length + t.index_length, 0), '}')),
    ') FROM ', $ls_table, '; ROLLBACK TO SAVEPOINT one;')
    $ls_tables ORDER BY t.table_name;
SQL
}
analyzing() { cat <<SQL
SELECT CONCAT('ANALYZE NO_WRITE_TO_BINLOG TABLE ', $ls_table, ';') $ls_tables;
SQL
}
# `$heads` are lines `TABLE QUERY`: the table of a framework that is there knows its newest migration.
head_of() { printf '%s\n' "$heads" | while read -r table query; do
    assign table "$table"; assign query "SELECT CONCAT('head ', ($query))"
    cat <<'SQL'
SET @query = IF(EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE()
    AND table_name = CONVERT(@table USING utf8)), @query, 'DO 0');
PREPARE head FROM @query;
EXECUTE head;
SQL
done; }
