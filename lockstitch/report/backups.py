"""Pure: the listing of backups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockstitch.databases.backup import Backup, VaultFacts
from lockstitch.model.format import sized
from lockstitch.model.release import short
from lockstitch.report.text import table
from lockstitch.text import oneline

_HEADINGS = ("BACKUP", "TAKEN", "DATABASE", "DUMP", "ROWS", "APP", "MIGRATION", "PROVEN", "KEPT BY")


def backups_text(facts: Mapping[str, VaultFacts], kept: Mapping[str, str]) -> str:
    """Every backup of every database, newest first, and what is wrong with those that cannot be counted on."""
    rows = [_row(b, kept.get(b.name, "")) for found in facts.values() for b in reversed(found.backups) if b.good]
    lines = table(_HEADINGS, rows).splitlines() if rows else []
    broken = [b for found in facts.values() for b in found.backups if not b.good]
    lines += [oneline(f"! {b.name}: {b.problem}") for b in broken]
    for name, found in facts.items():
        lines += [oneline(f"! {b.name} is dated {b.at}, and on its host it is {found.now}") for b in found.future]
        lines += [oneline(f"! {name} is unreadable: {why}") for why in found.unreadable]
        if found.unreadable:
            continue
        if not any(b.good for b in found.backups):
            lines.append(f"! {name} has no backup{' that can be counted on' if found.backups else ''}")
        elif not any(b.good and b.proven for b in found.backups):
            lines.append(f"! {name}: none of its backups has been proven")
    return "\n".join(lines)


def _row(backup: Backup, kept: str) -> tuple[str, ...]:
    app = f"{backup.app} {short(backup.revision)}" if backup.app else "-"
    return (
        backup.name,
        backup.at,
        sized(backup.size),
        sized(backup.bytes),
        str(backup.rows),
        app,
        backup.head or "-",
        backup.proven or "never",
        kept or "nothing: backup.prune removes it",
    )


def backups_json(facts: Mapping[str, VaultFacts], kept: Mapping[str, str]) -> dict[str, Any]:
    """The same for programs; sizes in bytes."""
    return {
        "databases": {
            name: {
                "free": found.free,
                "backups": [{**vars(b), "good": b.good, "kept": kept.get(b.name, "")} for b in found.backups],
            }
            for name, found in facts.items()
        }
    }
