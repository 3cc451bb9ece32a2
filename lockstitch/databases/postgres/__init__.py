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
    state=_psql("health"),
    parse_state=parse_state,
    pools=_psql("pools"),
    parse_pools=parse_pools,
    naming=lambda name: {"PGAPPNAME": name},
    session=session(_text("session"), _text("forget", "start")),
    longest_name=63,
    versions=versions,
    rights={
        "create": "may not make databases (CREATEDB)",
        "own": "is not the owner of the database, so may not rename it",
    },
)
