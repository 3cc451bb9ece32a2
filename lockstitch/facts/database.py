"""Probes of a database's site, and the parsers of their output. Pure."""

from __future__ import annotations

from lockstitch.databases import backup_directory
from lockstitch.databases.backup import BackupDirectoryFacts, ServerFacts, parse_backups
from lockstitch.databases.engine import in_vault
from lockstitch.facts.state_files import NEAR, READ
from lockstitch.inventory.model import Database
from lockstitch.model.command import Value
from lockstitch.model.layout import Layout
from lockstitch.model.lock import parse_lock
from lockstitch.model.plan import Site
from lockstitch.model.probe import Probe, collect, last, number, unreadable


def parse_vault(text: str, code: int) -> BackupDirectoryFacts:
    """Parse the contents of a vault from `WORD REST` lines; they say nothing about the database server."""
    said = collect(text)
    free = number(last(said, "free"))
    return BackupDirectoryFacts(
        backups=parse_backups(said),
        free=None if free is None else free * 1024,
        missing=tuple(said["missing"]),
        unwritable=last(said, "unwritable"),
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


def vault(database: Database) -> Probe[BackupDirectoryFacts]:
    """Return the probe of the backups, lock and journal in a database's vault."""
    at = database_site(database).layout
    known = {"tools": " ".join(database.engine.tools), "lock": at.lock, "journal": at.journal}
    return Probe("vault", in_vault(database.vault, "", NEAR + READ + backup_directory.LIST, known), parse_vault)


def server(database: Database, url: Value) -> Probe[ServerFacts]:
    """Return the probe of the database server, asked by its client programs on the vault's host."""
    engine = database.engine
    known = {**engine.login(url, ""), "heads": engine.heads}
    return Probe("server", in_vault(database.vault, "", engine.facts, known), engine.parse_facts)
