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
# `$heads` are lines `TABLE QUERY`: the table of a framework that is there knows its newest migration. They are our own
# words, and stand here as they stand between the quotes of SQL.
head_of() { asking "$heads"; }
asking() { printf '%s\n' "$1" | while read -r table query; do
    printf "SET @query = IF(EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE()
        AND table_name = '%s'), 'SELECT CONCAT(''head '', (%s))', 'DO 0');
PREPARE head FROM @query;\nEXECUTE head;\n" "$table" "$query"
done; }
