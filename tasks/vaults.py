"""What is told of backups."""

from __future__ import annotations

from lockstitch.report import backups_json, backups_text
from lockstitch.retention import why_kept
from tasks.stores import Stores


def show_backups(stores: Stores) -> None:
    """Print every backup and what keeps it; one that no release can be asked about counts as kept by none."""
    facts = stores.facts(servers=False)
    held = stores.held()
    kept: dict[str, str] = {}
    for name, found in facts.items():
        kept |= why_kept(found.backups, stores.databases[name].keep, held)
    stores.session.answer(lambda: backups_json(facts, kept), lambda: backups_text(facts, kept))
