"""Engine `mysql`, MySQL and MariaDB: a database dumped, restored beside the one that serves, and swapped by tables."""

from __future__ import annotations

from lockstitch.databases.backup_directory import ROWS
from lockstitch.databases.console import session
from lockstitch.databases.engine import Engine, judge_rows
from lockstitch.databases.migrations import applied, heads
from lockstitch.databases.mysql.facts import parse_facts, versions
from lockstitch.databases.mysql.health import parse_state
from lockstitch.databases.mysql.url import login, parse
from lockstitch.model.shell import shell_text


def _text(*names: str) -> str:
    return "".join(shell_text(__package__, f"{name}.sh") for name in names)


def _swapping(*names: str) -> str:
    """Return texts that come after those of a swap; `settle` finishes one that was cut off, or takes it back."""
    return _text("client", "filters", "beside", "moves", "swapping", *names)


def _between_quotes(queries: str) -> str:
    """Return SQL as it stands in a string of SQL: the queries are prepared only where their tables are there."""
    return queries.replace("'", "''")


_SETTLE = _swapping() + "(settle) || exit 1\n"

ENGINE = Engine(
    kind="mysql",
    tools=("gzip", "od", "sha256sum"),
    login=login,
    database=lambda url: parse(url)["database"],
    parse_facts=parse_facts,
    judge_rows=judge_rows,
    facts=_text("client", "contents", "facts"),
    dump=_SETTLE + _text("contents", "whole", "dump"),
    readable=_text("whole") + 'whole "$dump/data.sql.gz" "$dump/events.sql.gz" || exit 1\n',
    create=_SETTLE + _text("create"),
    scratch=_text("client", "beside", "scratch"),
    restore=_text("client", "filters", "restore"),
    analyze=_text("client", "contents") + 'analyzing | sql "$beside" | sql "$beside" >/dev/null\n',
    compare=ROWS + _text("client", "contents", "compare"),
    swap=_swapping("swap"),
    unswap=_swapping("unswap"),
    rename=_swapping("rename"),
    drop=_text("client", "beside", "drop"),
    names=_text("client", "names"),
    head=_text("client", "contents", "head"),
    maintain=_text("client", "contents", "maintain"),
    state=_text("client", "room", "health"),
    room=_text("client", "room") + "ls_rooms\n",
    parse_state=parse_state,
    session=session(_text("session"), _text("start")),
    longest_name=64,
    versions=versions,
    also=("mariadb",),
    heads=_between_quotes(heads("GROUP_CONCAT({column} ORDER BY {column})")),
    applied=_between_quotes(applied("GROUP_CONCAT({column} SEPARATOR ' ')")),
    query=_text("client") + 'ls_query() { sql "$database"; }\n',
    quote="`",
    text_type="CHAR",
    rights={
        "create": "may not make databases beside it",
        "own": "may not put another one in its place",
    },
)
