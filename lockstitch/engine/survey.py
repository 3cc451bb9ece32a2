"""EFFECT: ask every site what is there. One script a site, all at once; read-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lockstitch.concurrency import MOST, at_once
from lockstitch.databases.backup import ServerFacts, VaultFacts
from lockstitch.errors import LockstitchError, UsageError
from lockstitch.facts.database import server, vault
from lockstitch.facts.queries import Ask, probes
from lockstitch.facts.site import Facts, HostFacts, PlaceFacts, Survey
from lockstitch.inventory import Database
from lockstitch.model.command import Value
from lockstitch.model.plan import Script, Site, Step
from lockstitch.model.probe import Probe
from lockstitch.remote import Remote
from lockstitch.services.maintenance import MaintenanceState
from lockstitch.services.state import ServiceState


def survey(remote: Remote, asks: Sequence[Ask], *, most: int = MOST, seconds: float = 0) -> Survey:
    """Connect to all hosts and ask them at once; a host that cannot be asked is reported, not raised. `seconds` is how
    long each question may take, where that was said. Raises UsageError for a wrong configuration."""
    errors = dict(remote.connect({ask.host.name: ask.host for ask in asks}.values()))
    facts: dict[Site, Facts] = {}

    def one(ask: Ask) -> None:
        if ask.host.name in errors:
            return
        try:
            facts[ask.site] = _ask(remote, ask, seconds or 60)
        except LockstitchError as error:
            errors[ask.host.name] = error

    at_once(one, asks, remote.interrupt, most=most)
    for error in errors.values():
        # A configuration that is wrong says nothing about a host.
        if isinstance(error, UsageError):
            raise error
    return Survey({ask.site: facts[ask.site] for ask in asks if ask.site in facts}, errors)


def _ask(remote: Remote, ask: Ask, seconds: float) -> Facts:
    asked = probes(ask)
    steps = tuple(Step(probe.name, "", probe.command, timeout=seconds) for probe in asked)
    results = remote.run(ask.host, Script(steps, app=ask.app.name, keep_going=True, user=ask.app.user))
    read: Mapping[str, Any] = {
        probe.name: probe.parse(result.output, result.code) for probe, result in zip(asked, results, strict=False)
    }
    return Facts(
        ask.site,
        read.get("place", PlaceFacts()),
        read.get("host", HostFacts()),
        read.get("service", ServiceState(False)),
        read.get("target"),
        read.get("maintenance", MaintenanceState()),
        read.get("about", ()),
        read.get("pending"),
    )


def look(
    remote: Remote, databases: Mapping[str, Database], urls: Mapping[str, Value]
) -> dict[str, VaultFacts | LockstitchError]:
    """Ask the host of each database what lies in its vault, and its server where there is a URL for it."""
    errors = remote.connect({d.host.name: d.host for d in databases.values()}.values())
    found: dict[str, VaultFacts | LockstitchError] = {}

    def one(database: Database) -> None:
        try:
            error = errors.get(database.host.name)
            found[database.name] = error or _look(remote, database, urls.get(database.name))
        except LockstitchError as error:
            found[database.name] = error

    at_once(one, databases.values(), remote.interrupt)
    return found


def _look(remote: Remote, database: Database, url: Value | None) -> VaultFacts:
    asked: list[Probe[Any]] = [vault(database), *([server(database, url)] if url else [])]
    steps = tuple(Step(probe.name, "", probe.command, timeout=60) for probe in asked)
    results = remote.run(database.host, Script(steps, app=database.name, keep_going=True))
    read: Mapping[str, Any] = {p.name: p.parse(r.output, r.code) for p, r in zip(asked, results, strict=False)}
    there: VaultFacts = read.get("vault", VaultFacts())
    return replace(there, server=read.get("server", ServerFacts()))
