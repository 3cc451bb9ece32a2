"""What `service.*` does: services seen and changed, by each app's own service."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from lockstitch import plans
from lockstitch.cli.fanout import end, record
from lockstitch.cli.session import Session
from lockstitch.engine.fanout import Way
from lockstitch.engine.journal import now
from lockstitch.errors import ExitCode
from lockstitch.facts.site import Survey
from lockstitch.model.gate import Verdict
from lockstitch.model.plan import Plan, Site, Unit
from lockstitch.model.results import Done
from lockstitch.report import services_json, services_text


def change_services(session: Session, verb: plans.Verb, only: str, how: Way, *, message: str, yes: bool) -> None:
    """Plan it, show it, ask where it must be asked, carry it out."""
    fleet = session.fleet(only)

    def make() -> Plan:
        found = session.survey(fleet, plans.rollback_asks(fleet, ""))
        env = plans.environments(fleet, reveal=not session.dry)
        asked = plans.Service(session.run_id, session.by, verb, message, how.at_once, env)
        return limited(plans.service(fleet, found, asked), how.timeout)

    session.carry_out(make, yes=yes)


def limited(plan: Plan, seconds: float) -> Plan:
    """The plan whose steps are ended after so many seconds, where that was typed; gates have limits of their own."""
    if not seconds:
        return plan

    def unit(old: Unit) -> Unit:
        return replace(old, steps=tuple(replace(step, timeout=seconds) for step in old.steps))

    return replace(plan, waves=tuple(replace(wave, units=tuple(map(unit, wave.units))) for wave in plan.waves))


def show_services(session: Session, only: str, how: Way) -> None:
    """What every service says; a line in the journal."""
    began, start = now(), time.monotonic()
    fleet = session.fleet(only)
    found = session.survey(fleet, plans.usual_asks(fleet), most=how.at_once, seconds=how.timeout)
    serving = plans.serving(fleet, found)
    ended = {host.name: _ended(host.name, found, serving) for host in fleet.hosts}
    record(session, f"service.status {only}".strip(), ended, began, time.monotonic() - start)
    session.answer(lambda: services_json(found, serving), lambda: services_text(found, serving))
    end(list(ended.values()))


def _ended(host: str, found: Survey, serving: Mapping[Site, Verdict]) -> Done:
    """What all services of a host count as."""
    if error := found.unreachable.get(host):
        return Done(ExitCode.UNREACHABLE, error.message)
    if no := [verdict.reason for site, verdict in serving.items() if site.host == host and not verdict.passed]:
        return Done(ExitCode.CHECK_SAID_NO, no[0], exit=int(ExitCode.CHECK_SAID_NO))
    return Done(ExitCode.DONE, "", exit=0)
