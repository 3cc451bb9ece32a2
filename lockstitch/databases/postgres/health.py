"""The state of a running PostgreSQL: the parser of the answers to health.sh."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockstitch.databases.health import (
    MOST_PROBLEMS,
    ActiveQuery,
    Answers,
    DatabaseState,
    Pool,
    Replica,
    Slot,
    Slow,
    SpareDatabase,
    Standby,
    Table,
    Waiting,
    clock_of,
    parse_answers,
    rooms,
)
from lockstitch.model.probe import number, number_of, text_of

_QUESTIONS = frozenset(
    {"host", "server", "room", "query", "migration", "waiting", "standby", "replica", "slot", "table", "beside"}
)
_LOG = "ALTER SYSTEM SET log_min_duration_statement = '1s'; SELECT pg_reload_conf();"
# The database that PgBouncer answers such questions in.
_CONSOLE = "pgbouncer"
_WHERE = re.compile(r"^psql:[^:]*:\d+: ")


def parse_state(text: str, code: int) -> DatabaseState:
    """Return the state from lines of `word JSON`; any other line is psql's, about a question that failed."""
    answers, said = parse_answers(text, _QUESTIONS, ("asked",))
    problems = [_WHERE.sub("", line.strip()) for line in said[""]]
    if not answers["server"]:
        return DatabaseState(problem=" ".join(problems[-3:]) or "no answer from the database server")
    asked = frozenset(word.strip() for word in said["asked"])
    return replace(_state(answers), asked=asked, problems=tuple(problems[:MOST_PROBLEMS]))


def _state(answers: Answers) -> DatabaseState:
    server = {key: value for answer in answers["server"] for key, value in answer.items()}
    (host, *_) = [*answers["host"], {}]
    now, ahead = clock_of(number_of(server, "now"), number_of(host, "now"))
    return DatabaseState(
        version=text_of(server, "version"),
        database=text_of(server, "database"),
        user=text_of(server, "user"),
        up=number_of(server, "up"),
        size=number_of(server, "size"),
        hidden=number_of(server, "hidden") or 0,
        grant=f'GRANT pg_monitor TO "{text_of(server, "user")}";',
        standby=next(map(_standby, answers["standby"]), None),
        rooms=rooms(answers),
        queries=tuple(map(_query, answers["query"])),
        migrations=tuple(map(_query, answers["migration"])),
        now=now,
        ahead=ahead,
        slow=_slow(server),
        waiting=tuple(map(_waiting, answers["waiting"])),
        replicas=tuple(map(_replica, answers["replica"])),
        slots=tuple(map(_slot, answers["slot"])),
        tables=tuple(map(_table, answers["table"])),
        besides=tuple(
            SpareDatabase(text_of(b, "name"), text_of(b, "kind"), number_of(b, "bytes")) for b in answers["beside"]
        ),
    )


def _query(answer: Mapping[str, Any]) -> ActiveQuery:
    user, application, client, state = (text_of(answer, key) for key in ("user", "application", "client", "state"))
    pid = number_of(answer, "pid") or 0
    # A query can be cancelled; a session that does nothing can only be ended.
    how = "pg_terminate_backend" if state.startswith("idle") else "pg_cancel_backend"
    text, end = text_of(answer, "text"), f"SELECT {how}({pid});"
    return ActiveQuery(pid, user, application, client, state, number_of(answer, "seconds"), text, end)


def _slow(server: Mapping[str, Any]) -> Slow | None:
    """Return whether slow queries are logged; how many there were no PostgreSQL counts by itself."""
    after = server.get("slow")
    if not isinstance(after, int):
        return None
    return Slow(None, None, max(0, after) / 1000, after >= 0, _LOG)


def parse_pools(text: str, code: int) -> tuple[tuple[Pool, ...], str]:
    """Return the pools from the answer of PgBouncer to SHOW POOLS, a table with a heading; or why there is none."""
    rows = [line.split("\t") for line in text.splitlines() if "\t" in line]
    if code or not rows or "cl_waiting" not in rows[0]:
        said = [_WHERE.sub("", line.strip()) for line in text.splitlines() if line.strip() and "\t" not in line]
        return (), " ".join(said[-3:]) or "no answer from the pooler"
    pools = (dict(zip(rows[0], row, strict=False)) for row in rows[1:])
    return tuple(_pool(pool) for pool in pools if pool.get("database") != _CONSOLE), ""


def _pool(row: Mapping[str, str]) -> Pool:
    clients, waiting, busy, idle, seconds = (
        number(row.get(key, "")) or 0 for key in ("cl_active", "cl_waiting", "sv_active", "sv_idle", "maxwait")
    )
    return Pool(
        f"{row.get('database')}/{row.get('user')}", row.get("pool_mode", ""), clients, waiting, busy, idle, seconds
    )


def _slot(answer: Mapping[str, Any]) -> Slot:
    name = text_of(answer, "name")
    return Slot(name, number_of(answer, "bytes"), f"SELECT pg_drop_replication_slot('{name}');")


def _waiting(answer: Mapping[str, Any]) -> Waiting:
    by, seconds = answer.get("by"), number_of(answer, "waits")
    holders = [_query(holder) for holder in by if isinstance(holder, dict)] if isinstance(by, list) else []
    return Waiting(_query(answer), seconds, text_of(answer, "lock"), text_of(answer, "on"), tuple(holders))


def _replica(answer: Mapping[str, Any]) -> Replica:
    name, client, state = (text_of(answer, key) for key in ("name", "client", "state"))
    return Replica(name, client, state, number_of(answer, "seconds"), number_of(answer, "bytes"))


def _standby(answer: Mapping[str, Any]) -> Standby:
    seconds, behind = (number_of(answer, key) for key in ("seconds", "bytes"))
    return Standby(seconds, behind, answer.get("connected") is True, answer.get("paused") is True)


def _table(answer: Mapping[str, Any]) -> Table:
    rows, dead = (number_of(answer, key) for key in ("rows", "dead"))
    return Table(text_of(answer, "name"), number_of(answer, "bytes") or 0, rows, dead, text_of(answer, "analyzed"))
