"""EFFECT: ask databases how they are, each through its host, with what lies in its vault; read-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lockstitch.concurrency import at_once
from lockstitch.databases.backup import VaultFacts
from lockstitch.databases.health import DatabaseState
from lockstitch.errors import LockstitchError
from lockstitch.facts.database import server, vault
from lockstitch.inventory import Database
from lockstitch.model.command import Command, Secret, Value, mask
from lockstitch.model.plan import Script, Step
from lockstitch.model.probe import Probe
from lockstitch.remote import Remote

# The server ends each of its questions after a sixth of that.
_LONGEST = 120.0


@dataclass(frozen=True)
class Examined:
    """One database: what it tells of itself, and what lies in its vault."""

    state: DatabaseState = field(default_factory=DatabaseState)
    vault: VaultFacts = field(default_factory=VaultFacts)


def examine(
    remote: Remote, databases: Mapping[str, Database], urls: Mapping[str, Value]
) -> dict[str, Examined | LockstitchError]:
    """Ask them all at once, one script each; one whose host cannot be asked is reported, not raised."""
    errors = remote.connect({d.host.name: d.host for d in databases.values()}.values())
    found: dict[str, Examined | LockstitchError] = {}

    def one(name: str) -> None:
        database = databases[name]
        try:
            found[name] = errors.get(database.host.name) or _examine(remote, database, urls[name])
        except LockstitchError as error:
            found[name] = error

    at_once(one, databases, remote.interrupt)
    return {name: found[name] for name in databases}


def _examine(remote: Remote, database: Database, url: Value) -> Examined:
    login = database.engine.login(url, "")
    state = Probe("state", Command(database.engine.state, values=login), database.engine.parse_state)
    asked: list[Probe[Any]] = [vault(database), server(database, url), state]
    steps = tuple(Step(probe.name, "", probe.command, timeout=_LONGEST) for probe in asked)
    results = remote.run(database.host, Script(steps, app=database.name, keep_going=True))
    read = {p.name: p.parse(r.output, r.code) for p, r in zip(asked, results, strict=False)}
    secrets = [value for value in login.values() if isinstance(value, Secret)]
    told = read["server"]
    return Examined(
        read["state"].told(lambda text: mask(text, secrets)),
        replace(read["vault"], server=replace(told, problem=mask(told.problem, secrets))),
    )
