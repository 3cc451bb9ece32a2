"""The hooks of a run: which of the inventory's belong to it, and the document that each is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lockstitch.cli.fanout import known_secrets
from lockstitch.cli.session import Session
from lockstitch.engine.hooks import HookRunner, after_event
from lockstitch.engine.site_runner import plan_secrets
from lockstitch.errors import CheckError
from lockstitch.model.command import Secret, mask
from lockstitch.model.hook import Hook
from lockstitch.model.outcome import Failure, Outcome, RunEvent
from lockstitch.model.plan import Plan
from lockstitch.report.notices import end_notice
from lockstitch.report.outcome import outcome_json
from lockstitch.report.plan import plan_json

_PLAN = ("run", "kind", "environment", "by", "message", "changes", "commits", "notes")
_HINT = "nothing was changed; mend the cause, or take the hook out of `hooks` of the inventory"


def with_hooks(session: Session, make: Callable[[], Plan]) -> Callable[[], Plan]:
    """Return a function that makes the plan with the hooks of the inventory that belong to its kind."""

    def planned() -> Plan:
        plan = make()
        events: tuple[str, ...] = (f"before_{plan.kind}", f"after_{plan.kind}")
        hooks = [hook for fleet in session.c.selection.fleets for hook in fleet.inventory.hooks]
        if plan.kind in ("deploy", "rollback"):
            events = (*events, "failed")
        return replace(plan, hooks=tuple(hook for hook in hooks if hook.event in events)) if hooks else plan

    return planned


class PlanHooks:
    """The hooks of one plan that is carried out."""

    def __init__(self, session: Session, plan: Plan, observe: Callable[[RunEvent], None]) -> None:
        self._plan = plan
        self._secrets = frozenset(plan_secrets(plan)) | frozenset(known_secrets(session.c.selection))
        self._runner = HookRunner(session.remote, session.c.root, self._secrets, lambda event: _try(observe, event))

    def before(self) -> list[Failure]:
        """Run the hooks before the first change, until one fails. Returns its failure, which refuses the run."""
        failures = self._run(f"before_{self._plan.kind}", None, all_of_them=False)
        return [replace(failure, hint=_HINT) for failure in failures]

    def after(self, outcome: Outcome) -> Outcome:
        """Run the hooks that belong to the end of a run. Returns the outcome, with a note for each that failed."""
        failures = self._run(after_event(self._plan.kind, outcome.code), outcome, all_of_them=True)
        return replace(outcome, notes=(*outcome.notes, *map(_note, failures)))

    def _run(self, event: str, outcome: Outcome | None, *, all_of_them: bool) -> list[Failure]:
        hooks = [hook for hook in self._plan.hooks if hook.event == event]
        return self._runner.run(hooks, lambda hook: self._document(hook, outcome), all_of_them=all_of_them)

    def _document(self, hook: Hook, outcome: Outcome | None) -> str:
        plan = plan_json(self._plan)
        event = end_notice(outcome, "", str).event if outcome else "begun"
        about = {"hook": hook.event, "event": event, **{key: plan[key] for key in _PLAN}}
        document = {**about, "outcome": outcome and _ended(outcome)}
        return json.dumps(_masked(document, self._secrets), ensure_ascii=False)


def _ended(outcome: Outcome) -> dict[str, Any]:
    """Return the end of a run as hooks are told of it: without the app's own logs, which may hold anything."""
    known = {key: value for key, value in outcome_json(outcome).items() if key not in _PLAN}
    failures = [{key: value for key, value in each.items() if key != "logs"} for each in known["failures"]]
    return {**known, "failures": failures, "notes": list(outcome.notes)}


def _masked(node: Any, secrets: frozenset[Secret]) -> Any:
    """Return a document with every secret in its texts masked, before it is JSON, which writes some signs otherwise."""
    if isinstance(node, dict):
        return {key: _masked(value, secrets) for key, value in node.items()}
    if isinstance(node, list):
        return [_masked(value, secrets) for value in node]
    return mask(node, secrets) if isinstance(node, str) else node


def _note(failure: Failure) -> str:
    last = f": {failure.output[-1]}" if failure.output else ""
    return f"{failure.reason}{last}"


def _try(observe: Callable[[RunEvent], None], event: RunEvent) -> None:
    """Show and record an event. The run itself notices a record that cannot be written."""
    try:
        observe(event)
    except CheckError:
        return
