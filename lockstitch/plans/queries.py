"""Pure: the questions to a fleet before a plan, and the names that git accepts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lockstitch.errors import UsageError
from lockstitch.facts import queries
from lockstitch.facts.clock import CLOCK
from lockstitch.facts.queries import SiteQuery, recall, resolve
from lockstitch.facts.site import Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App
from lockstitch.inventory.secrets import resolve_secret
from lockstitch.model.command import Secret, Value
from lockstitch.model.gate import Verdict, failed
from lockstitch.model.plan import Site
from lockstitch.model.probe import Probe
from lockstitch.model.release import previous_good, short
from lockstitch.services.release_context import ReleaseContext

_CUT_OFF = "was a run cut off here, or a checkout made by hand? a deploy or rollback puts it right"
# What git refuses in a name of a branch or tag (gitrevisions, check-ref-format), and a leading dash: an option.
_NO_REF = re.compile(r"^[-/.]|[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|[/.]$|\.lock$|^@$")


Environments = Mapping[Site, Mapping[str, Value]]


def valid_ref(ref: str) -> str:
    """Return a ref as it was typed. Raises UsageError if git allows no branch, tag or commit of that name."""
    if _NO_REF.search(ref):
        raise UsageError(f"{ref!r} cannot be the name of a branch, tag or commit; nothing was done")
    return ref


def usual_asks(fleet: Fleet, pending: Environments | None = None) -> tuple[SiteQuery, ...]:
    """Return the usual questions for every site of a fleet. Each app that has an environment in `pending` is also
    asked, once, which migrations are pending in the code that serves."""
    asked: set[str] = set()
    asks = []
    for host, app in fleet.sites():
        at = site(host.name, app)
        probe = None
        if pending and at in pending and app.name not in asked:
            asked.add(app.name)
            probe = queries.pending(app, ReleaseContext(app.name, at.layout, "", "", pending[at]))
        asks.append(SiteQuery(host, app, (probe,) if probe else ()))
    return tuple(asks)


def timed_asks(fleet: Fleet) -> tuple[SiteQuery, ...]:
    """Return the usual questions, and for the time on the clock of each host."""
    return tuple(SiteQuery(host, app, (CLOCK,)) for host, app in fleet.sites())


def migrated(fleet: Fleet) -> tuple[str, ...]:
    """Return the apps whose tool can tell which migrations are pending."""
    return tuple(dict.fromkeys(app.name for _, app in fleet.sites() if app.migrating.pending))


def deploy_asks(fleet: Fleet, ref: str) -> tuple[SiteQuery, ...]:
    """Return the questions before a deploy. The first host of each app resolves the ref, so that all hosts get the same
    revision."""
    asked: set[str] = set()
    asks = []
    for host, app in fleet.sites():
        extra = () if app.name in asked else (resolve(app, ref or app.ref),)
        asked.add(app.name)
        asks.append(SiteQuery(host, app, (*extra, *_about(host.name, app))))
    return tuple(asks)


def each_asks(fleet: Fleet, survey: Survey, ref: str) -> tuple[SiteQuery, ...]:
    """Return questions for the sites to which the answer of an app's first host does not apply: those with another
    revision, and checkouts, where files may be in the way."""
    meant = {site.app: (f.target, f.place.revision) for site, f in survey.facts.items() if f.target is not None}
    asks = []
    for host, app in fleet.sites():
        facts = survey.facts.get(site(host.name, app))
        target, asked = meant.get(app.name, (None, None))
        if facts is None or facts.target or target is None or target.revision is None or not facts.place.cloned:
            continue
        if facts.place.revision != target.revision and (app.layout == "in_place" or facts.place.revision != asked):
            begun = ref and target.revision.startswith(ref)
            asked_for = target.revision if begun else ref or app.ref
            asks.append(SiteQuery(host, app, (resolve(app, asked_for, target.revision),)))
    return tuple(asks)


def agreed(fleet: Fleet, survey: Survey, ref: str, ask: Callable[[tuple[SiteQuery, ...]], Survey]) -> Survey:
    """Return the survey before a deploy with what the other sites have to say about its ref, as `ask` asks them.

    A short commit id that no branch leads to may be known to the clone of any host: which is the first decides nothing.
    """
    nowhere = {at.app: at for at, facts in survey.facts.items() if facts.target and facts.target.nowhere}
    if clones := [
        SiteQuery(host, app, (resolve(app, ref or app.ref),))
        for host, app in fleet.sites()
        if app.name in nowhere and (at := site(host.name, app)) != nowhere[app.name]
        if (facts := survey.facts.get(at)) and facts.place.cloned
    ]:
        answers = ask(tuple(clones)).facts
        known = {
            at.app: facts.target.revision for at, facts in answers.items() if facts.target and facts.target.revision
        }
        first = tuple(
            SiteQuery(host, app, (resolve(app, str(known[app.name])),))
            for host, app in fleet.sites()
            if app.name in known and site(host.name, app) == nowhere[app.name]
        )
        survey = joined(survey, ask(first)) if first else survey
    asks = each_asks(fleet, survey, ref)
    return joined(survey, ask(asks)) if asks else survey


def joined(survey: Survey, more: Survey) -> Survey:
    """Return a survey with the targets of another one added."""
    facts = {at: replace(f, target=more.facts[at].target) if at in more.facts else f for at, f in survey.facts.items()}
    return Survey(facts, {**survey.unreachable, **more.unreachable})


def rollback_asks(fleet: Fleet, ref: str) -> tuple[SiteQuery, ...]:
    """Return the questions before a rollback. Every host resolves the ref, because each goes back from its own
    clone."""
    return tuple(
        SiteQuery(host, app, (*((recall(app, ref),) if ref else ()), *_about(host.name, app)))
        for host, app in fleet.sites()
    )


def _about(host: str, app: App) -> tuple[Probe[Any], ...]:
    """Return the question that the app's service adds."""
    at = site(host, app).layout
    probe = app.service.extra_probe(ReleaseContext(app.name, at, "", "", app.env))
    return (probe,) if probe else ()


