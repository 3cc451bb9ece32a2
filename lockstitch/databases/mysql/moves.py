"""MySQL and MariaDB: what is to be carried out when the tables of two databases change places, written to files first."""

from __future__ import annotations

from collections.abc import Mapping

from lockstitch.databases.mysql.client import NAMED

# What a table with triggers is called while it has none, going or coming: no write may miss one.
_LEAVING = NAMED.format("CONCAT('__leaving_', LEFT(SHA1({}), 20))")
_HIDDEN = NAMED.format("CONCAT('__restoring_', LEFT(SHA1({}), 20))")
_TRIGGERED = """EXISTS (SELECT 1 FROM information_schema.triggers g
        WHERE g.event_object_schema = t.table_schema AND g.event_object_table = t.table_name)"""


def _of(column: str, variable: str) -> str:
    """Whether a column names the database in a variable: by an index, and exactly."""
    return f"{column} = CONVERT(@{variable} USING utf8) AND CAST({column} AS BINARY) = CAST(@{variable} AS BINARY)"


_TABLE = "t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE') AND t.table_name <> '__lockstitch'"
_HOST = "SUBSTRING_INDEX(g.definer, '@', -1)"
_USER = f"LEFT(g.definer, CHAR_LENGTH(g.definer) - CHAR_LENGTH({_HOST}) - 1)"
_DEFINER = f"{NAMED.format(_USER)}, '@', {NAMED.format(_HOST)}"


def _triggers(database: str, table: str) -> str:
    return f"""
SELECT CONCAT('SET SESSION sql_mode = ', QUOTE(g.sql_mode), ', collation_connection = ', g.collation_connection,
        ';;\\nCREATE DEFINER=', {_DEFINER}, ' TRIGGER ', {NAMED.format("g.trigger_name")}, ' ', g.action_timing, ' ',
        g.event_manipulation, ' ON ', {table.format("g.event_object_table")}, ' FOR EACH ROW ', g.action_statement, '\\n;;')
    FROM information_schema.triggers g WHERE {_of("g.trigger_schema", database)}
    ORDER BY g.event_object_table, g.event_manipulation, g.action_timing, g.action_order;
SELECT 'DELIMITER ;';
"""


def _cleared(database: str) -> str:
    return f"""
SELECT CONCAT('DROP TRIGGER ', {NAMED.format("g.trigger_schema")}, '.', {NAMED.format("g.trigger_name")}, ';')
    FROM information_schema.triggers g WHERE {_of("g.trigger_schema", database)};
"""


_LOCK = f"""
SELECT CONCAT('LOCK TABLES ', GROUP_CONCAT({NAMED.format("t.table_schema")}, '.', {NAMED.format("t.table_name")}, ' WRITE'
        ORDER BY t.table_name), ';')
    FROM information_schema.tables t WHERE {_of("t.table_schema", "database")}
    AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') HAVING COUNT(*) > 0;
"""
# A view cannot stay where a table comes.
_IN_THE_WAY = f"""
SELECT CONCAT('DROP VIEW IF EXISTS ', {NAMED.format("v.table_schema")}, '.', {NAMED.format("v.table_name")}, ';')
    FROM information_schema.views v WHERE {_of("v.table_schema", "database")} AND EXISTS (
        SELECT 1 FROM information_schema.tables t
            WHERE {_of("t.table_schema", "come")} AND {_TABLE} AND t.table_name = v.table_name);
"""
_STALE = f"""
SELECT CONCAT('DROP VIEW IF EXISTS ', {NAMED.format("v.table_schema")}, '.', {NAMED.format("v.table_name")}, ';')
    FROM information_schema.views v WHERE {_of("v.table_schema", "database")} AND NOT EXISTS (
        SELECT 1 FROM information_schema.views w WHERE {_of("w.table_schema", "come")} AND w.table_name = v.table_name);
SELECT CONCAT('DROP ', r.routine_type, ' IF EXISTS ', {NAMED.format("r.routine_schema")}, '.',
        {NAMED.format("r.routine_name")}, ';')
    FROM information_schema.routines r WHERE {_of("r.routine_schema", "database")} AND NOT EXISTS (
        SELECT 1 FROM information_schema.routines s WHERE {_of("s.routine_schema", "come")}
            AND s.routine_type = r.routine_type AND s.routine_name = r.routine_name);
SELECT CONCAT('DROP EVENT IF EXISTS ', {NAMED.format("e.event_schema")}, '.', {NAMED.format("e.event_name")}, ';')
    FROM information_schema.events e WHERE {_of("e.event_schema", "database")};
"""


def _renames(source: str, to: str, old: str, name: str) -> str:
    """The parts of a RENAME TABLE for all tables of the database in one variable to that in another."""
    here = f"{NAMED.format('t.table_schema')}, '.', {old}"
    return f"""SELECT CONCAT({here}, ' TO ', {NAMED.format("@" + to)}, '.', {name}) AS part
        FROM information_schema.tables t WHERE {_of("t.table_schema", source)} AND {_TABLE}"""


