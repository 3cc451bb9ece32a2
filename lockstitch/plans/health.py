"""Pure: what `status` and `check` ask beyond a survey: the app's own health, and whether a run is under way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from lockstitch.facts.queries import SiteQuery
from lockstitch.facts.site import Facts, Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App
from lockstitch.model.gate import Gate, Verdict
from lockstitch.model.lock import LockInfo
from lockstitch.model.plan import Site
from lockstitch.plans.gates import gates
from lockstitch.plans.queries import site as site_of
from lockstitch.services.release_context import ReleaseContext

# A run that was killed between two steps leaves its lock and no other trace: it is not under way for ever.
_LONGEST = timedelta(hours=12)


def with_health(asks: Iterable[SiteQuery]) -> tuple[SiteQuery, ...]:
    """Return these questions, with that for the health of each app that has one."""
    return tuple(
        replace(ask, extra=(*ask.extra, gate.probe))
        if (gate := health_gate(ask.app, ask.site, Facts(ask.site)))
        else ask
        for ask in asks
    )


def health(fleet: Fleet, survey: Survey) -> dict[Site, Verdict]:
    """Judge the health of each site that was asked for it, and that has something that may serve."""
    verdicts = {}
    for host, app in fleet.sites():
        facts = survey.facts.get(site := site_of(host.name, app))
        if facts is None or facts.health is None or not facts.deployed:
            continue
        if gate := health_gate(app, site, facts):
            verdicts[site] = gate.judge(facts.health)
    return verdicts


def under_way(survey: Survey, now: datetime) -> dict[Site, LockInfo]:
    """Return the locks of runs that are under way: not those that were taken by hand, those of runs that a host saw cut
    off, and those that are older than any run."""
    cut = {facts.host.cut for facts in survey.facts.values() if facts.host.cut}
    return {
        site: lock
        for site, facts in survey.facts.items()
        if (lock := facts.host.lock) and lock.kind and lock.run not in cut and not facts.unreadable
        if now - _time(lock.at, now) < _LONGEST
    }


def _time(at: str, now: datetime) -> datetime:
    try:
        return datetime.fromisoformat(at)
    except ValueError:
        return now - _LONGEST


def health_gate(app: App, site: Site, facts: Facts) -> Gate | None:
    """Return the gate of an app's own health on a site; None where it has no health URL."""
    current, revision = facts.place.current or "", facts.place.revision or ""
    place = ReleaseContext(app.name, site.layout, current, revision, app.env, ref=facts.ref, built=app.built)
    return next((gate for gate in gates(app, place, "") if gate.name == "health"), None) if app.health else None
