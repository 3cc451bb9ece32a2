"""`metrics` and `gates`: what metric sources count on the hosts, and what the gates of the apps say of it."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from urllib.parse import urlsplit

from lockstitch import plans
from lockstitch.checks.metric_gates import GateReading, HostMeasurement, judge_gate
from lockstitch.cli.session import Session
from lockstitch.engine.ask import Query, ask
from lockstitch.errors import ExitCode, UsageError
from lockstitch.facts.clock import READ_CLOCK, Clock, parse_clock
from lockstitch.facts.site import Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App
from lockstitch.inventory.types import positive_duration
from lockstitch.metrics.judgement import Answer
from lockstitch.metrics.measurement import Measurement, Window
from lockstitch.model.command import Command
from lockstitch.model.host import Host
from lockstitch.model.probe import Probe
from lockstitch.model.results import worst_exit_code
from lockstitch.report.metrics import gates_json, gates_text, metrics_json, metrics_text

# The newest seconds are left out: the lines of requests that are still running, or not yet written, are missing.
_SETTLE = 2.0
_CLOCK = Probe("clock", Command(READ_CLOCK), parse_clock)


def show_metrics(session: Session, only: str, last: str) -> None:
    """Read every source once on every host whose apps are judged by it, or on all where no gate names it."""
    fleet, seconds = session.fleet(only), _seconds(last)
    if not fleet.inventory.metrics:
        raise UsageError(
            f"{fleet.inventory.name} has no metric source", hint="docs/metrics.md: ten minutes to a first gate"
        )
    queries, where = [], {}
    for name, source in fleet.inventory.metrics.items():
        for host, apps in _hosts(fleet, name).items():
            label = f"{name} on {host.name}"
            where[label] = name, host.name
            probe = source.probe((Window(-seconds - _SETTLE, -_SETTLE),), (), _ignored(apps))
            queries.append(Query(label, host, (probe,)))
    session.note(f"reading {', '.join(fleet.inventory.metrics)}")
    measured: dict[str, dict[str, Measurement]] = defaultdict(dict)
    replies = ask(session.remote, queries, session.limits)
    for label, reply in replies.items():
        source_name, host_name = where[label]
        measured[source_name][host_name] = reply.facts[0] if reply.facts else Measurement(blind=reply.result.words)
    blind = any(answer.blind for hosts in measured.values() for answer in hosts.values())
    away = worst_exit_code([reply.result for reply in replies.values() if reply.away])
    code = away or (ExitCode.CHECK_SAID_NO if blind else ExitCode.DONE)
    session.answer(lambda: metrics_json(measured, int(code)), lambda: metrics_text(measured, seconds))
    sys.exit(int(code))


def show_gates(session: Session, only: str, last: str) -> None:
    """Judge the gates of every selected app now, and end with 7 where one fails, or cannot be judged."""
    fleet, seconds = session.fleet(only), _seconds(last)
    gated = [name for name in fleet.apps if any(app.gates for _, app in fleet.sites() if app.name == name)]
    if not gated:
        raise UsageError(f"no app of {fleet.inventory.name} has gates", hint="docs/metrics.md shows the first one")
    fleet = fleet.only(gated)
    survey = session.survey(fleet, plans.usual_asks(fleet))
    if survey.unreachable:
        raise next(iter(survey.unreachable.values()))
    readings = {app: _readings(session, fleet.only([app]), survey, seconds) for app in gated}
    answers = [reading.answer for judged in readings.values() for reading in judged if not reading.dry]
    code = ExitCode.CHECK_SAID_NO if {Answer.FAIL, Answer.BLIND} & set(answers) else ExitCode.DONE
    session.answer(lambda: gates_json(readings, int(code)), lambda: gates_text(readings))
    sys.exit(int(code))


def _readings(session: Session, fleet: Fleet, survey: Survey, seconds: float) -> tuple[GateReading, ...]:
    """Judge the gates of one app by one reading of each of its sources."""
    sites = fleet.sites()
    ages = _ages(session, fleet, survey)
    newest = min(ages, key=lambda host: ages[host], default="")
    revisions = {
        site.host: facts.place.revision for site, facts in survey.facts.items() if site.app == sites[0][1].name
    }
    new = {host for host, revision in revisions.items() if revision == revisions.get(newest)}
    since = max((age for host, age in ages.items() if host in new), default=seconds)
    length = min(seconds, since)
    windows = (Window(-length - _SETTLE, -_SETTLE), Window(-since - length - _SETTLE, -since - _SETTLE))
    gates = sites[0][1].gates
    limits = sorted({gate.max.seconds for gate in gates.values() if gate.max and gate.max.seconds})
    queries = {
        (name, host.name): Query(
            f"{name} on {host.name}",
            host,
            (fleet.inventory.metrics[name].probe(windows, limits, _ignored([app])),),
        )
        for name in dict.fromkeys(gate.source for gate in gates.values())
        for host, app in sites
    }
    replies = ask(session.remote, list(queries.values()))
    judged = []
    for gate_name, gate in gates.items():
        hosts = []
        for host, _ in sites:
            reply = replies[queries[gate.source, host.name].label]
            answer = reply.facts[0] if reply.facts else Measurement(blind=reply.result.words)
            hosts.append(HostMeasurement(host.name, host.name in new or not new, answer, length))
        judged.append(judge_gate(gate_name, gate, hosts))
    return tuple(judged)


def _ages(session: Session, fleet: Fleet, survey: Survey) -> Mapping[str, float]:
    """Return how many seconds ago each host took its release, by its own clock; hosts of which that is not known are
    missing."""
    clocks = ask(session.remote, [Query(host.name, host, (_CLOCK,)) for host in fleet.hosts])
    ages = {}
    for site, facts in survey.facts.items():
        clock = clocks[site.host].facts[0] if site.host in clocks and clocks[site.host].facts else Clock()
        if (state := facts.service).reloaded is not None and state.boot and (offset := clock.offset):
            ages[site.host] = max(1.0, time.time() + offset[0] - state.boot - state.reloaded / 100)
    return ages


def _hosts(fleet: Fleet, source: str) -> dict[Host, list[App]]:
    """Return the hosts on which a source is read, each with its apps: those of apps with a gate on it, else all."""
    sites = fleet.sites()
    gated = [(host, app) for host, app in sites if any(gate.source == source for gate in app.gates.values())]
    hosts: dict[Host, list[App]] = defaultdict(list)
    for host, app in gated or sites:
        hosts[host].append(app)
    return hosts


def _ignored(apps: list[App]) -> list[str]:
    """Return the paths of the apps' own health checks."""
    return [urlsplit(app.health.url).path or "/" for app in apps if app.health]


def _seconds(text: str) -> float:
    try:
        return positive_duration(text)
    except ValueError as error:
        raise UsageError(f"--last: {error}") from error
