"""The host of the data: MariaDB and Redis under systemd, for the PHP hosts."""

from __future__ import annotations

import secrets
from urllib.parse import quote

from tests.containers.machine import Machine

HOST, USER, DATABASE = "data1", "desk", "desk"
UNITS = "mariadb redis-server"
REDIS = "/etc/redis/tests.conf"
# What URLs, .env files and shells each treat in a way of their own; nothing that a quote in SQL would end.
AWKWARD = ':@% /?#&=+$HOME%40!"'
OWN = ("mysql", "information_schema", "performance_schema", "sys")
# What making, comparing, swapping and keeping databases beside one's own takes.
GRANTS = ("`desk`.*", "`desk\\_\\_%`.*", "`scratch`.*", "`scratch\\_\\_%`.*")


class Data:
    """The servers of data1: role `desk`, whose are the databases `desk`, `scratch` and their namesakes."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.password, self.redis_password = f"{secrets.token_hex(4)}{AWKWARD}", secrets.token_hex(8)

    def start(self) -> None:
        """Start both, let the network in, and make the role."""
        settings = f'bind 0.0.0.0\nrequirepass {self.redis_password}\nsave ""\n'
        self.machine.put(REDIS, settings.encode(), mode=0o640, owner="root:redis")
        self.machine.check(f"systemctl start {UNITS}")
        self.sql(f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{self.password}'")
        for what in GRANTS:
            self.sql(f"GRANT ALL ON {what} TO '{USER}'@'%'")

    def reset(self) -> None:
        """No database of anyone's but an empty `desk` and `scratch`; nothing in Redis."""
        for name in self.databases():
            self.sql(f"DROP DATABASE `{name}`")
        for name in (DATABASE, "scratch"):
            self.sql(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
        self.redis("FLUSHALL")

    def sql(self, query: str, database: str = "mysql") -> list[tuple[str, ...]]:
        """The rows of a query, as texts."""
        self.machine.put("/run/query.sql", f"{query};\n".encode(), mode=0o600)
        said = self.machine.check(f"mariadb --batch --skip-column-names {database} </run/query.sql")
        return [tuple(line.split("\t")) for line in said.splitlines()]

    def databases(self) -> list[str]:
        """The databases by name, without the server's own."""
        return [name for (name,) in self.sql("SHOW DATABASES") if name not in OWN]

    def count(self, table: str, database: str = DATABASE) -> int:
        """How many rows a table has."""
        ((rows,),) = self.sql(f"SELECT count(*) FROM `{table}`", database)
        return int(rows)

    def redis(self, *words: str) -> str:
        """What Redis answers."""
        return self.machine.check(f"REDISCLI_AUTH={self.redis_password} redis-cli {' '.join(words)}").strip()

    def url(self, database: str = DATABASE) -> str:
        """A database's address as seen from the PHP hosts, its password percent-encoded."""
        return f"mysql://{USER}:{quote(self.password, safe='')}@{HOST}:3306/{database}"

    def env(self) -> str:
        """The lines of the application's .env that lead here."""
        values = {
            "DB_HOST": HOST,
            "DB_DATABASE": DATABASE,
            "DB_USERNAME": USER,
            "DB_PASSWORD": f"'{self.password}'",
            "REDIS_HOST": HOST,
            "REDIS_PASSWORD": self.redis_password,
        }
        return "".join(f"{name}={value}\n" for name, value in values.items())
