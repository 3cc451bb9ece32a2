"""What `service.*` does: services seen and changed, by each app's own service."""

from __future__ import annotations

import sys
from dataclasses import replace

from lockstitch import plans
from lockstitch.adhoc import Way
from lockstitch.errors import ExitCode
from lockstitch.plan import Plan, Unit
from lockstitch.report import services_json, services_text
from tasks.session import Session


def change_services(session: Session, verb: plans.Verb, only: str, how: Way, *, message: str, yes: bool) -> None:
    """Plan it, show it, ask where it must be asked, carry it out."""
    fleet = session.fleet(only)
    found = session.survey(fleet, plans.rollback_asks(fleet, ""))
    env = plans.environments(fleet, reveal=not session.dry)
    asked = plans.Service(session.run_id, session.by, verb, message, how.at_once, env)
    session.carry_out(limited(plans.service(fleet, found, asked), how.timeout), yes=yes)


def limited(plan: Plan, seconds: float) -> Plan:
    """The plan whose steps are ended after so many seconds, where that was typed; gates have limits of their own."""
    if not seconds:
        return plan

    def unit(old: Unit) -> Unit:
        return replace(old, steps=tuple(replace(step, timeout=seconds) for step in old.steps))

    return replace(plan, waves=tuple(replace(wave, units=tuple(map(unit, wave.units))) for wave in plan.waves))


def show_services(session: Session, only: str) -> None:
    fleet = session.fleet(only)
    found = session.survey(fleet, plans.usual_asks(fleet))
    serving = plans.serving(fleet, found)
    session.answer(lambda: services_json(found, serving), lambda: services_text(found, serving))
    if found.unreachable:
        sys.exit(int(ExitCode.UNREACHABLE))
    if not all(verdict.passed for verdict in serving.values()):
        sys.exit(int(ExitCode.CHECK_SAID_NO))
