"""Engine `postgres`: pg_dump and pg_restore of one database, restored beside the one that serves and swapped."""

from __future__ import annotations

from lockstitch.databases.backup_directory import ROWS
from lockstitch.databases.console import session
from lockstitch.databases.engine import Engine, judge_rows
from lockstitch.databases.postgres.facts import parse_facts, versions
from lockstitch.databases.postgres.health import parse_pools, parse_state
from lockstitch.databases.postgres.url import login, parse
from lockstitch.model.shell import shell_text


def _text(*names: str) -> str:
    return "".join(shell_text(__package__, f"{name}.sh") for name in names)


def _psql(*names: str) -> str:
    return _text("forget", "client", *names)


def _timeouts(lock: float, statement: float) -> dict[str, str]:
    """Return the options of a session, as libpq takes them from the environment."""
    limits = {"lock_timeout": lock, "statement_timeout": statement}
    return {"PGOPTIONS": " ".join(f"-c {name}={round(limit * 1000)}" for name, limit in limits.items() if limit)}


_ASK_ROOM = """
printf '%s\\n' "SET search_path = pg_catalog; SET statement_timeout = '10s';" "$ls_room" | sql "$dsn" 2>&1
"""
ENGINE = Engine(
    kind="postgres",
    tools=("psql", "pg_dump", "pg_restore", "sha256sum"),
    login=login,
    database=lambda url: parse(url)["dbname"],
    parse_facts=parse_facts,
    judge_rows=judge_rows,
    facts=_psql("contents", "facts"),
    dump=_psql("contents", "dump"),
    readable='pg_restore --list "$dump" >/dev/null || { echo "pg_restore cannot read $dump"; exit 1; }\n',
    create=_psql("there", "create"),
    scratch=_psql("scratch"),
    restore=_psql("restore"),
    # What only a superuser may analyze is left out with a warning each, which nobody needs.
    analyze=_psql()
    + """sql "$beside_dsn" -c 'SET client_min_messages = error; SET statement_timeout = 0' -c ANALYZE\n""",
    compare=ROWS + _psql("contents", "compare"),
    swap=_psql("there", "renames", "swap"),
    unswap=_psql("there", "renames", "unswap"),
    rename=_psql("rename"),
    drop=_psql("drop"),
    names=_psql("names"),
    head=_psql("contents", "head"),
    maintain=_psql("maintain"),
    state=_psql("room", "health"),
    room=_psql("room") + _ASK_ROOM,
    parse_state=parse_state,
    pools=_psql("pools"),
    parse_pools=parse_pools,
    query=_psql() + 'ls_query() { sql "$dsn"; }\n',
    naming=lambda name: {"PGAPPNAME": name},
    timeouts=_timeouts,
    # SQLSTATE 55P03, lock_not_available: drivers show its text, its number or its name.
    lock_timeout=r"due to lock timeout|55P03|LockNotAvailable",
    session=session(_text("session"), _text("forget", "start")),
    longest_name=63,
    versions=versions,
    rights={
        "create": "may not make databases (a superuser can allow it: ALTER ROLE … CREATEDB)",
        "own": "is not the owner of the database, so may not rename it",
    },
)
