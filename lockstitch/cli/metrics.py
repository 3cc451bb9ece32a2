"""`metrics` and `gates`: what metric sources count on the hosts, and what the gates of the apps say of it."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from dataclasses import replace

from lockstitch import plans
from lockstitch.checks.metric_gates import GateReading, HostMeasurement, judge_gate
from lockstitch.checks.metric_queries import (
    SETTLE,
    MetricKey,
    Sides,
    gate_forms,
    gate_queries,
    named,
    sides,
    source_queries,
)
from lockstitch.cli.session import Session
from lockstitch.engine.read_sources import read_sources
from lockstitch.errors import ExitCode, UsageError
from lockstitch.inventory.fleet import Fleet
from lockstitch.metrics.judgement import Answer
from lockstitch.metrics.measurement import Measurement, Window
from lockstitch.model.written import positive_duration
from lockstitch.report.metrics import gates_json, gates_text, metrics_json, metrics_text


def show_metrics(session: Session, only: str, last: str) -> None:
    """Read every source once on every host whose apps are judged by it, or on all where no gate names it."""
    fleet, seconds = session.fleet(only), _seconds(last)
    if not fleet.inventory.metrics:
        raise UsageError(
            f"{fleet.inventory.name} has no metric source", hint="docs/metrics.md: ten minutes to a first gate"
        )
    session.note(f"reading {', '.join(fleet.inventory.metrics)}")
    queries = source_queries(fleet, (Window(-seconds - SETTLE, -SETTLE),))
    if any(query.source.of_release for query in queries):
        facts = session.survey(fleet, plans.timed_asks(fleet)).facts
        queries = named(queries, {(site.app, site.host): known.names for site, known in facts.items()})
    measured: dict[str, dict[str, Measurement]] = defaultdict(dict)
    for (app, source, host), answer in read_sources(session.remote, queries, session.limits).items():
        measured[source][f"{host} ({app})" if app else host] = answer
    answers = [answer for hosts in measured.values() for answer in hosts.values()]
    code = ExitCode.CHECK_SAID_NO if any(answer.blind or answer.unread for answer in answers) else ExitCode.DONE
    for away in (ExitCode.UNREACHABLE, ExitCode.INTERRUPTED):
        code = away if any(answer.away is away for answer in answers) else code
    session.answer(lambda: metrics_json(measured, int(code)), lambda: metrics_text(measured, seconds))
    sys.exit(int(code))


def show_gates(session: Session, only: str, last: str) -> None:
    """Judge the gates of every selected app now, and end with 7 where one fails, or cannot be judged."""
    fleet, seconds = session.fleet(only), _seconds(last)
    gated = [name for name in fleet.apps if any(app.gates for _, app in fleet.sites() if app.name == name)]
    if not gated:
        raise UsageError(f"no app of {fleet.inventory.name} has gates", hint="docs/metrics.md shows the first one")
    fleet = fleet.only(gated)
    survey = session.survey(fleet, plans.timed_asks(fleet))
    if survey.unreachable:
        raise next(iter(survey.unreachable.values()))
    facts = survey.facts.values()
    known = {app: sides((each for each in facts if each.site.app == app), time.time()) for app in gated}
    for site in survey.facts:
        if site.host not in known[site.app].new and site.host not in known[site.app].old:
            session.note(f"{site}: which release runs there is not known: it is not judged")
    queries = gate_queries(fleet, lambda query: known[query.app].windows(query.host.name, seconds))
    queries = named(queries, {(each.site.app, each.site.host): each.names for each in facts})
    ages = {query.key: known[query.app].new.get(query.host.name) for query in queries}
    queries = [replace(each, since=-age) if (age := ages[each.key]) is not None else each for each in queries]
    measured = read_sources(session.remote, queries, session.limits)
    readings = {app: _judged(fleet, app, known[app], measured, seconds) for app in gated}
    answers = [reading.answer for judged in readings.values() for reading in judged if not reading.dry]
    code = ExitCode.CHECK_SAID_NO if {Answer.FAIL, Answer.BLIND} & set(answers) else ExitCode.DONE
    session.answer(lambda: gates_json(readings, int(code)), lambda: gates_text(readings))
    sys.exit(int(code))


def _judged(
    fleet: Fleet, name: str, known: Sides, measured: dict[MetricKey, Measurement], seconds: float
) -> tuple[GateReading, ...]:
    """Judge the gates of one app by one reading of each of its sources."""
    readings = []
    for label, gate, sites in gate_forms(fleet, name):
        hosts = [
            HostMeasurement(host.name, host.name in known.new, answer, known.windows(host.name, seconds)[0].seconds)
            for host in sites
            if (answer := measured.get((name, gate.source, host.name)))
        ]
        readings.append(judge_gate(label, gate, hosts))
    return tuple(readings)


def _seconds(text: str) -> float:
    try:
        return positive_duration(text)
    except ValueError as error:
        raise UsageError(f"--last: {error}") from error
