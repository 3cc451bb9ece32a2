"""Follow-ups, and what is due, as text and JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from lockstitch.checks.due import DueItem
from lockstitch.facts.follow_ups import FollowUp
from lockstitch.model.format import when
from lockstitch.report.text import counted, table
from lockstitch.text import oneline


def follow_json(known: Sequence[FollowUp], now: datetime) -> dict[str, Any]:
    """Return follow-ups for programs: times in UTC."""
    keys = ("id", "run", "text", "owner", "due", "link", "by", "at", "closed", "closed_by")
    return {
        "follow_ups": [{**{key: getattr(each, key) or None for key in keys}, "late": each.late(now)} for each in known]
    }


def follow_text(known: Sequence[FollowUp], now: datetime, zone: tzinfo | None = None) -> str:
    """Return follow-ups for people: times are local."""
    if not known:
        return "there are no follow-ups"
    rows = [
        (
            each.id,
            when(each.due, now, zone)[0],
            "done" if each.closed else "LATE" if each.late(now) else "",
            each.owner,
            each.text,
            each.run,
            each.link or "-",
        )
        for each in known
    ]
    return table(("ID", "DUE", "", "OWNER", "WHAT", "RUN", "LINK"), rows)


def due_json(items: Sequence[DueItem], unknown: Sequence[str], code: int) -> dict[str, Any]:
    """Return what is late for programs, and what could not be asked."""
    return {"exit_code": code, "due": [vars(each) for each in items], "unknown": list(unknown)}


def due_text(items: Sequence[DueItem], unknown: Sequence[str]) -> str:
    """Return the same for people."""
    rows = [(each.kind, each.about, each.says, each.owner or "-", each.command) for each in items]
    lines = [table(("LATE", "OF", "WHY", "OWNER", "NEXT"), rows)] if rows else []
    lines += [oneline(f"! not known: {each}") for each in unknown]
    if unknown:
        lines.append(f"{counted(len(items), 'thing')} late, as far as it is known")
    return "\n".join(lines) or "nothing is late"
