"""A URL of PostgreSQL as the shell variables of a login: connection strings, and the password.

The form is libpq's (PostgreSQL documentation, "Connection URIs"), and what SQLAlchemy makes of it
(`postgresql+psycopg://`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

from lockstitch.databases.engine import Variables
from lockstitch.errors import UsageError
from lockstitch.model.command import Secret, Value

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


def login(url: Value, beside: str = "") -> Variables:
    """Return the shell variables of a connection URL: connection strings without the password, and the password.

    Raises UsageError, which never shows the URL.
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
    """Return a URL's keywords as libpq names them."""
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
    options = dict(parse_qsl(query.replace("+", "%2B"), keep_blank_values=True))
    known |= {key: value for key, value in options.items() if key not in _OF_LIBRARIES}
    if "sslpassword" in known or "passfile" in known or "service" in known:
        raise UsageError(f"{source}sslpassword, passfile and service are not supported in a database's URL")
    known = {key: value for key, value in known.items() if value}
    if not known.get("dbname"):
        raise UsageError(f"{source}it names no database", hint=_FORM)
    return known


def _hosts(where: str) -> dict[str, str] | None:
    hosts, ports = [], []
    for place in where.split(","):
        match = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(\d*))?", place)
        if match is None:
            return None
        hosts.append(unquote(match[1]).strip("[]"))
        ports.append(match[2] or "")
    return {"host": ",".join(hosts), "port": ",".join(ports) if any(ports) else ""}


def conninfo(known: Mapping[str, str]) -> str:
    """Return a connection string of quoted values (PostgreSQL documentation, "Keyword/Value Connection Strings")."""
    quoted = ((key, value.replace("\\", "\\\\").replace("'", "\\'")) for key, value in known.items())
    return " ".join(f"{key}='{value}'" for key, value in quoted)
