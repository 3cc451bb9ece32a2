"""Parser of what a host says of a vault."""

from __future__ import annotations

from lockstitch.backup import ServerFacts, VaultFacts, parse_backups
from lockstitch.lines import collect, last, unreadable
from lockstitch.lock_owner import parse_lock
from lockstitch.probe import number


def parse_vault(text: str, code: int) -> VaultFacts:
    """Parse the contents of a vault from `word rest` lines; of the database server it tells nothing."""
    said = collect(text)
    free = number(last(said, "free"))
    return VaultFacts(
        backups=parse_backups(iter(text.split("\n"))),
        free=None if free is None else free * 1024,
        missing=tuple(said.get("missing", ())),
        unwritable=last(said, "unwritable"),
        lock=str(parse_lock(last(said, "locked")) or ""),
        lock_file=last(said, "locked"),
        written=number(last(said, "written")) or 0,
        server=ServerFacts(),
        now=last(said, "now"),
        unreadable=unreadable(said, code),
    )
