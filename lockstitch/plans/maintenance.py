"""Pure: the plans of `maintenance.on` and `maintenance.off`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field

from lockstitch.errors import CheckError, UsageError
from lockstitch.facts.site import Facts, Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App
from lockstitch.model.command import Value
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Plan, Site, SitePlan, Step, Wave
from lockstitch.plans.ending import unlock_ending, with_endings
from lockstitch.plans.maintenance_window import refuse_unknown
from lockstitch.plans.preflight import raise_unreachable
from lockstitch.services.maintenance import Page
from lockstitch.services.release_context import ReleaseContext


@dataclass(frozen=True)
class MaintenanceOptions:
    """The options of `maintenance.on` and `maintenance.off`, and the page to show."""

    run: str
    by: str
    on: bool
    message: str = ""
    page: Page = field(default_factory=Page)
    env: Mapping[Site, Mapping[str, Value]] = field(default_factory=dict)


def maintenance(fleet: Fleet, survey: Survey, asked: MaintenanceOptions) -> Plan:
    """Make the plan that puts every app of a fleet into maintenance or takes it out, where the app supports that.

    Raises UsageError if none does, CheckError if none of those is deployed.
    """
    raise_unreachable(survey)
    apps = {(host.name, app.name): app for host, app in fleet.sites()}
    known = {site: apps[site.host, site.app] for site in survey.facts if apps[site.host, site.app].mode}
    bare = [site for site in known if survey.facts[site].place.revision is None]
    _refuse(known, bare, {app.name for app in apps.values()})
    known = {site: app for site, app in known.items() if site not in bare}
    refuse_unknown({site: survey.facts[site] for site in known})
    steps = {site: _step(app, survey.facts[site], asked) for site, app in known.items()}
    word = "put into maintenance" if asked.on else "take out of maintenance"
    wave = Wave(word, tuple(SitePlan(site, (step,)) for site, step in steps.items()), visible=True)
    plan = Plan(
        "maintenance",
        fleet.inventory.name,
        asked.run,
        asked.by,
        asked.message or asked.page.message,
        (wave,),
        notes=(
            *(f"{site}: nothing is deployed here yet: it is left out" for site in bare),
            *dict.fromkeys(_notes(known, apps.values(), survey, asked)),
        ),
        next_command=f"fab -H {fleet.inventory.name} maintenance.status",
    )
    return with_endings(plan, [unlock_ending(site, asked.run, survey.facts[site].host.written) for site in known])


def _refuse(known: Mapping[Site, App], bare: Sequence[Site], names: set[str]) -> None:
    if not known:
        raise UsageError(
            f"nobody said how {', '.join(sorted(names))} goes into maintenance; nothing was changed",
            hint="give the app `maintenance_page: FILE`, a file that its web server tests: docs/maintenance.md",
        )
    if len(bare) == len(known):
        raise CheckError(f"{', '.join(map(str, bare))}: nothing is deployed here yet\nnothing was changed")


def _step(app: App, facts: Facts, asked: MaintenanceOptions) -> Step:
    mode, place = app.mode, _place(app, facts, asked)
    assert mode is not None
    on, off = mode.on(place, asked.run, asked.by, asked.page), mode.off(place)
    state = facts.maintenance
    # Whose it was it is again: what a run that was cut off has left must not become what somebody wants.
    theirs = mode.down(place, state.run, state.by, state.kind, taken=asked.run) if state.run else None
    if asked.on:
        undo = theirs if state.on else off
        return Step("maintenance", "go into maintenance until somebody ends it", on, undo, timeout=120)
    return Step("maintenance", "come out of maintenance", off, (theirs or on) if state.on else None, timeout=120)


def _place(app: App, facts: Facts, asked: MaintenanceOptions) -> ReleaseContext:
    env = asked.env.get(facts.site, app.env)
    return ReleaseContext(app.name, facts.site.layout, "", facts.place.revision or "", env, facts.about, ref=facts.ref)


def _notes(known: Mapping[Site, App], apps: Iterable[App], survey: Survey, asked: MaintenanceOptions) -> Iterator[str]:
    for app in apps:
        if not app.mode:
            yield f"{app.name}: nobody said how it goes into maintenance: it is left as it is"
    for site, app in known.items():
        facts = survey.facts[site]
        if facts.maintenance.on == asked.on:
            there = f"in maintenance already ({facts.maintenance}): its page stays, whatever is asked of it now"
            yield f"{site} is {there if asked.on else 'in no maintenance'}"
        if asked.on:
            lacking = app.service.unsupported_page_options(_place(app, facts, asked), asked.page)
            yield from (f"{app.name}: {note}" for note in lacking)
