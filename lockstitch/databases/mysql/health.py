"""The state of a running MySQL or MariaDB: the parser of the answers to health.sh."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockstitch.databases.health import (
    MOST_PROBLEMS,
    SERVER,
    ActiveQuery,
    Answers,
    DatabaseState,
    Replica,
    Room,
    Slow,
    SpareDatabase,
    Standby,
    Table,
    Waiting,
    clock_of,
    parse_answers,
    rooms,
)
from lockstitch.model.probe import number_of, text_of

_QUESTIONS = frozenset({"host", "server", "room", "query", "migration", "waiting", "replica", "table", "beside"})
_ASKED = frozenset({"room", "query", "migration", "waiting", "standby", "replica", "slot", "table", "beside"})
_SPACES = re.compile(r"\s+")
_LONGEST = 200


def parse_state(text: str, code: int) -> DatabaseState:
    """Return the state from lines of `word JSON` and of `NAME value`; any other line is the client's, about a question
    that failed."""
    answers, said = parse_answers(text, _QUESTIONS, ("asked", "denied", "status"))
    rows = [line.partition("\t") for line in said[""]]
    status = {name: value for name, tab, value in rows if tab}
    status |= {name: value.strip() for name, _, value in (line.partition(" ") for line in said["status"])}
    problems = [line.strip() for line, tab, _ in rows if not tab]
    if not answers["server"]:
        return DatabaseState(problem=" ".join(problems[-3:]) or "no answer from the database server")
    asked, denied = ({word.strip() for word in said[key]} for key in ("asked", "denied"))
    state = _state(answers, status, denied)
    return replace(state, asked=frozenset(asked & _ASKED), problems=tuple(problems[:MOST_PROBLEMS]))


def _state(answers: Answers, status: Mapping[str, str], denied: set[str]) -> DatabaseState:
    (server, *_) = answers["server"]
    login = text_of(server, "user")
    user, _, host = login.rpartition("@")
    connected, seen = (_count(status.get(name)) for name in ("Threads_connected", "seen"))
    (asking_host, *_) = [*answers["host"], {}]
    now, ahead = clock_of(_count(status.get("now")), number_of(asking_host, "now"))
    server_room = Room(SERVER, connected or 0, _count(status.get("max_connections")) or 0)
    return DatabaseState(
        version=text_of(server, "version"),
        database=text_of(server, "database"),
        user=user,
        up=_count(status.get("Uptime")),
        size=number_of(server, "size"),
        hidden=max(0, (connected or 0) - (seen or 0)) if "idle" in denied else 0,
        grant=f"GRANT PROCESS ON *.* TO `{user}`@`{host}`;",
        standby=_standby(status),
        rooms=(server_room, *rooms(answers)),
        queries=tuple(sorted(map(_query, answers["query"]), key=lambda q: -(q.seconds or 0))),
        waiting=_all_waiting(answers),
        replicas=tuple(Replica(text_of(r, "name"), _client(r), text_of(r, "state")) for r in answers["replica"]),
        tables=tuple(
            Table(text_of(t, "name"), number_of(t, "bytes") or 0, number_of(t, "rows")) for t in answers["table"]
        ),
        besides=tuple(map(_beside, answers["beside"])),
        slow=_slow(status),
        migrations=tuple(map(_query, answers["migration"])),
        now=now,
        ahead=ahead,
    )


def _beside(answer: Mapping[str, Any]) -> SpareDatabase:
    name = text_of(answer, "name")
    quoted = name.replace("`", "``")
    return SpareDatabase(name, text_of(answer, "kind"), number_of(answer, "bytes"), f"DROP DATABASE `{quoted}`;")


def _query(answer: Mapping[str, Any]) -> ActiveQuery:
    pid, state = number_of(answer, "pid") or 0, text_of(answer, "state")
    # A query can be cancelled; a session that does nothing can only be ended.
    end = f"KILL {pid};" if state.startswith("idle") else f"KILL QUERY {pid};"
    text = _SPACES.sub(" ", text_of(answer, "text"))[:_LONGEST]
    return ActiveQuery(
        pid,
        text_of(answer, "user"),
        text_of(answer, "application"),
        _client(answer),
        state,
        number_of(answer, "seconds"),
        text,
        end,
    )


def _all_waiting(answers: Answers) -> tuple[Waiting, ...]:
    """Return each session once, with the session in its way where that is known."""
    known = {query.pid: query for query in map(_query, answers["query"])}
    waiting = {}
    for answer in answers["waiting"]:
        behind = number_of(answer, "behind")
        by = (known.get(behind) or ActiveQuery(behind, end=f"KILL {behind};"),) if behind else ()
        seconds, lock = number_of(answer, "waits"), text_of(answer, "lock")
        waiting[number_of(answer, "pid")] = Waiting(_query(answer), seconds, lock, by=by)
    return tuple(waiting.values())


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
    logged = {"ON": True, "OFF": False}.get(status.get("slow_query_log", ""))
    return Slow(slow, asked, float(status.get("long_query_time") or 0), logged, "SET GLOBAL slow_query_log = ON;")


def _client(answer: Mapping[str, Any]) -> str:
    host, _, port = text_of(answer, "client").rpartition(":")
    return host if host and port.isdigit() else text_of(answer, "client")


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
