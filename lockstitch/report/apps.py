"""Pure: which apps are in maintenance, and how queues are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lockstitch.facts.site import Facts, Survey
from lockstitch.model.plan import Site
from lockstitch.report.text import table
from lockstitch.services.queues import QueueState
from lockstitch.text import oneline, quoted


def maintenance_text(survey: Survey, knows: Mapping[Site, bool]) -> str:
    """A line for each site."""
    rows = []
    for site, facts in survey.facts.items():
        found = facts.maintenance
        mode = ("ON" if found.on else "off") if knows[site] and not found.unknown else "not known"
        who = who_left(facts) if found.left else found.by or ("by hand" if found.on else "")
        rows.append((site.host, site.app, mode, moment(found.since), who, found.unknown or found.page))
    lines = [table(("HOST", "APP", "MAINTENANCE", "SINCE", "BY", "PAGE"), rows)]
    return "\n".join([*lines, *(f"! {quoted(error.message)}" for error in survey.unreachable.values())])


def who_left(facts: Facts) -> str:
    """The run that has put an app down for as long as it goes on: it is under way as long as it holds the lock."""
    run, lock = facts.maintenance.run, facts.host.lock
    return f"put down by run {run}, which holds the lock" if lock and lock.run == run else f"left by run {run}"


def maintenance_json(survey: Survey, knows: Mapping[Site, bool]) -> dict[str, Any]:
    """The same for programs; `on` is null where nobody said how the app goes into maintenance."""
    sites = [
        {
            "host": site.host,
            "app": site.app,
            "on": facts.maintenance.on if knows[site] and not facts.maintenance.unknown else None,
            "since": facts.maintenance.since,
            "by": facts.maintenance.by or None,
            "run": facts.maintenance.run or None,
            "left": facts.maintenance.left,
            "page": facts.maintenance.page,
        }
        for site, facts in survey.facts.items()
    ]
    return {"sites": sites, "unreachable": {host: error.message for host, error in survey.unreachable.items()}}


def queues_text(found: Mapping[Site, QueueState | str]) -> str:
    """What waits and what failed, then the workers; a text in place of a state says why there is none."""
    rows, workers, said = [], [], []
    for site, state in found.items():
        if isinstance(state, str):
            said.append(f"! {site}: {oneline(state)}")
            continue
        sizes = ", ".join(f"{name} {'?' if size is None else size}" for name, size in state.sizes.items())
        failed = "?" if state.failed is None else str(state.failed)
        rows.append((site.host, site.app, str(len(state.workers)), sizes or "?", failed, state.horizon or "-"))
        workers += [(site.host, str(w.pid), moment(w.since), w.code, oneline(w.words)) for w in state.workers]
        said += [f"! {site}: {oneline(state.problem)}"] if state.problem else []
        said += [f"! {site}: worker {w.pid} runs the code before" for w in state.workers if w.code == "old"]
    parts = [table(("HOST", "APP", "WORKERS", "WAITING", "FAILED", "HORIZON"), rows)] if rows else []
    parts += [table(("HOST", "PID", "SINCE", "CODE", "WORKER"), workers)] if workers else []
    return "\n".join([*parts, *said])


def queues_json(found: Mapping[Site, QueueState | str]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "host": site.host,
            "app": site.app,
            **({"problem": state} if isinstance(state, str) else state.as_data()),
        }
        for site, state in found.items()
    ]


def moment(since: int | None) -> str:
    """A time in seconds since the epoch, for people."""
    try:
        return datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%d %H:%MZ") if since else "-"
    except (ValueError, OverflowError, OSError):
        return "-"
