"""A run's events into its journal, before they are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from lockstitch.journal import Journal
from lockstitch.outcome import GateAsked, GoingBack, RunEvent, Said, WaveBegan
from lockstitch.plan import Plan
from lockstitch.remote import StepBegan, StepEnded, StepOutput

_NAMES = {StepBegan: "begin", StepEnded: "end", StepOutput: "output"}


def recorded(journal: Journal, plan: Plan, show: Callable[[RunEvent], None]) -> Callable[[RunEvent], None]:
    """An observer that writes each event down and then shows it; the run's first line is written at once."""
    changes = [{"site": str(c.site), "from": c.before, "to": c.after, "release": c.release} for c in plan.changes]
    journal.write(
        "run",
        run=plan.run,
        kind=plan.kind,
        environment=plan.environment,
        by=plan.by,
        message=plan.message,
        changes=changes,
        notes=list(plan.notes),
    )

    def observe(event: RunEvent) -> None:
        name, fields = _line(event)
        journal.write(name, **fields)
        show(event)

    return observe


def _line(event: RunEvent) -> tuple[str, dict[str, Any]]:
    match event:
        case WaveBegan():
            return "wave", {"name": event.name, "sites": [str(site) for site in event.sites]}
        case GateAsked():
            verdict = event.verdict
            told = {"answer": verdict.answer.value, "reason": verdict.reason, "attempt": event.attempt}
            return "gate", {"site": str(event.site), "gate": event.gate, **told}
        case GoingBack():
            return "back", {"why": event.why, "sites": [str(site) for site in event.sites]}
        case Said():
            return "said", {"text": event.text}
        case _:
            return _NAMES[type(event)], asdict(event)
