"""A Redis as hosts ask it: the shell function of redis_client.sh, and a URL as the variables that it takes."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from lockstitch.model.command import Secret, Value
from lockstitch.model.shell import shell_text
from lockstitch.model.written import secret_reference

# The function `ls_redis WORD…`, for a script that has the variables of `asking`.
ASK = shell_text(__package__, "redis_client.sh")
_URL = re.compile(r"(?:rediss?://[^\s/@]+(?:/\d*)?|unix://(?:/[^\s/]+)+)")


def redis_url(value: object) -> str:
    """Return a URL without a password, or a reference to one. Raises ValueError for anything else."""
    if isinstance(value, str) and _URL.fullmatch(value):
        return value
    try:
        return secret_reference(value)
    except ValueError:
        raise ValueError(
            "write redis://HOST:PORT or unix:///PATH where it has no password, and else where its URL is: env:NAME, "
            "file:PATH or cmd:COMMAND"
        ) from None


def asking(url: Value, reference: str, database: str = "") -> dict[str, Value]:
    """Return the variables of `ls_redis`: a login, and the number of a database."""
    return {
        **{f"redis_{name}": value for name, value in login(url).items()},
        "redis_database": database,
        "redis_reference": reference,
    }


def login(url: Value) -> dict[str, Value]:
    """Return a URL as the variables of the script; port 0 for one that cannot be parsed: what looks like its host may
    be the end of a password."""
    plain = url.reveal() if isinstance(url, Secret) else url
    try:
        parts = urlsplit(plain)
        host, port = parts.hostname or "127.0.0.1", parts.port or 6379
        if "@" in f"{parts.path}{parts.query}{parts.fragment}":
            raise ValueError
    except ValueError:
        return {"socket": "", "host": "127.0.0.1", "port": "0", "user": "", "password": "", "tls": ""}
    return {
        "socket": parts.path if parts.scheme == "unix" else "",
        "host": host,
        "port": str(port),
        "user": unquote(parts.username or ""),
        "password": Secret(unquote(parts.password)) if parts.password else "",
        "tls": "yes" if parts.scheme == "rediss" else "",
    }


def database_of(url: Value) -> str:
    """Return the number of the database that a URL names; empty where it names none."""
    plain = url.reveal() if isinstance(url, Secret) else url
    try:
        parts = urlsplit(plain)
    except ValueError:
        return ""
    number = "" if parts.scheme == "unix" else parts.path.strip("/")
    return number if number.isascii() and number.isdigit() else ""
