"""`doctor`: this machine, then every selected host."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from lockstitch.checks.doctor import controller, ssh_files
from lockstitch.checks.doctor.hosts import check_groups, login
from lockstitch.checks.doctor.ssh_files import conflicts
from lockstitch.cli.checks import codes, interrupted, judged, query_of
from lockstitch.cli.context import plain_host
from lockstitch.cli.fanout import record
from lockstitch.cli.session import Session
from lockstitch.engine.ask import ask
from lockstitch.engine.journal import now
from lockstitch.errors import HostKeyError, LockstitchError
from lockstitch.inventory.model import Inventory
from lockstitch.model.finding import Finding
from lockstitch.model.host import Host
from lockstitch.model.results import HostResult, worst_exit_code
from lockstitch.remote.ssh.route import GLOBAL_FILES, USER_FILES, Hop
from lockstitch.report.checks import CheckedHost, checks_json, checks_text, in_its_environment

HERE = "this machine"


def examine_all(session: Session) -> None:
    """Show every finding; end with 7 where one is a failure, 3 where a host cannot be reached."""
    began, start = now(), time.monotonic()
    selected = [fleet.inventory for fleet in session.c.selection.fleets]
    places = {HERE: CheckedHost(tuple(("", finding) for finding in _here(session, selected)))}
    cut: list[HostResult] = []
    if session.c.hosts:
        hosts, cut = _hosts(session)
        places |= hosts
        record(session, "doctor", {n: codes(checked) for n, checked in places.items()}, began, time.monotonic() - start)
    code = worst_exit_code([*(codes(checked) for checked in places.values()), *cut])
    places = in_its_environment(places, session.environment)
    session.answer(lambda: checks_json(places, int(code), "examined"), lambda: checks_text(places, "place"))
    sys.exit(int(code))


def _here(session: Session, selected: Sequence[Inventory]) -> Iterator[Finding]:
    settings, network = session.c.settings, session.remote.network
    loaded, judged_inventories = controller.inventories(settings.hosts, settings.environment)
    meant = selected or loaded
    hosts = [host for inventory in meant for host in inventory.hosts if not host.local]
    plain = [plain_host(name) for name in session.c.selection.plain]
    hops = [hop for host in (*hosts, *plain) for hop in _way(session, host)]
    yield from controller.versions()
    held, agent = ssh_files.agent()
    yield from ssh_files.keys([file for hop in hops for file in hop.identity_files], held)
    yield agent
    named = [file for hop in hops for file in hop.known_hosts]
    yield from ssh_files.known_hosts(
        [*named, *(str(Path(f).expanduser()) for f in (USER_FILES + " " + GLOBAL_FILES).split())]
    )
    for hop in dict.fromkeys(hops):
        about = [entry for entry in network.entries(hop) if entry.names(hop.known_as)]
        yield from conflicts([(e.where, e.hosts, e.kind, e.blob, e.marker) for e in about], hop.known_as)
    yield from ssh_files.ssh_config(network.client.files, network.client.unread)
    yield from judged_inventories
    yield from controller.secrets(controller.references(meant))
    yield from controller.journal(session.runs)


def _way(session: Session, host: Host) -> tuple[Hop, ...]:
    try:
        return session.remote.network.way(host)
    except (LockstitchError, OSError, ValueError):
        return ()


def _hosts(session: Session) -> tuple[dict[str, CheckedHost], list[HostResult]]:
    asked = [asking for fleet in session.c.selection.fleets for asking in check_groups(fleet)]
    asked += [login(plain_host(name)) for name in session.c.selection.plain]
    answers = ask(session.remote, [query_of(asking) for asking in asked], session.limits)
    judgements = judged(asked, answers)
    errors = {asking.host.name: error for asking in asked if (error := answers[asking.label].connect_error)}
    hosts = {asking.host.name: asking.host for asking in asked}
    places = {
        name: _failed(checked, errors[name]) if name in errors else _reached(session, hosts[name], checked)
        for name, checked in judgements.items()
    }
    return places, interrupted(answers)


def _failed(checked: CheckedHost, error: LockstitchError) -> CheckedHost:
    what = "its host key" if isinstance(error, HostKeyError) else "the way to it"
    return replace(
        checked, away=f"{what}: {error.message}", hint=error.hint or "fab doctor looks at this machine's side"
    )


def _reached(session: Session, host: Host, checked: CheckedHost) -> CheckedHost:
    """Put the findings about the way to a host and the login before the others."""
    if host.local or checked.away:
        return checked
    network = session.remote.network
    *gateways, hop = network.way(host)
    through = f" through {', '.join(gateway.name for gateway in gateways)}" if gateways else ""
    lines = [e.where for e in network.entries(hop) if not e.marker and e.names(hop.known_as)]
    known = f"{hop.known_as} is known by {', '.join(lines[:3])}" if lines else f"{hop.known_as} was recorded just now"
    key = network.logins.get(hop, "")
    passes = (
        Finding("reach", "pass", f"{hop.hostname} port {hop.port}{through} answers"),
        Finding("host key", "pass", known),
        Finding("login", "pass", f"as {hop.user}, with {key or 'no key that is known'}"),
    )
    return replace(checked, findings=(*(("", finding) for finding in passes), *checked.findings))
