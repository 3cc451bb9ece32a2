"""Pure: outputs of steps, as part of the records that end a run and of the notes on it.

They are kept by app: two apps may share a database, and each makes its own dump.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from lockstitch.databases.backup import NAME
from lockstitch.model.outcome import Failure
from lockstitch.model.plan import SitePlan

StepOutputs = Mapping[str, Mapping[str, str]]


def with_outputs(units: Iterable[SitePlan], outputs: StepOutputs) -> list[SitePlan]:
    """Add to the records of each unit what the steps of this run have printed for its app."""
    facts = {app: json.dumps(each)[1:-1] for app, each in outputs.items()}
    return [_filled(unit, "told", lambda app: facts.get(app, "")) for unit in units]


def with_reason(units: Iterable[SitePlan], failures: Sequence[Failure]) -> list[SitePlan]:
    """Add to the records of each unit why the run failed. The releases of apps that did not fail, and went back because
    another did, are not bad: nothing is known of them."""
    why = failures[0]
    reason = json.dumps(f"{why.site}: {why.reason}" if why.site else why.reason)
    records = [_filled(unit, "reason", lambda _: reason) for unit in units]
    sites = [failure.site for failure in failures]
    if any(site is None or site.database or site.machine for site in sites):
        return records
    failed = {site.app for site in sites if site}
    return [unit if unit.site.app in failed else _filled(unit, "verdict", lambda _: "unknown") for unit in records]


def dumps(environment: str, outputs: StepOutputs, first: Mapping[str, str]) -> tuple[str, ...]:
    """Return notes on the dumps that a run made before it failed.

    `first` are, by app, the dumps of the first of several tries: a later dump may hold what a failed migration left.
    """
    on = f"fab -H {environment} backup.restore"
    first = {app: name for app, name in first.items() if NAME.fullmatch(name)}
    made = {app: name for app, facts in outputs.items() if NAME.fullmatch(name := facts.get("backup", ""))}
    return tuple(
        f"the database of {app} was dumped before as {name}"
        + (
            f", which may hold what the try before has left; before the first try as {first[app]}"
            if app in first
            else ""
        )
        + f"; to go back to it: {on} {first.get(app, name)}"
        for app, name in made.items()
    )


def _filled(unit: SitePlan, name: str, value: Callable[[str], str]) -> SitePlan:
    """Set a variable of the steps of a unit, in those that have it."""
    steps = (
        replace(s, command=replace(s.command, values={**s.command.values, name: value(str(s.command.values[name]))}))
        if name in s.command.values
        else s
        for s in unit.steps
    )
    return replace(unit, steps=tuple(steps))
