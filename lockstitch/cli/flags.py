"""`flag.status`, `flag.set`, `flag.rollout` and `flag.undo`: feature flags read on the hosts, and changed by a plan."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from lockstitch import plans
from lockstitch.cli.gate_watch import gates_before
from lockstitch.cli.run_plan import carry_out
from lockstitch.cli.session import Session
from lockstitch.engine.ask import Query, ask
from lockstitch.errors import ExitCode, UsageError
from lockstitch.facts.flags import flag_records
from lockstitch.flags.base import FlagPlace
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.secrets import resolve_secret
from lockstitch.model.command import Value
from lockstitch.model.plan import Plan, Site
from lockstitch.report.flags import flags_json, flags_text


def show_flags(session: Session, only: str) -> None:
    """Read every flag where it is set, and end with 7 where one cannot be read, or is not the same everywhere."""
    status, away = read_flags(session, session.fleet(only))
    code = ExitCode.CHECK_SAID_NO if any(each.problem for each in status) else ExitCode.DONE
    code = ExitCode.UNREACHABLE if away else code
    session.answer(lambda: flags_json(status, int(code)), lambda: flags_text(status))
    sys.exit(int(code))


def read_flags(session: Session, fleet: Fleet) -> tuple[tuple[plans.FlagStatus, ...], dict[str, str]]:
    """Return every flag as it was read where it is set, and why hosts could not be asked. Raises UsageError where there
    is none, or a secret that it takes is not here."""
    names = list(dict.fromkeys(name for _, app in fleet.sites() for name in app.flags))
    if not names:
        raise UsageError(f"no app of {fleet.inventory.name} has flags", hint="docs/flags.md shows the first one")
    known = _secrets(fleet)
    places = {name: plans.flag_places(fleet, name, known) for name in names}
    session.note(f"reading {', '.join(names)}")
    facts, away = _asked(session, fleet, places)
    return plans.flag_status(fleet, places, facts, away), away


def change_flag(
    session: Session, verb: plans.FlagVerb, name: str, only: str, blind_gates: str = "", *, confirm: bool = True
) -> None:
    """Plan it, show it, ask where it must be asked, carry it out."""
    name, equals, value = name.partition("=")
    if verb == "set" and not equals:
        raise UsageError(f"there is no value for {name or 'the flag'}; nothing was changed", hint="flag.set NAME=VALUE")
    if verb != "set" and equals:
        raise UsageError(f"flag.{verb} takes no value; nothing was changed", hint=f"flag.{verb} {name}")

    def meant() -> Fleet:
        return plans.judged_by(plans.flag_fleet(session.fleet(only), name), name)

    def make() -> Plan:
        fleet = meant()
        survey = session.survey(fleet, plans.rollback_asks(fleet, ""))
        env = plans.environments(fleet, reveal=not session.dry)
        asked = plans.FlagOptions(session.run_id, session.by, verb, name, value, session.message, env)
        places = plans.flag_places(fleet, name, _secrets(fleet))
        facts, _ = _asked(session, fleet, {name: places})
        plan = plans.flag(fleet, survey, facts.get(name, {}), places, asked)
        if verb != "rollout" or plan.empty:
            return plan
        return plans.with_watches(plan, fleet, gates_before(session, fleet, survey, (), blind_gates))

    carry_out(session, make, watched=meant, confirm=confirm)


def _secrets(fleet: Fleet) -> dict[str, Value]:
    """Return what the references of flags stand for: without it they cannot be read, for a plan neither."""
    return {reference: resolve_secret(reference) for reference in plans.flag_references(fleet)}


def _asked(
    session: Session, fleet: Fleet, places: Mapping[str, Mapping[Site, FlagPlace]]
) -> tuple[dict[str, dict[Site, plans.FlagFacts]], dict[str, str]]:
    """Ask each site for its flags and what is recorded of them, one script a site. Returns the facts by flag, and why
    hosts could not be asked."""
    probes = plans.flag_probes(fleet, places)
    queries = []
    for host, app in fleet.sites():
        at = plans.site(host.name, app)
        asked = tuple(probe for _, probe in probes.get(at, ()))
        queries.append(Query(str(at), host, (flag_records(at), *asked), app.name, app.user))
    replies = ask(session.remote, queries, session.limits)
    facts: dict[str, dict[Site, plans.FlagFacts]] = {name: {} for name in places}
    away = {}
    for host, app in fleet.sites():
        at = plans.site(host.name, app)
        reply = replies[str(at)]
        if reply.away or not reply.facts:
            away[host.name] = reply.result.words
            continue
        records, *states = reply.facts
        by_name = dict(zip((name for name, _ in probes.get(at, ())), states, strict=False))
        for name in places:
            facts[name][at] = plans.FlagFacts(by_name.get(name), records)
    return facts, away
