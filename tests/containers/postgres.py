"""The PostgreSQL of the host db1: its cluster under systemd, two roles with awkward passwords, and what is in it."""

from __future__ import annotations

import contextlib
import secrets
import shlex
import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

from tests.containers.machine import Machine, MachineError

HOST, PORT, OTHER_PORT = "db1", 5432, 5433
APP, LIMITED, SUPERUSER = "app", "limited", "postgres"
UNIT, OTHER_UNIT = "postgresql@15-main", "postgresql-other"
SETTINGS = "/etc/postgresql/15/main/conf.d/tests.conf"
LOG = "/var/log/postgresql/postgresql-15-main.log"
OTHER_BIN, OTHER_DATA = "/opt/pg-other/bin", "/var/lib/postgresql/other"
READY_SECONDS, STOP_SECONDS, INIT_SECONDS = 60.0, 60, 500
# What URLs, shells, ConfigParser, .pgpass and SQL each treat in a way of their own.
AWKWARD = "'\"\\:@% /?#&=+$HOME%40!"

CONFIGURE = f"""\
cat > {SETTINGS} <<'END'
listen_addresses = '*'
max_connections = 100
log_connections = on
log_disconnections = on
END
grep -q '^host all all all ' /etc/postgresql/15/main/pg_hba.conf ||
    echo 'host all all all scram-sha-256' >> /etc/postgresql/15/main/pg_hba.conf
"""
TABLES = """\
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1, 2"""
LEFT_OVER = "SELECT datname, datistemplate FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')"
END_SESSIONS = """\
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""

START_OTHER = f"""\
set -e; cd /
runuser -u postgres -- {OTHER_BIN}/initdb -D {OTHER_DATA} -N -E UTF8 --locale=C.UTF-8 >/dev/null
echo 'host all all all scram-sha-256' >> {OTHER_DATA}/pg_hba.conf
systemd-run -q --unit {OTHER_UNIT} --uid postgres --property TimeoutStopSec=20 --property KillSignal=SIGINT \\
    {OTHER_BIN}/postgres -D {OTHER_DATA} -p {OTHER_PORT} -k /run/postgresql -c listen_addresses=*
timeout 30 sh -c 'until {OTHER_BIN}/pg_isready -qh /run/postgresql -p {OTHER_PORT}; do sleep 0.05; done'
runuser -u postgres -- {OTHER_BIN}/psql -qXd postgres -h /run/postgresql -p {OTHER_PORT} -v ON_ERROR_STOP=1 \\
    -f {OTHER_DATA}.sql
