"""The facts of a PostgreSQL server, asked before anything is done with it."""

from __future__ import annotations

import re

from lockstitch.databases.backup import ServerFacts
from lockstitch.databases.migrations import parse_applied
from lockstitch.model.probe import collect, last, number

# From this version on a dump sets transaction_timeout, which an older server does not know: pg_restore ends there.
_NEW_SETTING = 17
# What a database's text is in, as a dump is marked with it.
_TEXT = ("encoding", "collate", "ctype")
_WORDS = frozenset({"tool", "server", "size", "able", "other", "head", "applied", "lacks", "denied", *_TEXT})
_MAJOR = re.compile(r"\d+")


def parse_facts(text: str, code: int) -> ServerFacts:
    """Return a server's facts from `word rest` lines; any other line is psql's, about why there are none."""
    said = collect(text, _WORDS)
    server, tool = last(said, "server"), last(said, "tool")
    problem = "" if server else (" ".join(said[""][-3:]) or "no answer from the database server")
    return ServerFacts(
        server=server,
        tool=tool,
        size=number(last(said, "size")),
        able=frozenset(said["able"]),
        others=tuple(said["other"]),
        problem=problem or _too_old(server, tool) or _denied(last(said, "denied")),
        head=last(said, "head"),
        applied=parse_applied(said["applied"], said["lacks"]),
        text={word: said[word][-1] for word in _TEXT if word in said},
    )


def major(version: str) -> int:
    """Return the major version of a server or a program; 0 where it is unknown."""
    match = _MAJOR.match(version)
    return int(match[0]) if match else 0


def _too_old(server: str, tool: str) -> str:
    if not tool:
        return "pg_dump is not found on this host"
    if major(tool) < major(server):
        return f"pg_dump {tool} cannot dump a server of version {server}: install postgresql-client-{major(server)}"
    if major(tool) >= _NEW_SETTING > major(server):
        client = f"postgresql-client-{major(server)}"
        return f"what pg_dump {tool} dumps cannot be restored on a server of version {server}: install {client}"
    return ""


def _denied(what: str) -> str:
    return f"permission denied for {what} Without that pg_dump ends midway" if what else ""


def versions(server: str, tool: str) -> str:
    """Return the note on a difference of dump program and server; empty where there is none."""
    return (
        "" if major(server) == major(tool) else f"the server is PostgreSQL {server}, pg_dump and pg_restore are {tool}"
    )
