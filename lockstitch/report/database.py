"""Databases and backups as text and JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lockstitch.databases.backup import Backup, BackupDirectoryFacts
from lockstitch.databases.health import DatabaseState
from lockstitch.model.finding import Finding
from lockstitch.model.format import sized, span
from lockstitch.model.release import short
from lockstitch.report.checks import finding_lines
from lockstitch.report.text import table
from lockstitch.text import oneline

JudgedDatabase = tuple[DatabaseState, Sequence[Finding]]
_TABLES = ("TABLE", "SIZE", "ROWS, ABOUT", "DEAD", "ANALYZED")


def databases_text(judged: Mapping[str, JudgedDatabase]) -> str:
    """Return each database with its findings, its largest tables, and the verdict."""
    blocks = [_block(name, state, findings) for name, (state, findings) in judged.items()]
    return "\n\n".join(blocks)


def _block(name: str, state: DatabaseState, findings: Sequence[Finding]) -> str:
    lines = [_head(name, state), *finding_lines([("", finding) for finding in findings])]
    if state.tables:
        rows = [(t.name, sized(t.bytes), _count(t.rows), _count(t.dead), t.analyzed or "never") for t in state.tables]
        lines += ["", *(f"  {line}" for line in table(_TABLES, rows).splitlines())]
    return "\n".join([*lines, "", f"{name}: {oneline(_verdict(findings))}"])


def _head(name: str, state: DatabaseState) -> str:
    if state.problem:
        return f"{name}: it cannot be asked"
    parts = [f"{state.database} as {state.user}", f"server {state.version.partition(' ')[0]}"]
    parts += ["a standby"] if state.standby else []
    parts += [f"{sized(state.size)} on disk"] if state.size is not None else []
    parts += [f"up for {span(state.up)}"] if state.up is not None else []
    return oneline(f"{name}: {', '.join(parts)}").replace("\n", " ")


def _count(number: int | None) -> str:
    return "-" if number is None else str(number)


def _verdict(findings: Sequence[Finding]) -> str:
    noes = list(dict.fromkeys(f.check for f in findings if f.level == "fail"))
    warned = list(dict.fromkeys(f.check for f in findings if f.level == "warn"))
    also = f"; look at {', '.join(warned)}" if warned else ""
    return (f"NO: {', '.join(noes)}" if noes else "all within its thresholds") + also


def databases_json(judged: Mapping[str, JudgedDatabase]) -> dict[str, Any]:
    """Return the same for programs: sizes in bytes, times in seconds."""
    return {
        "databases": {
            name: {
                "passed": not any(finding.level == "fail" for finding in findings),
                "findings": [asdict(finding) for finding in findings],
                **{key: value for key, value in asdict(state).items() if key != "asked"},
                "asked": sorted(state.asked),
            }
            for name, (state, findings) in judged.items()
        }
    }


_HEADINGS = ("BACKUP", "TAKEN", "DATABASE", "DUMP", "ROWS", "APP", "MIGRATION", "PROVEN", "KEPT BY")


def backups_text(facts: Mapping[str, BackupDirectoryFacts], kept: Mapping[str, str]) -> str:
    """Return every backup of every database, newest first, and the problems of those that are not usable."""
    rows = [_row(b, kept.get(b.name, "")) for vault in facts.values() for b in reversed(vault.backups) if b.good]
    lines = table(_HEADINGS, rows).splitlines() if rows else []
    broken = [b for vault in facts.values() for b in vault.backups if not b.good]
    lines += [oneline(f"! {b.name}: {b.problem}") for b in broken]
    for name, vault in facts.items():
        lines += [oneline(f"! {b.name} is dated {b.at}, and on its host it is {vault.now}") for b in vault.future]
        lines += [oneline(f"! {name} is unreadable: {why}") for why in vault.unreadable]
        if vault.unreadable:
            continue
        if not any(b.good for b in vault.backups):
            lines.append(f"! {name} has no backup{' that can be counted on' if vault.backups else ''}")
        elif not any(b.good and b.proven for b in vault.backups):
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


def backups_json(facts: Mapping[str, BackupDirectoryFacts], kept: Mapping[str, str]) -> dict[str, Any]:
    """Return the same for programs; sizes in bytes."""
    return {
        "databases": {
            name: {
                "free": vault.free,
                "backups": [{**vars(b), "good": b.good, "kept": kept.get(b.name, "")} for b in vault.backups],
            }
            for name, vault in facts.items()
        }
    }
