# shellcheck shell=sh
# What is to be carried out when the tables of two databases change places, written to files first. `@database`, `@away`
# and `@come` are the names of databases. A table with triggers has another name while it has none, going or coming, so
# that no write misses a trigger.

# SQL for a name, quoted, and for the names of a table without its triggers.
quoted() { printf %s "CONCAT('\`', REPLACE($1, '\`', '\`\`'), '\`')"; }
leaving() { quoted "CONCAT('__leaving_', LEFT(SHA1($1), 20))"; }
coming() { quoted "CONCAT('__restoring_', LEFT(SHA1($1), 20))"; }
# `within COLUMN DATABASE`: whether a column names a database, by an index and exactly.
within() { printf %s "$1 = CONVERT(@$2 USING utf8) AND CAST($1 AS BINARY) = CAST(@$2 AS BINARY)"; }
ls_kinds="t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE') AND t.table_name <> '__lockstitch'"
ls_triggered="EXISTS (SELECT 1 FROM information_schema.triggers g
        WHERE g.event_object_schema = t.table_schema AND g.event_object_table = t.table_name)"

# `begin_file NAME`: the answers to what follows go into the file; no SQL begins with that character.
begin_file() { printf "SELECT '\\036%s';\n" "$1"; }
# `triggers DATABASE NAME_OF`: the triggers of a database, on tables whose names are those, quoted, leaving or coming.
triggers() {
    ls_host="SUBSTRING_INDEX(g.definer, '@', -1)"
    ls_user="LEFT(g.definer, CHAR_LENGTH(g.definer) - CHAR_LENGTH($ls_host) - 1)"
    cat <<SQL
SELECT 'DELIMITER ;;';
SELECT CONCAT('SET SESSION sql_mode = ', QUOTE(g.sql_mode), ', collation_connection = ', g.collation_connection,
        ';;\nCREATE DEFINER=', $(quoted "$ls_user"), '@', $(quoted "$ls_host"), ' TRIGGER ', $(quoted g.trigger_name), ' ',
        g.action_timing, ' ', g.event_manipulation, ' ON ', $("$2" g.event_object_table), ' FOR EACH ROW ',
        g.action_statement, '\n;;')
    FROM information_schema.triggers g WHERE $(within g.trigger_schema "$1")
    ORDER BY g.event_object_table, g.event_manipulation, g.action_timing, g.action_order;
SELECT 'DELIMITER ;';
SQL
}
drop_triggers() { cat <<SQL
SELECT CONCAT('DROP TRIGGER ', $(quoted g.trigger_schema), '.', $(quoted g.trigger_name), ';')
    FROM information_schema.triggers g WHERE $(within g.trigger_schema "$1");
SQL
}
lock_tables() { cat <<SQL
SELECT CONCAT('LOCK TABLES ', GROUP_CONCAT($(quoted t.table_schema), '.', $(quoted t.table_name), ' WRITE'
        ORDER BY t.table_name), ';')
    FROM information_schema.tables t WHERE $(within t.table_schema database)
    AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') HAVING COUNT(*) > 0;
SQL
}
# A view cannot stay where a table comes.
drop_views_in_the_way() { cat <<SQL
SELECT CONCAT('DROP VIEW IF EXISTS ', $(quoted v.table_schema), '.', $(quoted v.table_name), ';')
    FROM information_schema.views v WHERE $(within v.table_schema database) AND EXISTS (
        SELECT 1 FROM information_schema.tables t
            WHERE $(within t.table_schema come) AND $ls_kinds AND t.table_name = v.table_name);
SQL
}
# Views, routines and events that the restored database has not.
drop_stale() { cat <<SQL
SELECT CONCAT('DROP VIEW IF EXISTS ', $(quoted v.table_schema), '.', $(quoted v.table_name), ';')
    FROM information_schema.views v WHERE $(within v.table_schema database) AND NOT EXISTS (
        SELECT 1 FROM information_schema.views w WHERE $(within w.table_schema come) AND w.table_name = v.table_name);
SELECT CONCAT('DROP ', r.routine_type, ' IF EXISTS ', $(quoted r.routine_schema), '.', $(quoted r.routine_name), ';')
    FROM information_schema.routines r WHERE $(within r.routine_schema database) AND NOT EXISTS (
        SELECT 1 FROM information_schema.routines s WHERE $(within s.routine_schema come)
            AND s.routine_type = r.routine_type AND s.routine_name = r.routine_name);
SELECT CONCAT('DROP EVENT IF EXISTS ', $(quoted e.event_schema), '.', $(quoted e.event_name), ';')
    FROM information_schema.events e WHERE $(within e.event_schema database);
SQL
}
# `parts SOURCE DESTINATION OLD NEW`: the parts of a RENAME TABLE for all tables of a database.
parts() { cat <<SQL
SELECT CONCAT($(quoted t.table_schema), '.', $3, ' TO ', $(quoted "@$2"), '.', $4) AS part
        FROM information_schema.tables t WHERE $(within t.table_schema "$1") AND $ls_kinds
SQL
}
exchange_tables() {
    ls_plain=$(quoted t.table_name)
    ls_going="CASE WHEN $ls_triggered THEN $(leaving t.table_name) ELSE $ls_plain END"
    ls_coming="CASE WHEN $ls_triggered THEN $(coming t.table_name) ELSE $ls_plain END"
    cat <<SQL
SET @away_first = (SELECT GROUP_CONCAT(part SEPARATOR ', ') FROM ($(parts database away "$ls_going" "$ls_plain")) p);
SET @then_come = (SELECT GROUP_CONCAT(part SEPARATOR ', ') FROM ($(parts come database "$ls_plain" "$ls_coming")) p);
SELECT CONCAT('RENAME TABLE ', CONCAT_WS(', ', @away_first,
    CONCAT($(quoted @come), '.__lockstitch TO ', $(quoted @away), '.__lockstitch'), @then_come), ';');
SQL
}
move_tables() {
    ls_plain=$(quoted t.table_name)
    cat <<SQL
SELECT CONCAT('RENAME TABLE ', GROUP_CONCAT(part SEPARATOR ', '), ';')
    FROM ($(parts come database "$ls_plain" "$ls_plain")) p HAVING COUNT(*) > 0;
SQL
}
# `rename_triggered DATABASE OLD NEW`: a RENAME TABLE in the database that serves, of the tables that have triggers in
# DATABASE; OLD and NEW are quoted, leaving or coming.
rename_triggered() { cat <<SQL
SELECT CONCAT('RENAME TABLE ', GROUP_CONCAT($(quoted @database), '.', $("$2" t.table_name), ' TO ', $(quoted @database), '.',
        $("$3" t.table_name)), ';')
    FROM information_schema.tables t WHERE $(within t.table_schema "$1") AND $ls_kinds AND $ls_triggered
    HAVING COUNT(*) > 0;
SQL
}

