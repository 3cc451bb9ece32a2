"""What PostgreSQL alone has: schemas, partitions, inheritance, policies, large objects, what belongs to an extension."""

from __future__ import annotations

from tests.servers import LocalServer

PLAIN = """
CREATE SCHEMA "odd ""schema"" %";
CREATE TABLE "odd ""schema"" %".inside (id int); INSERT INTO "odd ""schema"" %".inside SELECT generate_series(1, 3);
CREATE TABLE empty (id int);
CREATE TABLE measured (at date NOT NULL, value int) PARTITION BY RANGE (at);
CREATE TABLE measured_old PARTITION OF measured FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE measured_new PARTITION OF measured FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (value);
CREATE TABLE measured_new_rest PARTITION OF measured_new DEFAULT;
INSERT INTO measured SELECT '2025-06-01', n FROM generate_series(1, 5) n;
INSERT INTO measured SELECT '2026-06-01', n FROM generate_series(1, 7) n;
CREATE TABLE parent (id int); CREATE TABLE child (more text) INHERITS (parent);
INSERT INTO parent SELECT generate_series(1, 2); INSERT INTO child SELECT n, 'x' FROM generate_series(1, 4) n;
CREATE UNLOGGED TABLE passing (id int); INSERT INTO passing VALUES (1), (2);
CREATE TABLE wide (id bigserial PRIMARY KEY, data bytea, twice bigint GENERATED ALWAYS AS (7 * 2) STORED);
INSERT INTO wide (data) SELECT decode(repeat('00ff', 2000), 'hex') FROM generate_series(1, 6);
SELECT setval('wide_id_seq', 4711);
CREATE TABLE guarded (id int); INSERT INTO guarded VALUES (1), (2), (3);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; CREATE POLICY none ON guarded USING (id = 1);
CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM measured;
CREATE VIEW seen AS SELECT * FROM parent;
CREATE TYPE mood AS ENUM ('good', 'it''s bad'); CREATE TABLE moods (m mood); INSERT INTO moods VALUES ('it''s bad');
CREATE FUNCTION said() RETURNS text LANGUAGE sql AS $$ SELECT 'it''s "said"' $$;
SELECT lo_from_bytea(12345, 'a large object'); SELECT lo_from_bytea(12346, '');
"""
COUNTED = {
    "public.empty": 0,
    "public.measured_old": 5,
    "public.measured_new_rest": 7,
    "public.parent": 2,
    "public.child": 4,
    "public.passing": 2,
    "public.wide": 6,
    "public.guarded": 3,
    "public.moods": 1,
    '"odd ""schema"" %".inside': 3,
}
NOT_DUMPED = {"public.of_extension": 1}
SAME = (
    "SELECT last_value, is_called FROM wide_id_seq",
    "SELECT oid, lo_get(oid) FROM pg_largeobject_metadata ORDER BY oid",
    "SELECT md5(string_agg(w::text, '' ORDER BY id)) FROM wide w",
    "SELECT * FROM totals",
    "SELECT said()",
    "SELECT rolname, datname FROM pg_database, pg_roles r WHERE r.oid = datdba AND datname = 'shop'",
    "SELECT polname, pg_get_expr(polqual, polrelid) FROM pg_policy",
    "SELECT relname, relkind, relowner::regrole FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
    " WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND relname <> 'of_extension' ORDER BY 1, 2",
)


def fill(server: LocalServer, database: str) -> None:
    server.create(database, PLAIN)
    # What an extension brings is not dumped: it comes with the extension.
    server.sql("CREATE TABLE of_extension AS SELECT 1 AS one; GRANT SELECT ON of_extension TO app", database)
    server.sql("ALTER EXTENSION plpgsql ADD TABLE of_extension", database)


def may_be(name: str) -> bool:
    return True


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
