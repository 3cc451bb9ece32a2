"""Pure: who holds which lock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockstitch.model.lock import LockInfo
from lockstitch.model.plan import Site
from lockstitch.report.text import table

Held = Mapping[Site, LockInfo | None]


def locks_text(held: Held) -> str:
    """A line for each site, databases included."""
    rows = [
        (site.host, site.app, *((info.by, info.at, info.run, info.message) if info else ("free", "", "", "")))
        for site, info in held.items()
    ]
    return table(("HOST", "APP", "HELD BY", "SINCE", "RUN", "WHY"), rows)


def locks_json(held: Held) -> list[dict[str, Any]]:
    """The same for programs; `lock` is null where it is free."""
    return [{"host": site.host, "app": site.app, "lock": vars(info) if info else None} for site, info in held.items()]
