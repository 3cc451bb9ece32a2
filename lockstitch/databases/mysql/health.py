"""The state of a running MySQL or MariaDB: the parser of the answers to health.sh."""

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
    Slow,
    SpareDatabase,
    Standby,
    Table,
    Waiting,
)
from lockstitch.model.probe import number_of, object_of, text_of

_WORDS = frozenset({"server", "room", "query", "waiting", "replica", "table", "beside"})
_ASKED = frozenset({"room", "query", "waiting", "standby", "replica", "slot", "table", "beside"})
_PROBLEMS = 10
_SPACES = re.compile(r"\s+")
_LONGEST = 200
_Told = Mapping[str, list[Mapping[str, Any]]]


def parse_state(text: str, code: int) -> DatabaseState:
    """Return the state from lines of `word JSON` and of `NAME value`; any other line is the client's, about a question
    that failed."""
    said: dict[str, list[Mapping[str, Any]]] = {word: [] for word in _WORDS}
    status: dict[str, str] = {}
    rest, asked, denied = [], set(), set()
    for line in text.split("\n"):
        word, _, value = line.partition(" ")
        name, tab, number = line.partition("\t")
        found = object_of(value) if word in _WORDS else None
        if found is not None:
            said[word].append(found)
        elif word == "asked":
            asked.add(value.strip())
        elif word == "denied":
            denied.add(value.strip())
        elif word == "status":
            key, _, told = value.partition(" ")
            status[key] = told.strip()
        elif tab:
            status[name] = number
        elif line.strip():
            rest.append(line.strip())
    if not said["server"]:
        return DatabaseState(problem=" ".join(rest[-3:]) or "no answer from the database server")
    state = _state(said, status, denied)
    return replace(state, asked=frozenset(asked & _ASKED), problems=tuple(rest[:_PROBLEMS]))


def _state(said: _Told, status: Mapping[str, str], denied: set[str]) -> DatabaseState:
    (server, *_) = said["server"]
    login = text_of(server, "user")
    user, _, host = login.rpartition("@")
    connected, seen = (_count(status.get(name)) for name in ("Threads_connected", "seen"))
    server_room = Room("the server", connected or 0, _count(status.get("max_connections")) or 0)
    return DatabaseState(
        version=text_of(server, "version"),
        database=text_of(server, "database"),
        user=user,
        up=_count(status.get("Uptime")),
        size=number_of(server, "size"),
        hidden=max(0, (connected or 0) - (seen or 0)) if "idle" in denied else 0,
        grant=f"GRANT PROCESS ON *.* TO `{user}`@`{host}`;",
        standby=_standby(status),
        rooms=(
            server_room,
            *(Room(text_of(r, "of"), number_of(r, "used") or 0, number_of(r, "allowed") or 0) for r in said["room"]),
        ),
        queries=tuple(sorted(map(_query, said["query"]), key=lambda q: -(q.seconds or 0))),
        waiting=_all_waiting(said),
        replicas=tuple(Replica(text_of(r, "name"), _client(r), text_of(r, "state")) for r in said["replica"]),
        tables=tuple(
            Table(text_of(t, "name"), number_of(t, "bytes") or 0, number_of(t, "rows")) for t in said["table"]
        ),
        besides=tuple(map(_beside, said["beside"])),
        slow=_slow(status),
    )


def _beside(told: Mapping[str, Any]) -> SpareDatabase:
    name = text_of(told, "name")
    quoted = name.replace("`", "``")
    return SpareDatabase(name, text_of(told, "kind"), number_of(told, "bytes"), f"DROP DATABASE `{quoted}`;")


def _query(told: Mapping[str, Any]) -> ActiveQuery:
    pid, state = number_of(told, "pid") or 0, text_of(told, "state")
    # A query can be cancelled; a session that does nothing can only be ended.
    end = f"KILL {pid};" if state.startswith("idle") else f"KILL QUERY {pid};"
    text = _SPACES.sub(" ", text_of(told, "text"))[:_LONGEST]
    return ActiveQuery(
        pid,
        text_of(told, "user"),
        text_of(told, "application"),
        _client(told),
        state,
        number_of(told, "seconds"),
        text,
        end,
    )


def _all_waiting(said: _Told) -> tuple[Waiting, ...]:
    """Return each session once, with the session in its way where that is known."""
    known = {query.pid: query for query in map(_query, said["query"])}
    found = {}
    for told in said["waiting"]:
        behind = number_of(told, "behind")
        by = (known.get(behind) or ActiveQuery(behind, end=f"KILL {behind};"),) if behind else ()
        found[number_of(told, "pid")] = Waiting(_query(told), number_of(told, "waits"), text_of(told, "lock"), "", by)
    return tuple(found.values())


def _standby(status: Mapping[str, str]) -> Standby | None:
    """Return its place behind a primary, by the names of either kind and any version."""
    lag = next((value for name, value in status.items() if name.startswith("Seconds_Behind_")), None)
    running = {name.rpartition("_")[0][-3:]: value for name, value in status.items() if name.endswith("_Running")}
    if lag is None and not running:
        return None
    return Standby(_count(lag), None, running.get("_IO") == "Yes", running.get("SQL") != "Yes")


def _slow(status: Mapping[str, str]) -> Slow | None:
    slow, asked = (_count(status.get(name)) for name in ("Slow_queries", "Questions"))
    if slow is None or asked is None:
        return None
    return Slow(slow, asked, float(status.get("long_query_time") or 0))


def _client(told: Mapping[str, Any]) -> str:
    host, _, port = text_of(told, "client").rpartition(":")
    return host if host and port.isdigit() else text_of(told, "client")


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
