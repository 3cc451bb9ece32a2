"""Pure: who holds which lock."""

from __future__ import annotations

from typing import Any

from lockstitch.facts import Survey
from lockstitch.report.text import table


def locks_text(survey: Survey) -> str:
    """A line for each site."""
    rows = []
    for site, facts in survey.facts.items():
        info = facts.host.lock
        rows.append(
            (site.host, site.app, *((info.by, info.at, info.run, info.message) if info else ("free", "", "", "")))
        )
    return table(("HOST", "APP", "HELD BY", "SINCE", "RUN", "WHY"), rows)


def locks_json(survey: Survey) -> list[dict[str, Any]]:
    """The same for programs; `lock` is null where it is free."""
    return [
        {"host": site.host, "app": site.app, "lock": vars(facts.host.lock) if facts.host.lock else None}
        for site, facts in survey.facts.items()
    ]
