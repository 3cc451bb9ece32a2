"""Engine `postgres`: pg_dump and pg_restore of one database, restored beside the one that serves and swapped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

from lockstitch.databases.backup import ServerFacts
from lockstitch.databases.backup_directory import ROWS
from lockstitch.databases.engine import Engine, Variables, judge_rows
from lockstitch.databases.postgres import dump as shell
from lockstitch.databases.postgres import restore as restoring
from lockstitch.databases.postgres import swap as swapping
from lockstitch.databases.postgres.health import STATE, parse_state
from lockstitch.databases.postgres.session import MAINTAIN, SHELL
from lockstitch.errors import UsageError
from lockstitch.model.command import Secret, Value
from lockstitch.model.probe import number

_SCHEMES = ("postgres", "postgresql")
# A server or network that is gone is noticed when nothing has come for 25 s. Not `tcp_user_timeout`: it would end a
# restore whose server takes its time over what it was sent too (tcp(7)), and libpq before 12 does not know it.
_ALIVE = {"keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3"}
# What Prisma and Doctrine write into a URL for themselves; libpq refuses a keyword that it does not know.
_OF_LIBRARIES = frozenset(
    ("schema", "connection_limit", "pool_timeout", "pgbouncer", "socket_timeout", "statement_cache_size")
) | {"sslaccept", "sslidentity", "serverVersion", "charset"}
# As libpq reads it: a number sign means nothing, and one of several hosts may be in brackets.
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?]*)(?:/([^?]*))?(?:\?(.*))?", re.IGNORECASE | re.DOTALL)
_FORM = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
# From this version on a dump sets transaction_timeout, which an older server does not know: pg_restore ends there.
_NEW_SETTING = 17
# What a database's text is in, as a dump is marked with it.
_TEXT = ("encoding", "collate", "ctype")
_MAJOR = re.compile(r"\d+")


def login(url: Value, beside: str = "") -> Variables:
    """The shell variables of a connection URL: connection strings without the password, and the password.

    The form is libpq's (PostgreSQL documentation, "Connection URIs"), and what SQLAlchemy makes of it
    (`postgresql+psycopg://`). Raises UsageError, which never shows the URL.
    """
    known = parse(url)
    password = known.pop("password", "")
    known = _ALIVE | known
    database = known["dbname"]
    secret = Secret(password, url.source if isinstance(url, Secret) else "")
    admin = "template1" if database == "postgres" else "postgres"
    return {
        "password": secret,
        "dsn": conninfo(known),
        "admin": conninfo({**known, "dbname": admin}),
        "beside_dsn": conninfo({**known, "dbname": beside or database}),
        "database": database,
        "beside": beside,
    }


def parse(url: Value) -> dict[str, str]:
    """A URL's keywords as libpq names them."""
    text = url.reveal() if isinstance(url, Secret) else url
    source = f"{url.source}: " if isinstance(url, Secret) and url.source else ""
    match = _URL.fullmatch(text.strip())
    if match is None or match[1].lower().partition("+")[0] not in _SCHEMES:
        raise UsageError(f"{source}it is not a URL of PostgreSQL", hint=_FORM)
    _, place, path, query = (part or "" for part in match.groups())
    who, _, where = place.rpartition("@")
    user, _, password = who.partition(":")
    hosts = _hosts(where)
    # An @ that comes after a / or ? of the password: what looks like host and database would be its tail.
    if hosts is None or "@" in path + query:
        hint = "a sign of the password that means something in a URL is written as % and its digits: %2F is /, %40 is @"
        raise UsageError(f"{source}its host cannot be read", hint=hint)
    known = {"user": unquote(user), "password": unquote(password), **hosts, "dbname": unquote(path)}
    # libpq takes a plus as it is.
    asked = dict(parse_qsl(query.replace("+", "%2B"), keep_blank_values=True))
    known |= {key: value for key, value in asked.items() if key not in _OF_LIBRARIES}
    if "sslpassword" in known or "passfile" in known or "service" in known:
        raise UsageError(f"{source}sslpassword, passfile and service are not supported in a database's URL")
    known = {key: value for key, value in known.items() if value}
    if not known.get("dbname"):
        raise UsageError(f"{source}it names no database", hint=_FORM)
    return known


