"""A database of everything that is awkward to dump, to count and to name, of each engine."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from tests.databases import odd_mariadb, odd_postgres
from tests.servers import APP, LocalServer

NAMES = (
    'we"ird',
    "a.b",
    "100%",
    "%I%s",
    "new\nline",
    "tab\there",
    " space ",
    "back\\slash",
    "it's",
    "$1$q$$HOME",
    ":name :'name'",
    "\\gexec; \\! touch /tmp/no",
    "{curly",
    '":{"rows":7,"bytes":8},',
    '"proven":{"at":"2026"}',
    "]}",
    "ünïcödé 🐘",
    "SELECT",
    "-- no comment",
    "a" * 63,
)


def same(server: LocalServer) -> Sequence[str]:
    """Queries that have the same answer in what was dumped and in what was restored."""
    queries: Sequence[str] = of(server).SAME
    return queries


def of(server: LocalServer) -> ModuleType:
    return {"postgres": odd_postgres, "mysql": odd_mariadb}[server.kind]


def fill(server: LocalServer, database: str) -> dict[str, int]:
    """Make all of it; the rows that a manifest has to tell."""
    odd = of(server)
    odd.fill(server, database)
    names = [name for name in NAMES if odd.may_be(name)]
    with server.connect(database, APP) as session:
        for rows, name in enumerate(names):
            session.execute(f"CREATE TABLE {odd.quoted(name)} (id int)")
            for number in range(rows):
                session.execute(f"INSERT INTO {odd.quoted(name)} VALUES ({number})")
    counts = server.counts(database)
    for name, rows in odd.NOT_DUMPED.items():
        assert counts.pop(name) == rows
    assert odd.COUNTED.items() <= counts.items() and len(counts) == len(odd.COUNTED) + len(names)
    return counts
