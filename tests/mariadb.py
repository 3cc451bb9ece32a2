"""A MariaDB of these tests' own."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, cast

import pymysql
import pytest
from pymysql.cursors import Cursor

from tests.mariadb_programs import NoMariaDB, Programs, programs
from tests.servers import APP, LIMITED, READER, LocalServer, folder, run_as_nobody

__all__ = ["SUPERUSER", "LocalMariaDB", "Session", "local_mariadb", "quoted"]

SUPERUSER = "root"
THEIRS = "('information_schema', 'mysql', 'performance_schema', 'sys')"
SETTINGS = {
    "bind-address": "127.0.0.1",
    "skip-name-resolve": "1",
    "skip-log-bin": "1",
    "character-set-server": "utf8mb4",
    "max-connections": "60",
    "log-warnings": "1",
    "innodb-buffer-pool-size": "32M",
    "innodb-log-file-size": "8M",
    "innodb-flush-log-at-trx-commit": "0",
    # What lies in memory has neither.
    "innodb-use-native-aio": "0",
    "innodb-flush-method": "fsync",
}


class Session:
    """A session with the words of psycopg's, so that a test need not know the engine."""

    def __init__(self, connection: pymysql.Connection[Cursor]) -> None:
        self.connection = connection

    def execute(self, query: str, values: object = None) -> Cursor:
        cursor = self.connection.cursor()
        cursor.execute(query, values)
        return cursor

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        self.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")

    def close(self) -> None:
        # One that has ended already cannot say goodbye.
        with contextlib.suppress(pymysql.Error):
            self.connection.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class LocalMariaDB(LocalServer):
    """A MariaDB server. `app` may do everything in the databases that were made for it, and in those that a restore
    makes beside them."""

    kind = "mysql"
    scheme = "mysql"
    superuser = SUPERUSER
    first = "mysql"
    signals: ClassVar = {"fast": signal.SIGTERM, "immediate": signal.SIGKILL}
    lost = (pymysql.OperationalError, pymysql.InterfaceError)

    def __init__(self, found: Programs, root: Path) -> None:
        self._base, self._server, self._secret = found.base, found.server, ""
        super().__init__(found.clients, root)

    def make(self) -> None:
        words = [str(self._base / "bin/mariadb-install-db"), "--no-defaults", f"--basedir={self._base}"]
        words += [f"--datadir={self._data}", f"--tmpdir={self.root}", "--auth-root-authentication-method=normal"]
        run_as_nobody([*words, "--skip-test-db", *self._options()])
        self.start()
        self.sql("DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> '127.0.0.1'")
        self.sql("FLUSH PRIVILEGES")
        self.sql(f"ALTER USER root@127.0.0.1 IDENTIFIED BY {text(self.passwords[SUPERUSER])}")
        self._secret = self.passwords[SUPERUSER]

    def words(self) -> list[str]:
        where = [f"--basedir={self._base}", f"--datadir={self._data}", f"--tmpdir={self.root}"]
        where += [f"--socket={self.root / 'socket'}", f"--pid-file={self.root / 'pid'}", f"--port={self.port}"]
        return [str(self._server), "--no-defaults", *where, *self._options()]

    def _options(self) -> list[str]:
        return [f"--{name}={value}" for name, value in SETTINGS.items()]

    @property
    def version(self) -> str:
        return str(self.sql("SELECT VERSION()")[0][0])

    def connect(self, database: str = "", user: str = "", name: str = "tests") -> Session:
        user = user or SUPERUSER
        secret = self._secret if user == SUPERUSER else self.passwords[user]
        where = {"host": "127.0.0.1", "port": self.port, "connect_timeout": 10, "program_name": name}
        more = {"database": database or None, "charset": "utf8mb4", "autocommit": True, "ssl_disabled": True}
        return Session(pymysql.connect(user=user, password=secret, **where, **more))  # type: ignore[call-overload]

    def databases(self) -> list[str]:
        query = f"SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN {THEIRS} ORDER BY 1"
        return [name for (name,) in self.sql(query)]

    def create(self, name: str, *script: str, owner: str = APP) -> None:
        self.sql(f"CREATE DATABASE {quoted(name)}")
        if owner != SUPERUSER:
            self.allow(name, owner=owner)
        with self.connect(name, owner) as session:
            for line in script:
                session.execute(line)

    def allow(self, *names: str, owner: str = APP) -> None:
        """And those that a restore makes beside them, which begin with no more of a long name than there is room for."""
        for name in names:
            short = name.encode()[:30].decode(errors="ignore")
            for pattern in (_plain(name), f"{_plain(name)}\\_\\_%" if short == name else f"{_plain(short)}%"):
                self.sql(f"GRANT ALL PRIVILEGES ON {quoted(pattern)}.* TO {owner}")

    def drop(self, name: str) -> None:
        self.end_sessions(name)
        self.sql(f"DROP DATABASE IF EXISTS {quoted(name)}")

    def counts(self, database: str) -> dict[str, int]:
        tables = (
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_type = 'BASE TABLE'"
        )
        with self.connect(database) as session:
            names = [name for (name,) in session.execute(f"{tables} ORDER BY 1", (database,))]
            session.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            found = {name: session.execute(f"SELECT count(*) FROM {quoted(name)}").fetchone() for name in names}
        return {name: cast(tuple[int], row)[0] for name, row in found.items()}

    def end_sessions(self, database: str | None = None) -> int:
        query = "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND command <> 'Daemon'"
        query += " AND user NOT IN ('system user', 'event_scheduler') AND (%s IS NULL OR db = %s)"
        with self.connect() as session:
            ids = {number for (number,) in session.execute(query, (database, database))}
            if ids and database is not None:
                # One that reads information_schema.triggers is shown in every database for a moment.
                session.execute("DO SLEEP(0.02)")
                ids &= {number for (number,) in session.execute(query, (database, database))}
            for number in ids:
                # It may have ended by itself.
                with contextlib.suppress(pymysql.OperationalError):
                    session.execute(f"KILL {number}")
        for number in ids:
            self.until(f"SELECT count(*) = 0 FROM information_schema.processlist WHERE id = {number}")
        return len(ids)

    def reset_roles(self) -> None:
        for name in (APP, LIMITED, READER):
            self.sql(f"CREATE USER IF NOT EXISTS {name}")
            self.sql(f"ALTER USER {name} IDENTIFIED BY {text(self.passwords[name])} WITH MAX_USER_CONNECTIONS 0")

    def drop_roles(self) -> None:
        for name in (APP, LIMITED, READER):
            self.sql(f"DROP USER IF EXISTS {name}")


def _plain(name: str) -> str:
    """A name as a pattern that is that name only."""
    return name.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return f"`{name.replace('`', '``')}`"


def text(value: Any) -> str:
    """A string as SQL has it."""
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


@pytest.fixture(scope="session")
def local_mariadb() -> Iterator[LocalMariaDB]:
    """The server of these tests, stopped and removed at their end."""
    with folder() as root:
        try:
            found = programs(root)
        except NoMariaDB as reason:
            pytest.skip(str(reason))
        server = LocalMariaDB(found, root)
        yield server
        server.stop("immediate")
