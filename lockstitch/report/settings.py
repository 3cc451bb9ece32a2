"""Settings as they are declared, in the file, and running, as text and JSON. Pure; no value is in any of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lockstitch.model.plan import Site
from lockstitch.plans.settings_state import SettingRow
from lockstitch.report.text import table
from lockstitch.text import oneline


def settings_text(rows: Sequence[SettingRow], others: Mapping[Site, Sequence[str]]) -> str:
    """Return a table of the settings, below it what is wrong with them, and the names that nobody declared."""
    cells = [(row.name, row.site.app, row.site.host, row.declared, row.file or "-", _runs(row)) for row in rows]
    lines = table(("NAME", "APP", "HOST", "DECLARED", "IN THE FILE", "RUNS"), cells).splitlines()
    lines = lines if rows else ["no setting differs"]
    for row in rows:
        if row.problem:
            lines.append(f"{'?' if row.is_open else '!'} {row.name} of {row.site}: {oneline(row.problem)}")
            lines += [f"  HINT: {oneline(row.hint)}"] if row.hint else []
    lines += [f"{row.name} of {row.site}: {row.note}" for row in rows if row.note]
    lines += [f"{site}: not declared, and kept: {oneline(', '.join(names))}" for site, names in others.items() if names]
    return "\n".join(lines)


def _runs(row: SettingRow) -> str:
    return f"{row.runs or '-'}{f' ({row.evidence})' if row.evidence else ''}"


def settings_json(rows: Sequence[SettingRow], others: Mapping[Site, Sequence[str]], code: int) -> dict[str, Any]:
    """Return the settings for programs."""
    return {
        "exit_code": code,
        "settings": [
            {
                "name": row.name,
                "app": row.site.app,
                "host": row.site.host,
                "declared": row.declared,
                "file": row.file or None,
                "runs": row.runs or None,
                "evidence": row.evidence or None,
                "problem": row.problem or None,
                "hint": row.hint or None,
                "unknown": row.is_open,
                "note": row.note or None,
            }
            for row in rows
        ],
        "undeclared": [
            {"app": site.app, "host": site.host, "name": name} for site, names in others.items() for name in names
        ],
    }