def _hosts(where: str) -> dict[str, str] | None:
    hosts, ports = [], []
    for one in where.split(","):
        match = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(\d*))?", one)
        if match is None:
            return None
        hosts.append(unquote(match[1]).strip("[]"))
        ports.append(match[2] or "")
    return {"host": ",".join(hosts), "port": ",".join(ports) if any(ports) else ""}


def conninfo(known: Mapping[str, str]) -> str:
    """A connection string of quoted values (PostgreSQL documentation, "Keyword/Value Connection Strings")."""
    quoted = ((key, value.replace("\\", "\\\\").replace("'", "\\'")) for key, value in known.items())
    return " ".join(f"{key}='{value}'" for key, value in quoted)


def parse_facts(text: str, code: int) -> ServerFacts:
    """A server's facts from `word rest` lines; any other line is what psql had to say about why there are none."""
    said: dict[str, list[str]] = {}
    rest = []
    for line in text.splitlines():
        word, _, value = line.partition(" ")
        if word in ("tool", "server", "size", "able", "other", "head", "denied", *_TEXT):
            said.setdefault(word, []).append(value)
        else:
            rest.append(line)
    server, tool = (said.get(word, [""])[-1] for word in ("server", "tool"))
    problem = "" if server else (" ".join(rest[-3:]) or "no answer from the database server")
    return ServerFacts(
        server=server,
        tool=tool,
        size=number(said.get("size", [""])[-1]),
        able=frozenset(said.get("able", ())),
        others=tuple(said.get("other", ())),
        problem=problem or _too_old(server, tool) or _denied(said.get("denied", [""])[-1]),
        head=said.get("head", [""])[-1],
        text={word: said[word][-1] for word in _TEXT if word in said},
    )


def major(version: str) -> int:
    """The major version of a server or a program; 0 where it is not known."""
    match = _MAJOR.match(version)
    return int(match[0]) if match else 0


def _too_old(server: str, tool: str) -> str:
    if not tool:
        return "pg_dump is not found on this host"
    if major(tool) < major(server):
        return f"pg_dump {tool} cannot dump a server of version {server}: install postgresql-client-{major(server)}"
    if major(tool) >= _NEW_SETTING > major(server):
        wanted = f"postgresql-client-{major(server)}"
        return f"what pg_dump {tool} dumps cannot be restored on a server of version {server}: install {wanted}"
    return ""


def _denied(told: str) -> str:
    return f"permission denied for {told} Without that pg_dump ends midway" if told else ""


def versions(server: str, tool: str) -> str:
    """What to tell where dump and server differ; empty where they do not."""
    return (
        "" if major(server) == major(tool) else f"the server is PostgreSQL {server}, pg_dump and pg_restore are {tool}"
    )


ENGINE = Engine(
    kind="postgres",
    tools=("psql", "pg_dump", "pg_restore", "sha256sum"),
    login=login,
    database=lambda url: parse(url)["dbname"],
    parse_facts=parse_facts,
    judge_rows=judge_rows,
    facts=shell.FACTS,
    dump=shell.DUMP,
    readable=shell.READABLE,
    create=restoring.CREATE,
    scratch=restoring.SCRATCH,
    restore=restoring.RESTORE,
    analyze=restoring.ANALYZE,
    compare=ROWS + restoring.COMPARE,
    swap=swapping.SWAP,
    unswap=swapping.UNSWAP,
    rename=swapping.RENAME,
    drop=restoring.DROP,
    names=restoring.NAMES,
    head=shell.HEAD,
    maintain=MAINTAIN,
    state=STATE,
    parse_state=parse_state,
    session=SHELL,
    longest_name=63,
    versions=versions,
    rights={
        "create": "may not make databases (CREATEDB)",
        "own": "is not the owner of the database, so may not rename it",
    },
)
