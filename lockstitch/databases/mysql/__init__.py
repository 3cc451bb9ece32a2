"""Engine `mysql`, MySQL and MariaDB: a database dumped, restored beside the one that serves, and swapped by tables."""

from __future__ import annotations

from lockstitch.databases.backup_directory import ROWS
from lockstitch.databases.engine import Engine, Variables, judge_rows
from lockstitch.databases.migrations import heads
from lockstitch.databases.mysql import client as shell
from lockstitch.databases.mysql import dump as dumping
from lockstitch.databases.mysql import restore as restoring
from lockstitch.databases.mysql import swap as swapping
from lockstitch.databases.mysql.console import MAINTAIN, SHELL
from lockstitch.databases.mysql.facts import parse_facts, versions
from lockstitch.databases.mysql.health import STATE, parse_state
from lockstitch.databases.mysql.url import option_file, parse
from lockstitch.model.command import Secret, Value


def login(url: Value, beside: str = "") -> Variables:
    """The shell variables of a connection URL: an option file without the password, and the password.

    Raises UsageError, which never shows the URL.
    """
    known = parse(url)
    secret = Secret(known.pop("password", ""), url.source if isinstance(url, Secret) else "")
    return {"password": secret, "options": option_file(known), "database": known["database"], "beside": beside}


ENGINE = Engine(
    kind="mysql",
    tools=("gzip", "od", "sha256sum"),
    login=login,
    database=lambda url: parse(url)["database"],
    parse_facts=parse_facts,
    judge_rows=judge_rows,
    facts=shell.FACTS,
    dump=swapping.SETTLE + dumping.DUMP,
    readable=dumping.READABLE,
    create=swapping.SETTLE + restoring.CREATE,
    scratch=restoring.SCRATCH,
    restore=restoring.RESTORE,
    analyze=restoring.ANALYZE,
    compare=ROWS + restoring.COMPARE,
    swap=swapping.SWAP,
    unswap=swapping.UNSWAP,
    rename=swapping.RENAME,
    drop=restoring.DROP,
    names=restoring.NAMES,
    head=shell.HEAD,
    maintain=MAINTAIN,
    state=STATE,
    parse_state=parse_state,
    session=SHELL,
    longest_name=64,
    versions=versions,
    also=("mariadb",),
    heads=heads("GROUP_CONCAT({column} ORDER BY {column})"),
    rights={
        "create": "may not make databases beside it",
        "own": "may not put another one in its place",
    },
)
