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
from lockstitch.report.checks import CheckedHost, checks_json, checks_text

HERE = "this machine"


def examine_all(session: Session) -> None:
    """Show every finding; end with 7 where one is a failure, 3 where a host cannot be reached."""
    began, start = now(), time.monotonic()
    selected = [fleet.inventory for fleet in session.c.selection.fleets]
    found = {HERE: CheckedHost(tuple(("", one) for one in _here(session, selected)))}
    cut: list[HostResult] = []
    if session.c.hosts:
        hosts, cut = _hosts(session)
        found |= hosts
        record(session, "doctor", {n: codes(one) for n, one in found.items()}, began, time.monotonic() - start)
    code = worst_exit_code([*(codes(one) for one in found.values()), *cut])
    session.answer(lambda: checks_json(found, int(code), "examined"), lambda: checks_text(found, "place"))
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
        about = [one for one in network.entries(hop) if one.names(hop.known_as)]
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
    asked = [one for fleet in session.c.selection.fleets for one in check_groups(fleet)]
    asked += [login(plain_host(name)) for name in session.c.selection.plain]
    answers = ask(session.remote, [query_of(one) for one in asked], session.limits)
    found = judged(asked, answers)
    errors = {one.host.name: error for one in asked if (error := answers[one.label].connect_error)}
    hosts = {one.host.name: one.host for one in asked}
    told = {
        name: _failed(one, errors[name]) if name in errors else _reached(session, hosts[name], one)
        for name, one in found.items()
    }
    return told, interrupted(answers)


def _failed(one: CheckedHost, error: LockstitchError) -> CheckedHost:
    what = "its host key" if isinstance(error, HostKeyError) else "the way to it"
    return replace(one, away=f"{what}: {error.message}", hint=error.hint or "fab doctor looks at this machine's side")


def _reached(session: Session, host: Host, one: CheckedHost) -> CheckedHost:
    """How it was reached and logged in to goes before what was asked of it."""
    if host.local or one.away:
        return one
    network = session.remote.network
    *gateways, hop = network.way(host)
    through = f" through {', '.join(gateway.name for gateway in gateways)}" if gateways else ""
    lines = [e.where for e in network.entries(hop) if not e.marker and e.names(hop.known_as)]
    known = f"{hop.known_as} is known by {', '.join(lines[:3])}" if lines else f"{hop.known_as} was recorded just now"
    key = network.logins.get(hop, "")
    told = (
        Finding("reach", "pass", f"{hop.hostname} port {hop.port}{through} answers"),
        Finding("host key", "pass", known),
        Finding("login", "pass", f"as {hop.user}, with {key or 'no key that is known'}"),
    )
    return replace(one, findings=(*(("", finding) for finding in told), *one.findings))