_PLAIN = NAMED.format("t.table_name")
_GOING = f"CASE WHEN {_TRIGGERED} THEN {_LEAVING.format('t.table_name')} ELSE {_PLAIN} END"
_COMING = f"CASE WHEN {_TRIGGERED} THEN {_HIDDEN.format('t.table_name')} ELSE {_PLAIN} END"
_RENAME = f"""
SET @away_first = (SELECT GROUP_CONCAT(part SEPARATOR ', ') FROM ({_renames("database", "away", _GOING, _PLAIN)}) p);
SET @then_come = (SELECT GROUP_CONCAT(part SEPARATOR ', ') FROM ({_renames("come", "database", _PLAIN, _COMING)}) p);
SELECT CONCAT('RENAME TABLE ', CONCAT_WS(', ', @away_first,
    CONCAT({NAMED.format("@come")}, '.__lockstitch TO ', {NAMED.format("@away")}, '.__lockstitch'), @then_come), ';');
"""


def _within(tables: str, old: str, new: str) -> str:
    """A RENAME TABLE in the database that serves, of those that have triggers in the database of a variable."""
    here = NAMED.format("@database")
    return f"""
SELECT CONCAT('RENAME TABLE ', GROUP_CONCAT({here}, '.', {old.format("t.table_name")}, ' TO ', {here}, '.',
        {new.format("t.table_name")}), ';')
    FROM information_schema.tables t WHERE {_of("t.table_schema", tables)} AND {_TABLE} AND {_TRIGGERED}
    HAVING COUNT(*) > 0;
"""


_INTO = f"""
SELECT CONCAT('RENAME TABLE ', GROUP_CONCAT(part SEPARATOR ', '), ';') FROM ({_renames("come", "database", _PLAIN, _PLAIN)}) p
    HAVING COUNT(*) > 0;
"""

_DELIMITER = "SELECT 'DELIMITER ;;';"
_FILES = {
    "old.triggers": _DELIMITER + _triggers("database", NAMED),
    "old.leaving": _DELIMITER + _triggers("database", _LEAVING),
    "new.triggers": _DELIMITER + _triggers("come", NAMED),
    "new.hidden": _DELIMITER + _triggers("come", _HIDDEN),
    "clear": _cleared("database"),
    "clear_new": _cleared("come"),
    "lock": _LOCK,
    "in_the_way": _IN_THE_WAY,
    "stale": _STALE,
    "rename": _RENAME,
    "leave": _within("database", NAMED, _LEAVING),
    "unleave": _within("database", _LEAVING, NAMED),
    "unhide": _within("come", _HIDDEN, NAMED),
}
_FILES_INTO = {"new.triggers": _FILES["new.triggers"], "clear_new": _FILES["clear_new"], "rename": _INTO}


def _questions(files: Mapping[str, str]) -> str:
    """One session writes all of them: a line that no SQL begins with parts them."""
    return "".join(f"SELECT '\036{name}';{text}" for name, text in files.items())


MOVES = (
    r"""
# `written FOLDER`: the files that the SQL on stdin tells.
written() {
    { let database "$database"; let away "${away:-}"; let come "$come"; cat; } | ask >"$1/all" || return 1
    (cd "$1" && awk '/^\036/ { f = substr($0, 2); printf "" > f; next } { print > f }' all && rm -f all)
}
# Routines, views and events of a database as their own program writes them; the settings that it would put back in the
# end were never made.
objects() {
    dumped --no-data --skip-triggers --routines --events -- "$1" >"$2/all" || return 1
    sed '/^\/\*![0-9]* SET [A-Z_]*=@OLD_/d' "$2/all" | sed -n '/^-- Dumping events for database/,/^-- Dumping routines for database/p' >"$2/$3.events"
    sed -n '/^-- Dumping routines for database/,$p' "$2/all" | sed '/^\/\*![0-9]* SET [A-Z_]*=@OLD_/d
/^\/\*!50001 DROP VIEW IF EXISTS /d
s/^\/\*!50001 CREATE ALGORITHM/\/*!50001 CREATE OR REPLACE ALGORITHM/' >"$2/$3.objects"
    rm -f "$2/all"
}
prepare() {
    rm -rf -- "$1"; mkdir -p "$1"
    printf %s "$away" >"$1/away"; printf %s "$come" >"$1/come"
    objects "$database" "$1" old; objects "$come" "$1" new
    # As they were, where they were laid to rest.
    [ ! -e "$here/events/$come" ] || gzip -dc "$here/events/$come" >"$1/new.events"
    written "$1" <<'SQL'
"""
    + _questions(_FILES)
    + r"""SQL
    sync "$1"/*
}
# Into a database where nothing is, with nobody there.
prepare_into() {
    mkdir -p "$1"
    objects "$come" "$1" new
    written "$1" <<'SQL'
"""
    + _questions(_FILES_INTO)
    + r"""SQL
}
"""
)
