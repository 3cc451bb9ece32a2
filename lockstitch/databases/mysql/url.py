"""A URL of MySQL or MariaDB as the shell variables of a login: an option file, and the password.

The form is SQLAlchemy's and web frameworks' (`mysql://`, `mariadb://`, `mysql+pymysql://`); the file's is MySQL's
documentation, "Using Option Files", which MariaDB's programs read alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

from lockstitch.databases.engine import Variables
from lockstitch.errors import UsageError
from lockstitch.model.command import Secret, Value

FORM = "mysql://USER:PASSWORD@HOST:PORT/DATABASE"
_SCHEMES = ("mysql", "mysql2", "mariadb")
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?]*)(?:/([^?]*))?(?:\?(.*))?", re.IGNORECASE | re.DOTALL)
_PLACE = re.compile(r"(\[[^\]]*\]|[^:,]*)(?::(\d*))?")
# What libraries write into a URL for themselves.
_OF_LIBRARIES = frozenset(
    ("charset", "collation", "serverversion", "timezone", "autocommit", "use_unicode", "local_infile", "sql_mode")
) | {"connection_limit", "pool_timeout", "socket_timeout", "connect_timeout", "read_timeout", "write_timeout"}
_OPTIONS = {
    "socket": "socket",
    "unix_socket": "socket",
    "ssl_ca": "ssl-ca",
    "ssl_capath": "ssl-capath",
    "ssl_cert": "ssl-cert",
    "ssl_key": "ssl-key",
    "ssl_mode": "ssl-mode",
    "sslmode": "ssl-mode",
}
# MariaDB's programs have no ssl-mode, and say what it means in other words.
_MARIADB_MODES = {
    "DISABLED": "skip-ssl",
    "PREFERRED": "",
    "REQUIRED": "ssl",
    "VERIFY_CA": "ssl\nssl-verify-server-cert",
    "VERIFY_IDENTITY": "ssl\nssl-verify-server-cert",
}


def login(url: Value, beside: str = "") -> Variables:
    """Return the shell variables of a connection URL: an option file without the password, and the password.

    Raises UsageError, which never shows the URL.
    """
    known = parse(url)
    secret = Secret(known.pop("password", ""), url.source if isinstance(url, Secret) else "")
    return {"password": secret, "options": option_file(known), "database": known["database"], "beside": beside}


def parse(url: Value) -> dict[str, str]:
    """Return a URL's parts, by the names of the client programs' options. A UsageError never shows the URL."""
    text = url.reveal() if isinstance(url, Secret) else url
    source = f"{url.source}: " if isinstance(url, Secret) and url.source else ""
    match = _URL.fullmatch(text.strip())
    if match is None or match[1].lower().partition("+")[0] not in _SCHEMES:
        raise UsageError(f"{source}it is not a URL of MySQL or MariaDB", hint=FORM)
    _, place, path, query = (part or "" for part in match.groups())
    who, _, where = place.rpartition("@")
    user, _, password = who.partition(":")
    at = _PLACE.fullmatch(where)
    # An @ that comes after a / or ? of the password: what looks like host and database would be its tail.
    if at is None or "@" in path + query:
        hint = "a sign of the password that means something in a URL is written as % and its digits: %2F is /, %40 is @"
        raise UsageError(f"{source}its host cannot be read", hint=hint)
    known = {"user": unquote(user), "password": unquote(password), "host": unquote(at[1]).strip("[]")}
    known |= {"port": at[2] or "", "database": unquote(path), **_asked(query, source)}
    if not known["database"]:
        raise UsageError(f"{source}it names no database", hint=FORM)
    if any(character in value for value in known.values() for character in "\n\r\0"):
        raise UsageError(f"{source}a line break in a URL's value cannot be given to the client programs")
    return {key: value for key, value in known.items() if value}


def _asked(query: str, source: str) -> dict[str, str]:
    """Return the options in a URL's query."""
    options = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        word = key.lower().replace("-", "_")
        if word in _OPTIONS:
            options[_OPTIONS[word]] = value
        elif word not in _OF_LIBRARIES:
            raise UsageError(f"{source}{key} is not supported in a database's URL", hint=", ".join(sorted(_OPTIONS)))
    if mode := options.get("ssl-mode", ""):
        options["ssl-mode"] = mode.upper().replace("-", "_")
        if options["ssl-mode"] not in _MARIADB_MODES:
            raise UsageError(f"{source}its ssl-mode is none of {', '.join(_MARIADB_MODES)}")
    return options


def option_file(known: Mapping[str, str]) -> str:
    """Return the lines of an option file for this connection, without the password."""
    mode = known.get("ssl-mode", "")
    names = ("user", "host", "port", "socket", "ssl-ca", "ssl-capath", "ssl-cert", "ssl-key")
    lines = ["[client]", *(_line(name, known[name]) for name in names if name in known)]
    # `localhost` is the socket to them, whatever port is named.
    if known.get("host") == "localhost" and "port" in known:
        lines.append("protocol=TCP")
    if mode:
        lines += [f"loose-ssl-mode={mode}", "[client-mariadb]", *filter(None, [_MARIADB_MODES[mode]])]
    return "\n".join(lines)


def _line(name: str, value: str) -> str:
    return '{}="{}"'.format(name, value.replace("\\", "\\\\").replace('"', '\\"'))
