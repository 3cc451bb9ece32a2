"""What MariaDB has: triggers, routines, events, views that need each other, foreign keys in a ring, and odd values."""

from __future__ import annotations

from tests.mariadb import quoted
from tests.servers import LocalServer

__all__ = ["COUNTED", "NOT_DUMPED", "SAME", "fill", "may_be", "quoted"]

PLAIN = (
    "CREATE TABLE empty (id int)",
    "CREATE TABLE wide (id bigint AUTO_INCREMENT PRIMARY KEY, data longblob, words text, nothing int, price decimal(30,10),"
    " twice decimal(31,10) AS (price * 2) STORED, half decimal(31,10) AS (price / 2) VIRTUAL, at timestamp(6) NULL, spot point,"
    " flags set('a','b'), kind enum('good','it''s bad'), bits bit(9), told json, UNIQUE KEY u (words(20)))",
    "INSERT INTO wide (data, words, price, at, spot, flags, kind, bits, told) VALUES"
    " (REPEAT(UNHEX('00FF270A0D1A5C22'), 2000), 'ünïcödé 🐘 \\'quoted\\' \\\\ back\nline', 0.1000000001,"
    " '2026-01-01 00:00:00.123456', ST_GeomFromText('POINT(1 2)'), 'a,b', 'it''s bad', b'100000001', '{\"a\": [1, 2]}')",
    "INSERT INTO wide (data, words) SELECT data, CONCAT('more ', id) FROM wide",
    "INSERT INTO wide (data, words) VALUES (NULL, NULL), ('', '')",
    "DELETE FROM wide WHERE words = ''",
    "CREATE TABLE hen (id int PRIMARY KEY, egg int) COMMENT 'it''s \"first\"'",
    "CREATE TABLE egg (id int PRIMARY KEY, hen int, CONSTRAINT of_hen FOREIGN KEY (hen) REFERENCES hen (id) ON DELETE CASCADE)",
    "INSERT INTO hen VALUES (1, NULL)",
    "INSERT INTO egg VALUES (7, 1)",
    "UPDATE hen SET egg = 7",
    "ALTER TABLE hen ADD CONSTRAINT of_egg FOREIGN KEY (egg) REFERENCES egg (id)",
    "CREATE TABLE parts (id int, at date) PARTITION BY RANGE (id)"
    " (PARTITION low VALUES LESS THAN (10), PARTITION rest VALUES LESS THAN MAXVALUE)",
    "INSERT INTO parts VALUES (1, '2026-01-01'), (20, '2026-01-02')",
    "CREATE TABLE latin (name varchar(50)) CHARACTER SET latin1 COLLATE latin1_german2_ci",
    "INSERT INTO latin VALUES ('Zoë')",
    "CREATE TABLE zero (at date, n int AUTO_INCREMENT PRIMARY KEY)",
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
    "INSERT INTO zero VALUES ('0000-00-00', 0)",
    "CREATE TABLE log (what text)",
    "CREATE TRIGGER told AFTER INSERT ON hen FOR EACH ROW INSERT INTO log VALUES (CONCAT('it''s ', NEW.id))",
    "CREATE TRIGGER `odd ``one` BEFORE DELETE ON egg FOR EACH ROW BEGIN DELETE FROM log; INSERT INTO log VALUES ('x;'); END",
    "CREATE FUNCTION said(n int) RETURNS text DETERMINISTIC RETURN CONCAT('it''s \"said\" ', n)",
    "CREATE PROCEDURE do_it() BEGIN INSERT INTO log VALUES ('a'); SELECT 1; END",
    "CREATE VIEW z_seen AS SELECT hen.id, said(egg) AS said FROM hen",
    "CREATE VIEW a_seen AS SELECT * FROM z_seen",
    "CREATE EVENT often ON SCHEDULE EVERY 1 DAY DISABLE DO INSERT INTO log VALUES ('event')",
    "CREATE SEQUENCE numbers START WITH 5 INCREMENT BY 3",
    "SELECT NEXT VALUE FOR numbers",
)
COUNTED = {"empty": 0, "wide": 3, "hen": 1, "egg": 1, "parts": 2, "latin": 1, "zero": 1, "log": 0}
NOT_DUMPED: dict[str, int] = {}
_HERE = "table_schema = DATABASE()"
SAME = (
    "SELECT *, HEX(data), ST_AsText(spot), bits + 0 FROM wide ORDER BY id",
    "SELECT * FROM latin",
    "SELECT at + 0, n FROM zero",
    "SELECT * FROM a_seen",
    "SELECT * FROM parts PARTITION (rest)",
    "SELECT said(3)",
    "SELECT next_not_cached_value, increment FROM numbers",
    "SELECT table_name, table_type, engine, auto_increment, table_collation, table_comment, create_options"
    f" FROM information_schema.tables WHERE {_HERE} ORDER BY 1",
    f"SELECT table_name, security_type, definer FROM information_schema.views WHERE {_HERE} ORDER BY 1",
    "SELECT table_name, column_name, column_type, extra, generation_expression, column_default"
    f" FROM information_schema.columns WHERE {_HERE} ORDER BY 1, 2",
    "SELECT constraint_name, table_name, referenced_table_name, delete_rule FROM"
    " information_schema.referential_constraints WHERE constraint_schema = DATABASE() ORDER BY 1",
    "SELECT trigger_name, event_manipulation, action_timing, event_object_table, action_statement, definer, sql_mode"
    " FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY 1",
    "SELECT routine_name, routine_type, routine_definition, definer, sql_mode FROM information_schema.routines"
    " WHERE routine_schema = DATABASE() ORDER BY 1",
    "SELECT event_name, event_definition, interval_value, status, definer FROM information_schema.events"
    " WHERE event_schema = DATABASE() ORDER BY 1",
    "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata"
    " WHERE schema_name = DATABASE()",
)


def fill(server: LocalServer, database: str) -> None:
    server.create(database, *PLAIN)


def may_be(name: str) -> bool:
    """Names have no character beyond the basic plane, and end with no blank."""
    return max(name) <= "\uffff" and not name.endswith(" ")