"""


class Postgres:
    """A server for the fleet's hosts at db1:5432, and for the tests at a port of 127.0.0.1.

    Role `app` may log in and make databases, `limited` may log in only, and neither is a superuser.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.passwords = {
            APP: f"{secrets.token_hex(4)}{AWKWARD}",
            LIMITED: f"{secrets.token_hex(4)}{AWKWARD[::-1]}",
            SUPERUSER: secrets.token_hex(16),
        }
        self._configured = False

    def start(self) -> None:
        """Start the cluster and wait until it answers; the first time, let the network in and make the roles."""
        if not self._configured:
            self.machine.check(CONFIGURE)
        self.machine.check(f"systemctl start {UNIT}")
        if not self._configured:
            password = f"ALTER ROLE {SUPERUSER} PASSWORD '{self.passwords[SUPERUSER]}'"
            self.machine.check(f'cd / && runuser -u postgres -- psql -qX -c "{password}"')
        self.wait_ready()
        self._configured = True
        self._make_roles()

    def stop(self) -> None:
        """Shut the cluster down: sessions end, and what they had not committed is lost."""
        self.machine.check(f"timeout {STOP_SECONDS} systemctl stop {UNIT}")

    def restart(self) -> None:
        """Stop and start, and wait until it answers."""
        self.stop()
        self.start()

    def stop_hard(self) -> None:
        """Kill every process of the cluster at once, as a power cut would; `start` has it recover."""
        gone = "until ! pgrep -u postgres -x postgres >/dev/null; do sleep 0.02; done"
        self.machine.check(f"systemctl kill -s KILL {UNIT}; timeout 10 sh -c '{gone}'; systemctl reset-failed {UNIT}")

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until it lets a session in; a MachineError with the end of its log when it does not in time."""
        until = time.monotonic() + seconds
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > until:
                    tail = self.machine.exec(f"tail -n 20 {LOG}")[1]
                    raise MachineError(f"PostgreSQL does not answer: {error}\n{tail}") from error
            time.sleep(0.05)

    def url(self, database: str, user: str = APP, host: str = HOST, port: int = PORT) -> str:
        """A database's address as seen from the fleet's hosts, its password percent-encoded."""
        return f"postgresql://{user}:{quote(self.passwords[user], safe='')}@{host}:{port}/{quote(database, safe='')}"

    def url_here(self, database: str, user: str = APP) -> str:
        """A database's address as seen from this machine."""
        return self.url(database, user, "127.0.0.1", self.machine.published(PORT))

    def connect(self, database: str = "postgres", user: str = SUPERUSER) -> psycopg.Connection[Any]:
        """A session from this machine that commits by itself; close it, `with` does."""
        return psycopg.connect(
            dbname=database,
            autocommit=True,
            host="127.0.0.1",
            port=self.machine.published(PORT),
            connect_timeout=10,
            user=user,
            password=self.passwords[user],
            application_name="the tests",
        )

    def sql(self, query: str | sql.SQL | sql.Composed, database: str = "postgres", user: str = SUPERUSER) -> list[Any]:
        """The rows of a query, as tuples; an empty list where it has none."""
        with self.connect(database, user) as connection:
            cursor = connection.execute(query.encode() if isinstance(query, str) else query)
            return cursor.fetchall() if cursor.description else []

    def databases(self) -> list[str]:
        """The databases by name, without the templates and `postgres`."""
        return sorted(name for name, _ in self.sql(LEFT_OVER))

    def exists(self, name: str) -> bool:
        """Whether there is a database of the name."""
        return name in self.databases()

    def create(self, name: str, owner: str = APP) -> None:
        """Make an empty database."""
        make = sql.SQL("CREATE DATABASE {} OWNER {}")
        self.sql(make.format(sql.Identifier(name), sql.Identifier(owner)))

    def drop(self, name: str) -> None:
        """Drop a database with the sessions in it; one that is gone already is fine."""
        self.sql(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def counts(self, database: str) -> dict[str, int]:
        """The rows of every table by `schema.table`, counted one by one at one moment."""
        with self.connect(database) as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return {f"{each[0]}.{each[1]}": _count(connection, each) for each in connection.execute(TABLES).fetchall()}

    def end_sessions(self) -> int:
        """End every other session and wait until they are gone; how many there were."""
        return len(self.sql(END_SESSIONS))

    def reset(self) -> None:
        """Take the server back to where it has the roles as they were made, and no database of anyone's."""
        self.end_sessions()
        for name, template in self.sql(LEFT_OVER):
            if template:
                self.sql(sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(sql.Identifier(name)))
            self.drop(name)
        self._make_roles()

    def pgbench(self, database: str, scale: int) -> None:
        """Fill a database, made where it is missing, with pgbench's tables as the role `app`: 100,000 accounts and
        about 15 MB for each step of the scale."""
        if not self.exists(database):
            self.create(database)
        fill = f"PGOPTIONS='-c role={APP}' timeout {INIT_SECONDS} pgbench -iq -s {scale} {shlex.quote(database)}"
        self.machine.check(f"cd / && runuser -u postgres -- bash -c {shlex.quote(fill)}")

    def log(self) -> str:
        """What the server has written to its log."""
        return self.machine.read(LOG).decode(errors="replace")

    @contextlib.contextmanager
    def newer(self, database: str = "notes") -> Iterator[str]:
        """A second server on db1, of a version newer than the hosts' client, with an empty database of `app`'s; the
        address of the database as seen from the fleet's hosts. Its data is gone afterwards."""
        role = f"{_role(APP, self.passwords[APP], 'CREATEDB').as_string()};\n"
        make = f"{role}CREATE DATABASE {sql.Identifier(database).as_string()} OWNER {APP};\n"
        self.machine.put(f"{OTHER_DATA}.sql", make.encode(), mode=0o600, owner="postgres")
        try:
            self.machine.check(START_OTHER)
            yield self.url(database, port=OTHER_PORT)
        finally:
            self.machine.exec(f"systemctl stop {OTHER_UNIT}; rm -rf {OTHER_DATA} {OTHER_DATA}.sql")

    def _make_roles(self) -> None:
        present = {name for (name,) in self.sql("SELECT rolname FROM pg_roles")}
        for name, might in ((APP, "CREATEDB"), (LIMITED, "NOCREATEDB")):
            self.sql(_role(name, self.passwords[name], might, "ALTER" if name in present else "CREATE"))


def _role(name: str, password: str, might: str, verb: str = "CREATE") -> sql.Composed:
    make = sql.SQL(f"{verb} ROLE {{}} LOGIN NOSUPERUSER {might} CONNECTION LIMIT -1 PASSWORD {{}}")
    return make.format(sql.Identifier(name), sql.Literal(password))


def _count(connection: psycopg.Connection[Any], table: Sequence[str]) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table))).fetchone()
    return int(row[0]) if row else 0
