"""A PostgreSQL of these tests' own: on a free port of 127.0.0.1, in a folder that is gone afterwards.

The programs come from the wheel `pgserver`, so that every machine tests the same version; where there is no wheel for
it, from PATH or where Debian has them.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

APP, LIMITED, READER, SUPERUSER = "app", "limited", "reader", "postgres"
# What URLs, shells, ConfigParser, .pgpass, connection strings and SQL each treat in a way of their own.
AWKWARD = "a'b:c@d%e f\\g\"h/?#$HOME%40"
READY_SECONDS = 30.0
PREFIX, ROOM = "lockstitch-pg-", 2 << 30
# Below the ports that outgoing connections take, so that a port stays ours between a stop and a start.
PORTS = range(30000, 32000)
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
Stop = Literal["fast", "immediate"]
_SIGNALS: dict[Stop, signal.Signals] = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


class LocalPostgres:
    """A server. Role `app` may log in and make databases, `limited` and `reader` may log in only; none is a superuser."""

    def __init__(self, programs: Path, root: Path) -> None:
        self.bin, self.root = programs, root
        self.port = free_port()
        self.passwords = {APP: AWKWARD, LIMITED: f"{AWKWARD[::-1]}1", READER: "reader's", SUPERUSER: "su\\per'"}
        self._process: subprocess.Popen[bytes] | None = None
        self._data, self._log = root / "data", root / "log"
        secret = root / "secret"
        secret.write_text(self.passwords[SUPERUSER])
        own(secret)
        words = ["-D", str(self._data), "-U", SUPERUSER, "-A", "scram-sha-256", "--pwfile", str(secret)]
        run_as_nobody([str(programs / "initdb"), *words, "-N", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"])
        secret.unlink()
        self.start()
        self.reset_roles()

    @property
    def path(self) -> str:
        """A PATH on which its programs come first."""
        return f"{self.bin}:{os.environ['PATH']}"

    @property
    def version(self) -> str:
        """The server's version, as it says it."""
        return str(self.sql("SELECT current_setting('server_version')")[0][0])

    # Up and down.

    def start(self) -> None:
        """Start it where it does not run, and wait until it lets a session in. It ends with the thread that does this."""
        if self._process is None:
            options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
            words = [str(self.bin / "postgres"), "-D", str(self._data), "-p", str(self.port), "-k", str(self.root)]
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    [*as_nobody(), *words, *options],
                    cwd=self.root,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise AssertionError(f"PostgreSQL does not start: {error}\n{self.log()[-2000:]}") from error
            time.sleep(0.02)

    def stop(self, mode: Stop = "fast") -> None:
        """Stop it: `fast` ends every session, `immediate` is as if its process had crashed."""
        if self._process is not None:
            self._process.send_signal(_SIGNALS[mode])
            self._process.wait(READY_SECONDS)
            self._process = None

    @contextlib.contextmanager
    def stopped(self, mode: Stop = "fast") -> Iterator[None]:
        """Stopped for a while."""
        self.stop(mode)
        try:
            yield
        finally:
            self.start()

    def log(self) -> str:
        """What it has written to its log."""
        return self._log.read_text(errors="replace")

    # What is in it.

    def url(self, database: str, user: str = APP, password: str | None = None, port: int | None = None) -> str:
        """A database's address, its password percent-encoded."""
        secret = quote(self.passwords[user] if password is None else password, safe="")
        return f"postgresql://{user}:{secret}@127.0.0.1:{port or self.port}/{quote(database, safe='')}"

    def connect(
        self, database: str = "postgres", user: str = SUPERUSER, name: str = "tests"
    ) -> psycopg.Connection[Any]:
        """A session that commits by itself; close it, `with` does."""
        where = {"host": "127.0.0.1", "port": self.port, "connect_timeout": 10, "application_name": name}
        return psycopg.connect(dbname=database, user=user, password=self.passwords[user], autocommit=True, **where)  # type: ignore[arg-type]

    def sql(self, query: str | sql.Composable, database: str = "postgres", user: str = SUPERUSER) -> list[Any]:
        """The rows of a query, as tuples; an empty list where it has none."""
        with self.connect(database, user) as connection:
            cursor = connection.execute(query)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def databases(self) -> list[str]:
        """The databases by name, without the templates and `postgres`."""
        return [name for (name,) in self.sql(f"SELECT datname FROM pg_database WHERE {MINE} ORDER BY datname")]

    def create(self, name: str, *script: str, owner: str = APP) -> None:
        """Make a database, and do so much in it as its owner."""
        make = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0")
        self.sql(make.format(sql.Identifier(name), sql.Identifier(owner)))
        if script:
            self.sql("; ".join(script), name, owner)

    def drop(self, name: str) -> None:
        """Drop a database with the sessions in it; one that is gone already is fine."""
        self.sql(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def counts(self, database: str) -> dict[str, int]:
        """The rows of every ordinary table as `schema.table`, quoted as SQL would; all of one moment."""
        with self.connect(database) as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return {name: _count(connection, schema, table) for name, schema, table in connection.execute(_TABLES)}

    def end_sessions(self, database: str | None = None) -> int:
        """End the sessions of a database, or every other one, and wait until they are gone; how many there were."""
        one = sql.SQL("AND datname = {}").format(sql.Literal(database)) if database else sql.SQL("")
        return len(self.sql(sql.SQL(_END_SESSIONS).format(one)))

    def until(self, query: str, seconds: float = 20.0) -> Any:
        """Ask until the answer is true; the answer."""
        end = time.monotonic() + seconds
        with self.connect() as connection:
            while True:
                row = connection.execute(query).fetchone()
                if row and row[0]:
                    return row[0]
                assert time.monotonic() < end, f"it never became true: {query}"
                time.sleep(0.01)

    def reset(self) -> None:
        """Back to where it has its roles and no database of anyone's."""
        self.start()
        self.end_sessions()
        for name in self.databases():
            self.drop(name)
        self.reset_roles()

    def reset_roles(self) -> None:
        """Make the roles as they were."""
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


def free_port() -> int:
    """A port nobody listens on."""
    for port in random.sample(PORTS, 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


def as_nobody() -> list[str]:
    """The words that make what follows end with us; PostgreSQL does not run as root."""
    leave = ["setpriv", "--pdeathsig", "INT"]
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        leave += [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    return [*leave, "--"]


def run_as_nobody(words: list[str]) -> str:
    """Run a program to its end; what it said."""
    done = subprocess.run([*as_nobody(), *words], cwd="/", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{words[0]}: {done.stdout}{done.stderr}"
    return done.stdout


def own(path: Path) -> None:
    """Give it to whoever the server runs as."""
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(path, nobody.pw_uid, nobody.pw_gid)


def programs(root: Path) -> Path | None:
    """The folder of a PostgreSQL that the server's user can run; None where there is none."""
    for folder in _folders():
        if not all((folder / name).exists() for name in NEEDED):
            continue
        if _runs(folder):
            return folder
        # It may lie where only we can look.
        copy = root / "programs"
        shutil.copytree(folder.parent, copy, symlinks=True)
        if _runs(copy / folder.name):
            return copy / folder.name
        shutil.rmtree(copy)
    return None


def _folders() -> Iterator[Path]:
    wheel = importlib.util.find_spec("pgserver")
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: -float(folder.parent.name))


def _runs(folder: Path) -> bool:
    with contextlib.suppress(AssertionError, OSError, subprocess.TimeoutExpired):
        return run_as_nobody([str(folder / "postgres"), "--version"]).startswith("postgres (PostgreSQL)")
    return False


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder for a server: short, because of the socket in it, and not under pytest's own, where nobody else can look.
    In memory where there is much of it: databases are made and dropped all the time."""
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    base = memory if roomy else Path(tempfile.gettempdir())
    for left in base.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            _remove(left)
    root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    try:
        root.chmod(0o755)
        own(root)
        with (root / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _remove(left: Path) -> None:
    """Remove what a dead run has left: one that runs holds its lock, or has just begun."""
    if time.time() - left.stat().st_mtime > READY_SECONDS:
        with (left / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)


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
