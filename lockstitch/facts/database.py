"""Probes of a database's site, and the parsers of their output. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from lockstitch.databases import backup_directory
from lockstitch.databases.backup import BackupDirectoryFacts, ServerFacts, parse_backups
from lockstitch.databases.engine import in_vault
from lockstitch.errors import CheckError, LockstitchError
from lockstitch.facts.state_files import NEAR, READ
from lockstitch.inventory.model import Database
from lockstitch.model.command import Value
from lockstitch.model.folder import parse_folder
from lockstitch.model.layout import Layout
from lockstitch.model.lock import parse_lock
from lockstitch.model.plan import Site
from lockstitch.model.probe import Probe, collect, last, number, unreadable
from lockstitch.text import listed


def parse_vault(text: str, code: int) -> BackupDirectoryFacts:
    """Parse the contents of a vault from `WORD REST` lines; they say nothing about the database server."""
    said = collect(text)
    free = number(last(said, "free"))
    return BackupDirectoryFacts(
        backups=parse_backups(said),
        free=None if free is None else free * 1024,
        missing=tuple(said["missing"]),
        unwritable=tuple(parse_folder(line) for line in said["unwritable"]),
        lock=str(parse_lock(last(said, "locked")) or ""),
        lock_file=last(said, "locked"),
        written=number(last(said, "written")) or 0,
        server=ServerFacts(),
        now=last(said, "now"),
        unreadable=unreadable(said, code),
    )


def database_site(database: Database) -> Site:
    """Return the site of a database: its lock and journal are in its vault."""
    vault = database.vault
    return Site(database.host.name, database.name, Layout("in_place", vault.directory, vault.state), database=True)


def keeper(
    database: Database, answers: Mapping[str, BackupDirectoryFacts | LockstitchError]
) -> tuple[Database, tuple[str, ...]]:
    """Return the database at the host of its group that keeps its backups, and what a person must know of that.

    Of several the one with the newest keeps them; with none, the first host of the group will. Raises CheckError where
    a host could not be asked and no other has any: it may be the one.
    """
    unknown, having = {}, {}
    for host in database.hosts:
        answer = answers[host.name]
        if isinstance(answer, LockstitchError):
            unknown[host.name] = answer.message.removeprefix(f"{host.name}: ")
        elif answer.unreadable:
            unknown[host.name] = "; ".join(answer.unreadable)
        elif answer.backups or answer.written:
            having[host] = answer
    unasked = [
        f"{name} cannot be asked whether it keeps backups of {database.name}: {why}" for name, why in unknown.items()
    ]
    if unknown and not having:
        hint = f"see to it, or name the one that keeps them: databases: {{{database.name}: {{run_on: HOST}}}}"
        raise CheckError(listed([*unasked, "nothing was begun"]), hint=hint)
    if not having:
        return replace(database, host=database.hosts[0]), ()
    order = list(having)
    chosen = max(order, key=lambda host: (*_newest(having[host]), -order.index(host)))
    notes = [
        f"{host.name} keeps backups of {database.name} as well, {len(facts.backups)} of them; {chosen.name} has the newest"
        for host, facts in having.items()
        if host != chosen and facts.backups
    ]
    if chosen != database.hosts[0]:
        first = database.hosts[0].name
        notes.insert(0, f"{chosen.name} keeps the backups of {database.name}, and not {first}: run_on: {chosen.name}")
    return replace(database, host=chosen), (*notes, *unasked)


def _newest(facts: BackupDirectoryFacts) -> tuple[bool, datetime]:
    newest = facts.newest or (facts.backups[-1] if facts.backups else None)
    return newest is not None, newest.when if newest else datetime.min.replace(tzinfo=UTC)


def vault(database: Database) -> Probe[BackupDirectoryFacts]:
    """Return the probe of the backups, lock and journal in a database's vault."""
    at = database_site(database).layout
    known = {"tools": " ".join(database.engine.tools), "lock": at.lock, "journal": at.journal}
    return Probe("vault", in_vault(database.vault, "", NEAR + READ + backup_directory.LIST, known), parse_vault)


def server(database: Database, url: Value) -> Probe[ServerFacts]:
    """Return the probe of the database server, asked by its client programs on the vault's host."""
    engine = database.engine
    known = {**engine.login(url, ""), "heads": engine.heads, "applied": engine.applied}
    return Probe("server", in_vault(database.vault, "", engine.facts, known), engine.parse_facts)
