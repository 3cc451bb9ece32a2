"""Pure: what a watch of a run's release is about, and whether the watch may take the release back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Literal

from lockstitch.errors import CheckError
from lockstitch.facts.site import Facts, Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App
from lockstitch.model.gate import Gate
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Site
from lockstitch.model.release import previous_good, short
from lockstitch.plans.health import health_gate
from lockstitch.plans.queries import site as site_of

# Without `watch` in the inventory: an hour, a reading every five minutes.
DEFAULT_STAGES = ((3600.0, 300.0),)
WatchEndState = Literal["over", "back", "superseded", "rollback failed"]


@dataclass(frozen=True)
class WatchedApp:
    """An app whose release is watched: the sites that took it, those with another release, and its health gates by
    site, where it has a health URL. `names` are those of the release on each host, by VERSION_NAMES."""

    app: App
    new: tuple[Site, ...]
    old: tuple[Site, ...] = ()
    health: Mapping[Site, Gate] = field(default_factory=dict)
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class WatchEnd:
    """The end of a watch, and why. `problems` are what was seen and did not end it: a watch with any has not passed.
    `undecided` are the gates that have neither passed nor failed, for want of requests."""

    state: WatchEndState
    reason: str = ""
    problems: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()


def newest_run(survey: Survey) -> str:
    """Return the run that made the newest release that is current anywhere. Raises CheckError where there is none."""
    runs = [facts.release.run for facts in survey.facts.values() if facts.release and facts.release.run]
    if not runs:
        raise CheckError("no release of these hosts is known: there is nothing to watch", hint="fab -H ENV history")
    return max(runs)


def watched_apps(fleet: Fleet, survey: Survey, run: str) -> tuple[WatchedApp, ...]:
    """Return the apps that a run has released, as the hosts have them now. Raises CheckError where none has it."""
    made = []
    for name in fleet.apps:
        sites = [(site_of(host.name, app), app) for host, app in fleet.sites() if app.name == name]
        new = [site for site, _ in sites if _run_of(survey.facts.get(site)) == run]
        if not new:
            continue
        revisions = {survey.facts[site].place.revision for site in new}
        old = [s for s, _ in sites if (f := survey.facts.get(s)) and f.deployed and f.place.revision not in revisions]
        health = {
            site: gate
            for site, app in sites
            if site in (*new, *old) and (gate := health_gate(app, site, survey.facts[site]))
        }
        app = next(app for site, app in sites if site == new[0])
        names = {site.host: survey.facts[site].names for site in new}
        made.append(WatchedApp(app, tuple(new), tuple(old), health, names))
    if not made:
        raise CheckError(
            f"no host runs a release of run {run} now: it was rolled back, or a later run came",
            hint=f"fab -H {fleet.inventory.name} history {run}",
        )
    return tuple(made)


def _run_of(facts: Facts | None) -> str:
    return facts.release.run if facts and facts.release else ""


def released_part(fleet: Fleet, apps: Sequence[WatchedApp]) -> Fleet:
    """Return the part of a fleet that took the release."""
    hosts = {site.host for each in apps for site in each.new}
    cells = tuple((group, host) for group, host in fleet.cells if host.name in hosts)
    return replace(fleet, cells=cells, narrowed=tuple(each.app.name for each in apps))


def released_facts(survey: Survey, apps: Sequence[WatchedApp]) -> Survey:
    """Return the facts of the sites that took the release: another app on their hosts may not have."""
    taken = {site for each in apps for site in each.new}
    return replace(survey, facts={site: facts for site, facts in survey.facts.items() if site in taken})


def stages_of(apps: Sequence[WatchedApp]) -> tuple[tuple[float, float], ...]:
    """Return the parts of a watch, as (seconds, seconds between readings): those of the app that is watched longest."""
    known = [tuple((stage.for_, stage.every) for stage in each.app.watch) for each in apps if each.app.watch]
    return max(known, key=lambda stages: sum(seconds for seconds, _ in stages), default=DEFAULT_STAGES)


def refuse_back(survey: Survey, run: str, environment: str) -> None:
    """Raise CheckError where a watch must not take the release of a run back: that needs a person."""
    for site, facts in survey.facts.items():
        entry = next((e for e in reversed(facts.host.journal) if e.get("run") == run), None)
        if _run_of(facts) != run or entry is None:
            raise CheckError(f"{site}: a later run, or a change by hand, came after {run}")
        if entry.get("kind") == "rollback":
            raise CheckError(f"{site}: run {run} was a rollback itself")
        target = previous_good(facts.releases, facts.release)
        if entry.get("before") == facts.place.revision:
            raise CheckError(
                f"{site}: run {run} deployed again what served before: there is nothing else to go back to"
            )
        if target is None or target.revision != entry.get("before"):
            before = short(entry.get("before"))
            raise CheckError(f"{site}: what served before, {before}, is no good release of its journal")
        if facts.target is None or facts.target.problem:
            raise CheckError(f"{site}: what lies between the two releases is not known")
        if facts.target.migrations:
            raise CheckError(
                f"{site}: migrations lie between the two releases: {', '.join(facts.target.migrations)}",
                hint=f"fab -H {environment} rollback --only {site.app} --database down (or restore, or none)",
            )
