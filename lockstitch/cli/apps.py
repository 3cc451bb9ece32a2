"""Tasks on running apps: maintenance, queues, their own console."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from lockstitch import plans
from lockstitch.cli.fanout import end, on_sites, record, site_work
from lockstitch.cli.run_plan import carry_out
from lockstitch.cli.session import Session, words
from lockstitch.engine.fanout import run_on_hosts
from lockstitch.engine.journal import now
from lockstitch.errors import ExitCode, UsageError
from lockstitch.facts.site import Survey
from lockstitch.inventory.model import App
from lockstitch.inventory.secrets import resolve_secret
from lockstitch.model.command import Command
from lockstitch.model.gate import Verdict
from lockstitch.model.plan import Plan, Site, SitePlan
from lockstitch.model.results import HostResult
from lockstitch.report.apps import (
    maintenance_json,
    maintenance_text,
    queues_json,
    queues_text,
    services_json,
    services_text,
)
from lockstitch.services.maintenance import Page
from lockstitch.services.queues import Queues, QueueState
from lockstitch.services.release_context import ReleaseContext

_QUEUES = "has queues that its service knows"


def switch_maintenance(session: Session, only: str, *, on: bool, retry: int = 0, secret: str = "") -> None:
    """Plan it, show it, ask where it must be asked, carry it out."""
    if retry < 0:
        raise UsageError("--retry is a number of seconds; nothing was changed")
    fleet = session.fleet(only)

    def make() -> plans.Plan:
        survey = session.survey(fleet, plans.rollback_asks(fleet, ""))
        env = plans.environments(fleet, reveal=on and not session.dry)
        known = resolve_secret(secret) if secret and not session.dry else ""
        page = Page(str(retry) if retry else "", known, session.message)
        options = plans.MaintenanceOptions(session.run_id, session.by, on, session.message, page, env)
        return plans.maintenance(fleet, survey, options)

    carry_out(session, make)


def show_maintenance(session: Session, only: str) -> None:
    fleet = session.fleet(only)
    survey = session.survey(fleet, plans.usual_asks(fleet))
    knows = {plans.site(host.name, app): app.mode is not None for host, app in fleet.sites()}
    session.answer(lambda: maintenance_json(survey, knows), lambda: maintenance_text(survey, knows))
    if survey.unreachable:
        sys.exit(int(ExitCode.UNREACHABLE))


def app_command(session: Session, only: str, *, once: bool) -> None:
    """Run a command of each app's own console: the rest of the command line."""
    line = session.c.remainder
    if not line.strip():
        raise UsageError("there is no command", hint="fab -H ENV artisan -- about")
    what = f"artisan -- {line}"
    on_sites(session, only, what, lambda app, place: app.service.console(place, line), "has artisan", once=once)


def queue_command(
    session: Session,
    only: str,
    what: str,
    which: Callable[[Queues], Command],
    *,
    once: bool = False,
    confirm: bool = True,
) -> None:
    on_sites(session, only, what, lambda app, place: _of(app, place, which), _QUEUES, once=once, confirm=confirm)


def queue_retry(session: Session, only: str, ids: str) -> None:
    if not words(ids):
        raise UsageError("no job is named", hint="fab -H ENV queue.retry all, or ids from queue.failed")
    queue_command(session, only, f"queue.retry {ids}", lambda queues: queues.retry(words(ids)), once=True)


def show_queues(session: Session, only: str) -> None:
    """Show the queues of every app on every host."""
    fleet = session.fleet(only)
    work = site_work(fleet, lambda app, place: _of(app, place, lambda queues: queues.status.command), _QUEUES)
    results = run_on_hosts(session.remote, work)
    apps = {plans.site(host.name, app): app for host, app in fleet.sites()}
    states = {site: _state(app, site, results[str(site)]) for site, app in apps.items() if str(site) in results}
    session.answer(lambda: queues_json(states), lambda: queues_text(states))
    bad = any(isinstance(state, str) or state.problem for state in states.values())
    end([*results.values(), *([HostResult(ExitCode.CHECK_SAID_NO, "")] if bad else [])])


def _state(app: App, site: plans.Site, answer: HostResult) -> QueueState | str:
    queues = app.service.queue(ReleaseContext(app.name, site.layout, "", ""))
    if queues is None or not answer.results:
        return answer.words
    (result,) = answer.results
    return queues.status.parse(result.output, result.code)


def _of(app: App, place: ReleaseContext, which: Callable[[Queues], Command]) -> Command | None:
    queues = app.service.queue(place)
    return which(queues) if queues else None


def change_services(session: Session, verb: plans.Verb, only: str) -> None:
    """Plan it, show it, ask where it must be asked, carry it out."""
    fleet = session.fleet(only)

    def make() -> Plan:
        survey = session.survey(fleet, plans.rollback_asks(fleet, ""))
        env = plans.environments(fleet, reveal=not session.dry)
        asked = plans.ServiceChange(session.run_id, session.by, verb, session.message, session.limits.at_once, env)
        return limited(plans.service(fleet, survey, asked), session.limits.timeout)

    carry_out(session, make)


def limited(plan: Plan, seconds: float) -> Plan:
    """The plan whose steps are ended after so many seconds, where that was typed; gates have limits of their own."""
    if not seconds:
        return plan

    def unit(old: SitePlan) -> SitePlan:
        return replace(old, steps=tuple(replace(step, timeout=seconds) for step in old.steps))

    return replace(
        plan, waves=tuple(replace(wave, site_plans=tuple(map(unit, wave.site_plans))) for wave in plan.waves)
    )


def show_services(session: Session, only: str) -> None:
    """Show the state of every service; a line in the journal."""
    began, start = now(), time.monotonic()
    fleet = session.fleet(only)
    limits = session.limits
    survey = session.survey(fleet, plans.usual_asks(fleet), most=limits.at_once, seconds=limits.timeout)
    serving = plans.serving(fleet, survey)
    ended = {host.name: _ended(host.name, survey, serving) for host in fleet.hosts}
    record(session, f"service.status {only}".strip(), ended, began, time.monotonic() - start)
    session.answer(lambda: services_json(survey, serving), lambda: services_text(survey, serving))
    end(list(ended.values()))


def _ended(host: str, survey: Survey, serving: Mapping[Site, Verdict]) -> HostResult:
    """Return the result for all services of a host."""
    if error := survey.unreachable.get(host):
        return HostResult(ExitCode.UNREACHABLE, error.message)
    if no := [verdict.reason for site, verdict in serving.items() if site.host == host and not verdict.passed]:
        return HostResult(ExitCode.CHECK_SAID_NO, no[0], exit=int(ExitCode.CHECK_SAID_NO))
    return HostResult(ExitCode.DONE, "", exit=0)