def between_asks(fleet: Fleet, survey: Survey) -> tuple[SiteQuery, ...]:
    """Return the questions before a rollback to each site's last good release: what lies between that one and the
    current."""
    asks = []
    for host, app in fleet.sites():
        facts = survey.facts.get(site(host.name, app))
        release = previous_good(facts.releases, facts.release) if facts else None
        if release is not None:
            asks.append(SiteQuery(host, app, (recall(app, release.revision),)))
    return tuple(asks)


def environments(fleet: Fleet, *, reveal: bool) -> Environments:
    """Return the environment of each site's commands. Secrets are resolved only with `reveal`."""
    known: dict[str, Secret] = {}

    def secret(reference: str) -> Secret:
        if reference not in known:
            known[reference] = resolve_secret(reference) if reveal else Secret("", reference)
        return known[reference]

    return {
        site(host.name, app): {**app.env, **{n: secret(r) for n, r in app.secrets.items()}}
        for host, app in fleet.sites()
    }


def sites(fleet: Fleet) -> tuple[Site, ...]:
    """Return every site of a fleet."""
    return tuple(site(host.name, app) for host, app in fleet.sites())


def site(host: str, app: App) -> Site:
    return Site(host, app.name, app.layout_paths, app.user)


def serving(fleet: Fleet, survey: Survey) -> dict[Site, Verdict]:
    """Judge for each site whether the deployed code serves, from the facts."""
    apps = {(host.name, app.name): app for host, app in fleet.sites()}
    verdicts = {}
    for where, facts in survey.facts.items():
        deployed = facts.deployed
        app = apps[where.host, where.app]
        verdict = app.service.judge(facts.service) if deployed else failed("nothing is deployed here yet")
        if verdict.passed and facts.last_good is not None and not facts.as_recorded:
            last = f"{short(facts.last_good.revision)} (release {facts.last_good.id})"
            verdict = failed(f"what lies here was never proven to serve: the last that was is {last}", _CUT_OFF)
        if facts.unreadable:
            verdict = failed(f"unreadable: {'; '.join(facts.unreadable)}", "see to that on the host, or move it away")
        verdicts[where] = verdict
    return verdicts