# `write FOLDER`: one session makes all files of what is on stdin.
write() {
    { assign database "$database"; assign away "${away:-}"; assign come "$come"; cat; } | ask >"$1/all" || return 1
    (cd "$1" && awk '/^\036/ { f = substr($0, 2); printf "" > f; next } { print > f }' all && rm -f all)
}
# `objects DATABASE FOLDER old|new`: routines, views and events as the dump program writes them; it would put settings
# back in the end that were never made.
objects() {
    dumped --no-data --skip-triggers --routines --events -- "$1" >"$2/all" || return 1
    sed '/^\/\*![0-9]* SET [A-Z_]*=@OLD_/d' "$2/all" | sed -n '/^-- Dumping events for database/,/^-- Dumping routines for database/p' >"$2/$3.events"
    sed -n '/^-- Dumping routines for database/,$p' "$2/all" | sed '/^\/\*![0-9]* SET [A-Z_]*=@OLD_/d
/^\/\*!50001 DROP VIEW IF EXISTS /d
s/^\/\*!50001 CREATE ALGORITHM/\/*!50001 CREATE OR REPLACE ALGORITHM/' >"$2/$3.objects"
    rm -f "$2/all"
}
# `prepare FOLDER`: for the exchange of `$database` and `$come`.
prepare() {
    rm -rf -- "$1"; mkdir -p "$1"
    printf %s "$away" >"$1/away"; printf %s "$come" >"$1/come"
    objects "$database" "$1" old; objects "$come" "$1" new
    # As they were, where they were laid to rest.
    [ ! -e "$here/events/$come" ] || gzip -dc "$here/events/$come" >"$1/new.events"
    {
        begin_file old.triggers; triggers database quoted
        begin_file old.leaving; triggers database leaving
        begin_file new.triggers; triggers come quoted
        begin_file new.hidden; triggers come coming
        begin_file clear; drop_triggers database
        begin_file clear_new; drop_triggers come
        begin_file lock; lock_tables
        begin_file in_the_way; drop_views_in_the_way
        begin_file stale; drop_stale
        begin_file rename; exchange_tables
        begin_file leave; rename_triggered database quoted leaving
        begin_file unleave; rename_triggered database leaving quoted
        begin_file unhide; rename_triggered come coming quoted
    } | write "$1"
    sync "$1"/*
}
# `prepare_into FOLDER`: for a move into a new database, where nobody is.
prepare_into() {
    mkdir -p "$1"
    objects "$come" "$1" new
    {
        begin_file new.triggers; triggers come quoted
        begin_file clear_new; drop_triggers come
        begin_file rename; move_tables
    } | write "$1"
}
