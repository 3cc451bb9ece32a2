"""The value DatabaseState: what a running database answers about itself. `health_check.py` judges it.

Sizes are in bytes, times in seconds; None where this login may not see it or the server cannot tell.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import KeyedLines, collect, fields, number_of, object_of, text_of

Answers = Mapping[str, list[Mapping[str, Any]]]
# The room that every server has.
SERVER = "the server"
# Of the errors for single questions, so many are shown.
MOST_PROBLEMS = 10


@dataclass(frozen=True)
class Room:
    """The connections in use and allowed: `of` the server, the database, or the login."""

    of: str
    used: int
    allowed: int


@dataclass(frozen=True)
class ActiveQuery:
    """A session at work: the seconds that its query, or the transaction that it left open, has lasted; and what to type
    in a shell of the database to end it."""

    pid: int
    user: str = ""
    application: str = ""
    client: str = ""
    state: str = ""
    seconds: int | None = None
    text: str = ""
    end: str = ""


@dataclass(frozen=True)
class Waiting:
    """A session that waits for a lock `on` something, and some of the sessions that are in its way."""

    query: ActiveQuery
    seconds: int | None = None
    lock: str = ""
    on: str = ""
    by: tuple[ActiveQuery, ...] = ()


@dataclass(frozen=True)
class Replica:
    """A replica of this database. `state` is empty where this login may not see it."""

    name: str
    client: str = ""
    state: str = ""
    seconds: int | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class Standby:
    """The place behind its primary of a database that is itself a replica."""

    seconds: int | None = None
    bytes: int | None = None
    connected: bool = False
    paused: bool = False


@dataclass(frozen=True)
class Slot:
    """A replication slot that no replica reads from: the bytes that it keeps on the disk, and how to drop it."""

    name: str
    bytes: int | None = None
    end: str = ""


@dataclass(frozen=True)
class Table:
    """A table with its indexes. `rows` and `dead` are the server's estimates, `analyzed` the UTC time."""

    name: str
    bytes: int = 0
    rows: int | None = None
    dead: int | None = None
    analyzed: str = ""


@dataclass(frozen=True)
class Slow:
    """The queries since the server began, or for `since` seconds, and how many of them took longer than `seconds`; None
    where the server does not count them. `logged` is whether it writes them into a log, and `log` how to have it do so.
    """

    queries: int | None
    asked: int | None
    seconds: float
    logged: bool | None = None
    log: str = ""
    since: float | None = None


@dataclass(frozen=True)
class Pool:
    """A pool of a pooler: its clients that are served and that wait, its connections to the server that are busy and
    idle, and for how many seconds the first of those who wait has done so."""

    name: str
    mode: str = ""
    clients: int = 0
    waiting: int = 0
    busy: int = 0
    idle: int = 0
    seconds: int = 0


@dataclass(frozen=True)
class SpareDatabase:
    """A database that Lockstitch made beside this one: `kind` is before, restoring, proving or undone. `drop` is how to
    drop it, where that is not standard SQL."""

    name: str
    kind: str
    bytes: int | None = None
    drop: str = ""


@dataclass(frozen=True)
class DatabaseState:
    """A running database. `problem` is why no question reached it, `problems` its errors for single questions.

    `asked` are the questions that it answered: room, query, waiting, standby, replica, slot, table, beside. `hidden`
    is how many sessions on it this login may not look into, and `grant` what would let it. `queries`, `waiting` and
    `tables` are the first of each: the longest, the largest. `migrations` are the sessions that change its schema, or
    were begun by a deploy for that. `ahead` is how far the server's clock is ahead of that of the host that asks.
    `pools` are those of its pooler, and `pool_problem` why that does not tell; None where none is declared.
    """

    version: str = ""
    database: str = ""
    user: str = ""
    up: int | None = None
    size: int | None = None
    hidden: int = 0
    grant: str = ""
    standby: Standby | None = None
    rooms: tuple[Room, ...] = ()
    queries: tuple[ActiveQuery, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    replicas: tuple[Replica, ...] = ()
    slots: tuple[Slot, ...] = ()
    tables: tuple[Table, ...] = ()
    besides: tuple[SpareDatabase, ...] = ()
    slow: Slow | None = None
    migrations: tuple[ActiveQuery, ...] = ()
    now: str = ""
    ahead: int | None = None
    pools: tuple[Pool, ...] | None = None
    pool_problem: str = ""
    asked: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()
    problem: str = ""

    def masked(self, change: Callable[[str], str]) -> DatabaseState:
        """Return the same with every text that others wrote changed: to mask what must not be shown."""

        def query(query: ActiveQuery) -> ActiveQuery:
            return replace(query, text=change(query.text))

        return replace(
            self,
            queries=tuple(map(query, self.queries)),
            migrations=tuple(map(query, self.migrations)),
            pool_problem=change(self.pool_problem),
            waiting=tuple(replace(w, query=query(w.query), by=tuple(map(query, w.by))) for w in self.waiting),
            problems=tuple(map(change, self.problems)),
            problem=change(self.problem),
        )


def parse_answers(text: str, questions: Iterable[str], words: Container[str]) -> tuple[Answers, KeyedLines]:
    """Return the objects of lines `QUESTION JSON` by the question, and all other lines as `collect` does."""
    answers: dict[str, list[Mapping[str, Any]]] = {question: [] for question in questions}
    others = []
    # Not splitlines(): a query may hold one of the other characters it takes for the end of a line.
    for line in text.split("\n"):
        word, rest = fields(line, 2)
        if word in answers and (answer := object_of(rest)) is not None:
            answers[word].append(answer)
        else:
            others.append(line)
    return answers, collect(others, words)


def clock_of(seconds: int | None, host: int | None) -> tuple[str, int | None]:
    """Return a server's time in UTC, empty where it is unknown, and how many seconds it is ahead of the host's."""
    if seconds is None:
        return "", None
    at = datetime.fromtimestamp(min(seconds, _LATEST), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return at, None if host is None else seconds - host


# The end of the year 9999.
_LATEST = 253402300799


def parse_rooms(text: str, code: int) -> tuple[tuple[Room, ...], str]:
    """Return the answers to the question for the connections alone; or why there are none."""
    answers, said = parse_answers(text, {"room"}, ())
    known = rooms(answers)
    whole = all(number_of(answer, "used") is not None for answer in answers["room"])
    if code or not whole or not any(room.of == SERVER for room in known):
        lines = [line.strip() for line in said[""] if line.strip()]
        return (), " ".join(lines[-3:]) or "no answer from the database server"
    return known, ""


def rooms(answers: Answers) -> tuple[Room, ...]:
    """Return the answers to `room`."""
    return tuple(
        Room(text_of(a, "of"), number_of(a, "used") or 0, number_of(a, "allowed") or 0) for a in answers["room"]
    )
