"""What the engines say, name and spell each in their own way, so that a test states what both of them do once."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.servers import APP, LIMITED, LocalServer

Counts = dict[str, int]


@dataclass(frozen=True)
class Dialect:
    """One engine's programs, words and SQL. `{}` in a text is a number of seconds or a name."""

    # The program that dumps, and with how many jobs it can.
    dump: str
    jobs: tuple[int, ...]
    # How the names of the engine's programs begin; those that a backup and a restore begin, the client first; and those
    # in whose environment the password may be.
    programs: tuple[str, ...]
    audited: tuple[str, ...]
    sees_password: tuple[str, ...]
    # A table of the shop in a manifest, the file of a dump, and what this engine's manifests have beside all others'.
    table: str
    file: str
    more: frozenset[str]
    # Dumps that cannot be read, made from a whole one, and what is said of them.
    unreadable_ones: Callable[[bytes], Sequence[bytes]]
    unreadable: str
    # What is said where nobody listens, a login is refused, or may not; where a name is taken, a session was ended; and
    # why a login may not restore.
    refused: str
    denied: str
    forbidden: str
    taken: str
    ended: str
    may_not_restore: tuple[str, ...]
    # Names that a database may have, and one that every login may name in its URL.
    names: tuple[str, ...]
    anyones: str
    size: str
    # A query that takes so long, one that counts the orders meanwhile, and whether there is such a one.
    sleep: str
    busy: str
    sleeping: str
    # How many sessions Lockstitch has, such as have a transaction open, such as wait for a lock; and what one is called.
    ours: str
    open_transaction: str
    waiting: str
    session: str
    # What lets `limited` read the shop, and gives `app` another password.
    lets_read: tuple[str, ...]
    new_password: str
    # What acts by itself in a shop: each new customer is written into `told`; `seen` shows the orders.
    acts: tuple[str, ...]
    # Whether a swap ends sessions that do nothing.
    ends_idle: bool
    # Whether others may write from when a backup has begun until its dump begins.
    writes_while_held: bool


_SEEN = ("CREATE TABLE told (what text)", "CREATE VIEW seen AS SELECT * FROM orders")
POSTGRES = Dialect(
    dump="pg_dump",
    programs=("psql", "pg_dump", "pg_restore"),
    jobs=(1, 2),
    audited=("psql", "pg_dump", "pg_restore"),
    sees_password=("psql", "pg_dump", "pg_restore"),
    table="public.{}",
    file="database.dump",
    more=frozenset(("encoding", "collate", "ctype")),
    unreadable_ones=lambda dump: [b"PGDMP no more", dump[:20], b""],
    unreadable="pg_restore cannot read",
    refused="Connection refused",
    denied="authentication failed",
    forbidden="permission denied",
    taken="already",
    ended="terminating connection",
    may_not_restore=("may not make databases", "not the owner"),
    anyones="postgres",
    names=('it\'s "odd" \\ 100% :x $HOME {db} =a;', "ünïcödé-🐘", "é" * 31, "-c"),
    size="SELECT pg_database_size(current_database())",
    sleep="SELECT pg_sleep({})",
    busy="SELECT count(*) FROM orders, pg_sleep(1)",
    sleeping="SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
    ours="SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lockstitch' OR application_name LIKE 'pg\\_%'",
    open_transaction="SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lockstitch'"
    " AND state = 'idle in transaction'",
    waiting="SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lockstitch' AND wait_event_type = 'Lock'",
    session="pid",
    lets_read=(
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {LIMITED}",
        f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {LIMITED}",
    ),
    acts=(
        *_SEEN,
        "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO told VALUES (NEW.name); RETURN NEW; END $$",
        "CREATE TRIGGER telling AFTER INSERT ON customers FOR EACH ROW EXECUTE FUNCTION tell()",
    ),
    new_password=f"ALTER ROLE {APP} PASSWORD 'another'",
    ends_idle=True,
    writes_while_held=True,
)
_SESSIONS = "SELECT count(*) FROM information_schema.processlist WHERE user = 'app'"
MARIADB = Dialect(
    dump="mariadb-dump",
    programs=("mariadb", "mysql"),
    jobs=(1,),
    audited=("mariadb", "mariadb-dump"),
    sees_password=(),
    table="{}",
    file="database/data.sql.gz",
    more=frozenset(("encoding", "collate")),
    unreadable_ones=lambda dump: [b"no gzip", gzip.compress(gzip.decompress(dump)[:-100]), dump[:-9], b""],
    unreadable="is not whole",
    refused="Can't connect to",
    denied="Access denied",
    forbidden="Access denied",
    taken="already",
    ended="Lost connection",
    may_not_restore=("GRANT",),
    anyones="information_schema",
    names=('it\'s "odd" \\ 100% :x $HOME {db} =a; `b`', "ünïcödé-ﬀ_x", "é" * 60, "-c"),
    size="SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = DATABASE()",
    sleep="SELECT SLEEP({})",
    busy="SELECT count(*) FROM orders, (SELECT SLEEP(1)) AS s",
    sleeping="SELECT count(*) FROM information_schema.processlist WHERE state = 'User sleep'",
    ours=_SESSIONS,
    open_transaction="SELECT count(*) FROM information_schema.innodb_trx",
    waiting=f"{_SESSIONS} AND state LIKE 'Waiting for%'",
    session="id",
    lets_read=(f"GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE, LOCK TABLES ON shop.* TO {LIMITED}",),
    acts=(
        *_SEEN,
        "CREATE TRIGGER telling AFTER INSERT ON customers FOR EACH ROW INSERT INTO told VALUES (NEW.name)",
    ),
    new_password=f"ALTER USER {APP} IDENTIFIED BY 'another'",
    ends_idle=False,
    writes_while_held=False,
)


def speaks(server: LocalServer) -> Dialect:
    """How the engine of a server speaks."""
    return {"postgres": POSTGRES, "mysql": MARIADB}[server.kind]


def table(server: LocalServer, name: str) -> str:
    """A table of the shop as a manifest names it."""
    return speaks(server).table.format(name)


def shop_rows(server: LocalServer, orders: int = 300) -> Counts:
    """The rows of the shop."""
    return {table(server, "customers"): 40, table(server, "orders"): orders}


def acting_rows(server: LocalServer, orders: int = 300) -> Counts:
    """The rows of a shop in which something acts by itself."""
    return {**shop_rows(server, orders), table(server, "told"): 0}


def assert_acts(server: LocalServer, database: str, case: object = "") -> None:
    """What acts by itself in a database does so there, and shows what is there."""
    with server.connect(database, APP) as session:
        session.execute("BEGIN")
        session.execute("INSERT INTO customers VALUES (1000, 'new')")
        assert session.execute("SELECT what FROM told").fetchall() in ([("new",)], (("new",),)), (database, case)
        (shown,) = session.execute("SELECT count(*) FROM seen").fetchone()
        assert shown == session.execute("SELECT count(*) FROM orders").fetchone()[0], (database, case)
        session.execute("ROLLBACK")


def end_ours(server: LocalServer) -> None:
    """End every session of Lockstitch's, and wait until they are gone."""
    kill = "SELECT pg_terminate_backend({}, 5000)" if server.kind == "postgres" else "KILL {}"
    for (number,) in server.sql(speaks(server).ours.replace("count(*)", speaks(server).session, 1)):
        server.sql(kill.format(number))
    server.until(f"SELECT ({speaks(server).ours}) = 0")
