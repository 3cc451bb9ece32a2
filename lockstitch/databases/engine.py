"""The database engines: every module in this folder that has an `ENGINE` is found.

An engine is a set of constant shell texts with the variables they use, and the parsers of their answers. It touches no
host. What the backups of every engine have in common is in `backup_directory/`.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from functools import cache

from lockstitch.databases import backup_directory
from lockstitch.databases.backup import BackupDirectory, ServerFacts
from lockstitch.databases.health import DatabaseState, Pool, Room, parse_rooms
from lockstitch.databases.migrations import APPLIED, HEADS
from lockstitch.model.command import Command, Value
from lockstitch.model.gate import Verdict, failed, passed
from lockstitch.model.lazy_dataclass import dataclass

Variables = Mapping[str, Value]
_FIND = 'dump=$(cd "$directory/$name" && pwd)/database; [ -d "$dump" ] || dump=$dump.dump\n'


@dataclass(frozen=True)
class Engine:
    """A kind of database.

    `login` turns a URL and the name of a further database of that server into shell variables, of which the password
    is a Secret. The texts, with the variables beyond those of the login:

        facts      prints `word rest` lines for `parse_facts`                    heads, applied
        dump       leaves the dump in the working folder, and facts about it     jobs, heads
        readable   fails with 1 where `dump` cannot be read as a whole
        create     makes `beside` like the login's own; fails if `into` is there  prefix, into
        scratch    makes the database `beside` from nothing, its text in what     prefix, encoding,
                   the dumped database had; each is empty where it is unknown    collate, ctype
        restore    restores `dump` into `beside`; where it is the dump that      jobs, owners
                   cannot be restored, gives the reason to `unrestorable`
        analyze    updates the statistics of `beside`
        compare    prints whether `beside` has the rows of the manifest of
                   `name`: those that differ as `wanted …` and `found …`
        swap       makes `beside` the database and keeps the old one as `kept`   drain
        unswap     takes a swap back; the restored one is kept as `undone`
        rename     gives `beside` the name `into`; fails if that exists            into
        drop       drops `beside`
        names      prints `name NAME` for every database
        head       prints `told head_after MIGRATION`                             heads
        maintain   updates the statistics of the database
        state      prints what `database.check` judges, for `parse_state`
        room       prints the connections in use and allowed, for
                   `parse_room`; they are among what `state` prints
        pools      prints the pools of a pooler, whose login it is, for
                   `parse_pools`; empty for an engine without one
        query      the function `ls_query`, which carries out the SQL on its
                   stdin and prints the rows of its answer
        session    leaves in its folder `start`, a script for a terminal          environment

    `rights` has for each right that a restore needs the words for a login without it; `heads` are the queries for the
    newest migration, in its SQL, and `applied` those for all; `naming` is the environment in which a program tells the
    server its name, and `timeouts` what is added to the environment for sessions that wait so long for a lock and run
    a statement so long (seconds; 0: without limit), where that can be; `lock_timeout` is an extended regular expression
    of what programs say of a lock that lasted too long; `also` are other words for it in inventories. `quote` is the
    sign around its names, and `text_type` its type of texts.
    """

    kind: str
    tools: tuple[str, ...]
    login: Callable[[Value, str], Variables]
    database: Callable[[Value], str]
    parse_facts: Callable[[str, int], ServerFacts]
    judge_rows: Callable[[str], Verdict]
    facts: str
    dump: str
    readable: str
    create: str
    scratch: str
    restore: str
    analyze: str
    compare: str
    swap: str
    unswap: str
    rename: str
    drop: str
    names: str
    head: str
    maintain: str
    state: str
    parse_state: Callable[[str, int], DatabaseState]
    room: str
    session: str
    longest_name: int
    versions: Callable[[str, str], str]
    rights: Mapping[str, str]
    heads: str = HEADS
    applied: str = APPLIED
    parse_room: Callable[[str, int], tuple[tuple[Room, ...], str]] = parse_rooms
    pools: str = ""
    parse_pools: Callable[[str, int], tuple[tuple[Pool, ...], str]] = lambda text, code: ((), text)
    naming: Callable[[str], Mapping[str, str]] = lambda name: {}
    timeouts: Callable[[float, float], Mapping[str, str]] | None = None
    lock_timeout: str = ""
    query: str = ""
    quote: str = '"'
    text_type: str = "text"
    also: tuple[str, ...] = ()


@cache
def engines() -> Mapping[str, Engine]:
    """Return every engine by the words that an inventory may have for it, in alphabetical order."""
    from lockstitch import databases

    by_word: dict[str, Engine] = {}
    for module in pkgutil.iter_modules(databases.__path__):
        engine = vars(importlib.import_module(f"{databases.__name__}.{module.name}")).get("ENGINE")
        if isinstance(engine, Engine):
            by_word |= dict.fromkeys((engine.kind, *engine.also), engine)
    return dict(sorted(by_word.items()))


def judge_rows(text: str) -> Verdict:
    """Judge whether a restored database has the rows that were dumped, by the answer of an engine's `compare`."""
    lines = text.strip().splitlines()
    if len(lines) == 1 and (match := re.fullmatch(r"same (\d+)", lines[0])):
        return passed(f"{match[1]} tables have the rows they had when they were dumped")
    return failed("the restored rows differ from the manifest: " + "; ".join(lines[:6]))


def in_vault(vault: BackupDirectory, name: str, text: str, variables: Variables) -> Command:
    """Return a Command with the values of a backup directory, its database's key and a backup's name."""
    at = {"directory": vault.directory, "vault": vault.database, "name": name, "marks": vault.marks}
    return Command(text, values={**at, **variables})


def on_dump(engine_text: str) -> str:
    """Return a text that checks a backup, then looks at its dump, the absolute path `$dump`, and records the result."""
    return backup_directory.marked(f"(\n{backup_directory.CHECK}) || exit 1\n{_FIND}{engine_text}")


def with_dump(engine_text: str, *, proving: bool = False) -> str:
    """Return a text that restores a dump which an earlier step of the same run has checked."""
    return f"{backup_directory.MARK_RESTORE if proving else backup_directory.MARK_NOTHING}{_FIND}{engine_text}"
