"""A PostgreSQL of these tests' own.

The programs come from the wheel `pgserver`, so that every machine tests the same version; where there is no wheel for
it, from PATH or where Debian has them.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest
from psycopg import sql

from tests.servers import APP, AWKWARD, LIMITED, READER, LocalServer, as_nobody, folder, own, run_as_nobody

__all__ = ["APP", "AWKWARD", "LIMITED", "READER", "SUPERUSER", "LocalPostgres", "as_nobody", "folder"]
__all__ += ["local_postgres", "own", "programs", "run_as_nobody"]

SUPERUSER = "postgres"
NEEDED = ("initdb", "postgres", "psql", "pg_dump", "pg_restore")
MINE = "datname NOT IN ('postgres', 'template0', 'template1')"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "60",
    "shared_buffers": "16MB",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "log_min_messages": "warning",
}


class LocalPostgres(LocalServer):
    """A PostgreSQL server."""

    kind = "postgres"
    scheme = "postgresql"
    superuser = SUPERUSER
    first = "postgres"
    signals: ClassVar = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
    lost = (psycopg.OperationalError,)

    def make(self) -> None:
        secret = self.root / "secret"
        secret.write_text(self.passwords[SUPERUSER])
        own(secret)
        words = ["-D", str(self._data), "-U", SUPERUSER, "-A", "scram-sha-256", "--pwfile", str(secret)]
        run_as_nobody([str(self.bin / "initdb"), *words, "-N", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"])
        secret.unlink()
        # Its password is kept as the server's settings say.
        self.start()
        self.sql(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(sql.Literal(self.passwords[SUPERUSER])))

    def words(self) -> list[str]:
        # Every login of a test would hash its password 4096 times.
        more = {"scram_iterations": "1"} if self._knows(16) else {}
        options = [word for name, value in {**SETTINGS, **more}.items() for word in ("-c", f"{name}={value}")]
        return [str(self.bin / "postgres"), "-D", str(self._data), "-p", str(self.port), "-k", str(self.root), *options]

    @property
    def version(self) -> str:
        return str(self.sql("SELECT current_setting('server_version')")[0][0])

    def connect(self, database: str = "", user: str = "", name: str = "tests") -> psycopg.Connection[Any]:
        user, database = user or SUPERUSER, database or self.first
        where = {"host": "127.0.0.1", "port": self.port, "connect_timeout": 10, "application_name": name}
        return psycopg.connect(dbname=database, user=user, password=self.passwords[user], autocommit=True, **where)  # type: ignore[arg-type]

    def databases(self) -> list[str]:
        return [name for (name,) in self.sql(f"SELECT datname FROM pg_database WHERE {MINE} ORDER BY datname")]

    def _knows(self, version: int) -> bool:
        """True where it has what came with a version."""
        return int((self._data / "PG_VERSION").read_text()) >= version

    def create(self, name: str, *script: str, owner: str = APP) -> None:
        make = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 {}")
        # As files it takes a third of the time of a log of every page.
        strategy = sql.SQL("STRATEGY file_copy" if self._knows(15) else "")
        self.sql(make.format(sql.Identifier(name), sql.Identifier(owner), strategy))
        if script:
            self.sql("; ".join(script), name, owner)

    def allow(self, *names: str) -> None:
        """It may make any."""

    def drop(self, name: str) -> None:
        self.sql(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def counts(self, database: str) -> dict[str, int]:
        """As `schema.table`, quoted as SQL would."""
        with self.connect(database) as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return {name: _count(connection, schema, table) for name, schema, table in connection.execute(_TABLES)}

    def end_sessions(self, database: str | None = None) -> int:
        one = sql.SQL("AND datname = {}").format(sql.Literal(database)) if database else sql.SQL("")
        return len(self.sql(sql.SQL(_END_SESSIONS).format(one)))

    def drop_roles(self) -> None:
        """Drop none: what they may do goes with the databases."""

    def reset_roles(self) -> None:
        present = {name for (name,) in self.sql("SELECT rolname FROM pg_roles")}
        for name, might in ((APP, "CREATEDB"), (LIMITED, "NOCREATEDB"), (READER, "NOCREATEDB")):
            verb = "ALTER" if name in present else "CREATE"
            make = f"{verb} ROLE {{}} LOGIN NOSUPERUSER {might} CONNECTION LIMIT -1 PASSWORD {{}}"
            self.sql(sql.SQL(make).format(sql.Identifier(name), sql.Literal(self.passwords[name])))


_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname), n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 2, 3"""
_END_SESSIONS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() {}"""


def _count(connection: psycopg.Connection[Any], schema: str, table: str) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM ONLY {}").format(sql.Identifier(schema, table))).fetchone()
    return int(row[0]) if row else 0


def programs(root: Path) -> Path | None:
    """The folder of a PostgreSQL that the server's user can run; None where there is none."""
    for found in _folders():
        if not all((found / name).exists() for name in NEEDED):
            continue
        if _runs(found):
            return found
        # It may lie where only we can look.
        copy = root / "programs"
        shutil.copytree(found.parent, copy, symlinks=True)
        if _runs(copy / found.name):
            return copy / found.name
        shutil.rmtree(copy)
    return None


def _folders() -> Iterator[Path]:
    wheel = importlib.util.find_spec("pgserver")
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda found: -float(found.parent.name))


def _runs(found: Path) -> bool:
    with contextlib.suppress(AssertionError, OSError, subprocess.TimeoutExpired):
        return run_as_nobody([str(found / "postgres"), "--version"]).startswith("postgres (PostgreSQL)")
    return False


@pytest.fixture(scope="session")
def local_postgres() -> Iterator[LocalPostgres]:
    """The server of these tests, stopped and removed at their end."""
    with folder() as root:
        found = programs(root)
        if found is None:
            pytest.skip("there is no PostgreSQL: no wheel pgserver for this machine, and none is installed")
        server = LocalPostgres(found, root)
        yield server
        server.stop("immediate")
