"""A database whose restore is in its middle for as long as somebody needs to end it there."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.servers import APP, LocalServer

# A row of this table is quick to make where it is at home, and slow to restore anywhere else.
_POSTGRES = (
    "CREATE FUNCTION slow(int) RETURNS bool LANGUAGE sql AS"
    " $$ SELECT CASE current_database() WHEN 'shop' THEN true ELSE pg_sleep(30) IS NOT NULL END $$",
    "CREATE TABLE hooked (id int CHECK (slow(id)))",
    "INSERT INTO hooked VALUES (1)",
)
_SLEEPS = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'shop\\_\\_%' AND wait_event = 'PgSleep'"
_END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
# So many tables that the restore of the first is long done before that of the last begins.
_MARIADB = tuple(f"CREATE TABLE many{number} AS SELECT * FROM orders" for number in range(40))
_BEGUN = "SELECT table_schema FROM information_schema.tables WHERE table_schema LIKE 'shop\\_\\_%' LIMIT 1"
_WAITS = "SELECT max(id) FROM information_schema.processlist WHERE db LIKE 'shop\\_\\_%' AND state LIKE 'Waiting for%'"


def fill(server: LocalServer) -> None:
    """Make it so in the database `shop`."""
    for line in _POSTGRES if server.kind == "postgres" else _MARIADB:
        server.sql(line, "shop", APP)


@contextmanager
def ended_in_the_middle(server: LocalServer) -> Iterator[None]:
    """The session that restores meanwhile is ended, once, when there is something restored and something not."""
    with ThreadPoolExecutor() as pool:
        ending = pool.submit(_end_postgres if server.kind == "postgres" else _end_mariadb, server)
        yield
        ending.result(30)


def _end_postgres(server: LocalServer) -> None:
    server.until(_SLEEPS)
    server.sql(_END)


def _end_mariadb(server: LocalServer) -> None:
    """Whoever writes is made to wait when the first table is there."""
    server.until(_BEGUN)
    with server.connect() as session:
        session.execute("FLUSH TABLES WITH READ LOCK")
        session.execute(f"KILL {server.until(_WAITS)}")
