"""The state of a running PostgreSQL: the parser of the answers to health.sh."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockstitch.databases.health import (
    ActiveQuery,
    DatabaseState,
    Replica,
    Room,
    Slot,
    SpareDatabase,
    Standby,
    Table,
    Waiting,
)
from lockstitch.model.probe import number_of, object_of, text_of

_WORDS = frozenset({"server", "room", "query", "waiting", "standby", "replica", "slot", "table", "beside"})
_WHERE = re.compile(r"^psql:[^:]*:\d+: ")
_PROBLEMS = 10


def parse_state(text: str, code: int) -> DatabaseState:
    """Return the state from lines of `word JSON`; any other line is psql's, about a question that failed."""
    said: dict[str, list[Mapping[str, Any]]] = {word: [] for word in _WORDS}
    rest: list[str] = []
    asked: set[str] = set()
    # Not splitlines(): a query may hold one of the other characters it takes for the end of a line.
    for line in text.split("\n"):
        word, _, value = line.partition(" ")
        found = object_of(value) if word in _WORDS else None
        if found is not None:
            said[word].append(found)
        elif word == "asked":
            asked.add(value.strip())
        elif line.strip():
            rest.append(_WHERE.sub("", line.strip()))
    if not said["server"]:
        return DatabaseState(problem=" ".join(rest[-3:]) or "no answer from the database server")
    return replace(_state(said), asked=frozenset(asked), problems=tuple(rest[:_PROBLEMS]))


def _state(said: Mapping[str, list[Mapping[str, Any]]]) -> DatabaseState:
    server = {key: value for one in said["server"] for key, value in one.items()}
    return DatabaseState(
        version=text_of(server, "version"),
        database=text_of(server, "database"),
        user=text_of(server, "user"),
        up=number_of(server, "up"),
        size=number_of(server, "size"),
        hidden=number_of(server, "hidden") or 0,
        grant=f'GRANT pg_monitor TO "{text_of(server, "user")}";',
        standby=_standby(said["standby"][0]) if said["standby"] else None,
        rooms=tuple(
            Room(text_of(r, "of"), number_of(r, "used") or 0, number_of(r, "allowed") or 0) for r in said["room"]
        ),
        queries=tuple(map(_query, said["query"])),
        waiting=tuple(map(_waiting, said["waiting"])),
        replicas=tuple(map(_replica, said["replica"])),
        slots=tuple(map(_slot, said["slot"])),
        tables=tuple(map(_table, said["table"])),
        besides=tuple(
            SpareDatabase(text_of(b, "name"), text_of(b, "kind"), number_of(b, "bytes")) for b in said["beside"]
        ),
    )


def _query(told: Mapping[str, Any]) -> ActiveQuery:
    user, application, client, state = (text_of(told, key) for key in ("user", "application", "client", "state"))
    pid = number_of(told, "pid") or 0
    # A query can be cancelled; a session that does nothing can only be ended.
    how = "pg_terminate_backend" if state.startswith("idle") else "pg_cancel_backend"
    text, end = text_of(told, "text"), f"SELECT {how}({pid});"
    return ActiveQuery(pid, user, application, client, state, number_of(told, "seconds"), text, end)


def _slot(told: Mapping[str, Any]) -> Slot:
    name = text_of(told, "name")
    return Slot(name, number_of(told, "bytes"), f"SELECT pg_drop_replication_slot('{name}');")


def _waiting(told: Mapping[str, Any]) -> Waiting:
    by = told.get("by")
    holders = [_query(one) for one in by if isinstance(one, dict)] if isinstance(by, list) else []
    return Waiting(_query(told), number_of(told, "waits"), text_of(told, "lock"), text_of(told, "on"), tuple(holders))


def _replica(told: Mapping[str, Any]) -> Replica:
    name, client, state = (text_of(told, key) for key in ("name", "client", "state"))
    return Replica(name, client, state, number_of(told, "seconds"), number_of(told, "bytes"))


def _standby(told: Mapping[str, Any]) -> Standby:
    seconds, behind = (number_of(told, key) for key in ("seconds", "bytes"))
    return Standby(seconds, behind, told.get("connected") is True, told.get("paused") is True)


def _table(told: Mapping[str, Any]) -> Table:
    rows, dead = (number_of(told, key) for key in ("rows", "dead"))
    return Table(text_of(told, "name"), number_of(told, "bytes") or 0, rows, dead, text_of(told, "analyzed"))
