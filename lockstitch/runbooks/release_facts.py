"""Facts about the releases of a run, for its sign-offs: the hash of their plans, and who is involved. Pure.

A stage that has begun is known by its plan when it began, which the record has; the others by the plans of now.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from lockstitch.model.identity import Identity
from lockstitch.runbooks.settings import Stage
from lockstitch.runbooks.signoff import Involved
from lockstitch.runbooks.state import RunbookRun

# The event of the record that has the plans of a stage when it began.
RELEASE_PLANS = "release plans"


class StagePlan(Protocol):
    """The plan of a release command: its stage, its place there, and the document that `plan --json` prints."""

    @property
    def stage(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def document(self) -> Mapping[str, Any]: ...


def plan_records(stage: str, plans: Iterable[StagePlan]) -> list[dict[str, Any]]:
    """Return what the record keeps of the plans of a stage."""
    keys = ("environment", "hash", "authors")
    return [
        {"number": plan.number, **{key: plan.document.get(key) for key in keys}}
        for plan in plans
        if plan.stage == stage
    ]


def plan_hashes(run: RunbookRun, stages: Iterable[Stage], plans: Sequence[StagePlan]) -> str:
    """Return the hash of all plans of a run, in the order of its stages: that of the only one, where there is one;
    empty where there is none."""
    known = _known(run, plans)
    # A stage that has released may have gone from the file since.
    order = list(dict.fromkeys([*(stage.name for stage in stages), *(name for name, _ in known)]))
    hashes = [
        [stage, number, str(plan.get("hash"))]
        for (stage, number), plan in sorted(known.items(), key=lambda each: (order.index(each[0][0]), each[0][1]))
    ]
    if len(hashes) < 2:
        return str(hashes[0][2]) if hashes else ""
    return hashlib.sha256(json.dumps(hashes).encode()).hexdigest()


def involved(run: RunbookRun, plans: Sequence[StagePlan]) -> Involved:
    """Return who has begun a run or gone on with it, and who wrote what it releases in its environment."""
    own = [plan for plan in _known(run, plans).values() if plan.get("environment") == run.environment]
    apps = [(app, known) for plan in own for app, known in (plan.get("authors") or {}).items()]
    unknown = dict.fromkeys(f"{app}: {known['unknown']}" for app, known in apps if not known["known"])
    people = dict.fromkeys(Identity(each["name"], each["mail"]) for _, known in apps for each in known["people"])
    return Involved(tuple(dict.fromkeys(_operators(run))), tuple(people), "; ".join(unknown))


def _known(run: RunbookRun, plans: Sequence[StagePlan]) -> dict[tuple[str, int], Mapping[str, Any]]:
    """Return the plans by stage and place: those of now; of commands that are done, those that were recorded last."""
    known: dict[tuple[str, int], Mapping[str, Any]] = {}
    for event in run.events:
        if event.get("event") == RELEASE_PLANS:
            known |= {(str(event["stage"]), int(plan["number"])): plan for plan in event["plans"]}
    return known | {(plan.stage, plan.number): plan_records(plan.stage, [plan])[0] for plan in plans}


def _operators(run: RunbookRun) -> Iterator[Identity]:
    for event in run.events:
        if event.get("event") in ("runbook", "resumed"):
            known = event.get("operator") or {}
            user = str(event.get("by") or "").partition("@")[0]
            yield Identity(str(known.get("name") or ""), str(known.get("mail") or ""), str(known.get("user") or user))
