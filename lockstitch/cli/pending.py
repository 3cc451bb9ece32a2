"""Questions for pending migrations: asked once of each app, with the environment it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from lockstitch import plans
from lockstitch.databases.migrations import Pending
from lockstitch.engine.survey import survey
from lockstitch.errors import UsageError
from lockstitch.facts.queries import SiteQuery
from lockstitch.facts.site import Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.command import Value
from lockstitch.remote import Remote

SurveyChange = Callable[[Survey], Survey]


def with_pending(fleet: Fleet, apps: Sequence[str] | None = None) -> tuple[tuple[SiteQuery, ...], SurveyChange]:
    """The usual questions, with that for the migrations of these apps (all of a fleet unless they are named); and what
    tells in a survey which of them lack a secret for it."""
    env: dict[plans.Site, Mapping[str, Value]] = {}
    lacking: dict[str, Pending] = {}
    able = plans.migrated(fleet)
    for name in able if apps is None else (app for app in apps if app in able):
        try:
            env |= plans.environments(fleet.only((name,)), reveal=True)
        except UsageError as error:
            lacking[name] = Pending(problem=error.message)

    def add_lacking(answers: Survey) -> Survey:
        facts = {
            site: replace(site_facts, pending=site_facts.pending or lacking.get(site.app))
            for site, site_facts in answers.facts.items()
        }
        return replace(answers, facts=facts)

    return plans.usual_asks(fleet, env), add_lacking


def ask_pending(remote: Remote, fleet: Fleet, answers: Survey, apps: Sequence[str]) -> Survey:
    """Return what was found, with the pending migrations of apps that would have nothing else to do."""
    asks, add_lacking = with_pending(fleet, apps)
    asked = {ask.site: ask for ask in asks if ask.extra}
    more = survey(remote, tuple(asked.values())) if asked else Survey({})
    facts = dict(answers.facts)
    for site, ask in asked.items():
        error = more.unreachable.get(ask.host.name)
        pending = Pending(problem=error.message) if error else more.facts[site].pending
        facts[site] = replace(facts[site], pending=pending)
    return add_lacking(replace(answers, facts=facts))


def ask_environment(remote: Remote, fleet: Fleet, answers: Survey, apps: Sequence[str]) -> Survey:
    """Return what was found, with the state of services that are to have the app's secrets, of apps that would have
    nothing else to do: whether what runs has those that are meant now."""
    asked = []
    for name in apps:
        sites = [(host, app) for host, app in fleet.sites() if app.name == name]
        if not any(app.secrets and app.service.has_environment() for _, app in sites):
            continue
        try:
            env = plans.environments(fleet.only((name,)), reveal=True)
        except UsageError:
            # Whoever deploys something is told; here nothing is to be done.
            continue
        asked += [SiteQuery(host, app, env=env[plans.site(host.name, app)]) for host, app in sites]
    more = survey(remote, asked).facts if asked else {}
    facts = {
        site: replace(known, service=more[site].service) if site in more else known
        for site, known in answers.facts.items()
    }
    return replace(answers, facts=facts)
