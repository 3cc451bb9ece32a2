"""EFFECT: what is there, at every site and in every backup directory, before anything changes. Read-only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from lockstitch.concurrency import MOST
from lockstitch.databases.backup import BackupDirectoryFacts, ServerFacts
from lockstitch.databases.health import DatabaseState
from lockstitch.engine.ask import Query, Reply, ask
from lockstitch.engine.fanout import FanoutOptions
from lockstitch.errors import LockstitchError, UsageError
from lockstitch.facts.clock import Clock
from lockstitch.facts.database import keeper, server, vault
from lockstitch.facts.queries import SiteQuery, probes
from lockstitch.facts.site import CheckoutFacts, Facts, HostFacts, Survey
from lockstitch.inventory.model import Database
from lockstitch.model.command import Command, Secret, Value, mask
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Site
from lockstitch.model.probe import Probe
from lockstitch.remote import Remote
from lockstitch.services.maintenance import MaintenanceState
from lockstitch.services.state import ServiceState

# The server ends each of its questions after a sixth of that.
_LONGEST_OF_SERVER = 120.0


def survey(remote: Remote, asks: Sequence[SiteQuery], *, most: int = MOST, seconds: float = 0) -> Survey:
    """Ask every site, at most `most` at once; a host that cannot be asked is reported, not raised.

    Each question may take `seconds` (0: a minute). Raises UsageError for a wrong configuration.
    """
    queries = [
        Query(str(number), each.host, probes(each), each.app.name, each.app.user, seconds or 60.0, exact=True)
        for number, each in enumerate(asks)
    ]
    replies = _ask(remote, queries, FanoutOptions(at_once=most))
    errors: dict[str, LockstitchError] = {}
    facts: dict[Site, Facts] = {}
    for each, query in zip(asks, queries, strict=True):
        reply = replies[query.label]
        if reply.error is None:
            facts[each.site] = _site_facts(each.site, _by_name(query, reply))
        else:
            errors.setdefault(each.host.name, reply.error)
    for error in errors.values():
        # A configuration that is wrong says nothing about a host.
        if isinstance(error, UsageError):
            raise error
    return Survey(facts, errors)


def _ask(remote: Remote, queries: Sequence[Query], options: FanoutOptions | None = None) -> dict[str, Reply]:
    """Ask as `ask` does; raises KeyboardInterrupt after an interrupt, since a part of the answers is no base."""
    stopped = threading.Event()
    replies = ask(remote, queries, options, stopped)
    if stopped.is_set():
        raise KeyboardInterrupt
    return replies


def _by_name(query: Query, reply: Reply) -> dict[str, Any]:
    return {probe.name: fact for probe, fact in zip(query.probes, reply.facts, strict=False)}


def _site_facts(site: Site, facts: Mapping[str, Any]) -> Facts:
    return Facts(
        site,
        facts.get("place", CheckoutFacts()),
        facts.get("host", HostFacts()),
        facts.get("service", ServiceState(False)),
        facts.get("target"),
        facts.get("maintenance", MaintenanceState()),
        facts.get("about", ()),
        facts.get("pending"),
        facts.get("health"),
        facts.get("clock", Clock()),
    )


@dataclass(frozen=True)
class DatabaseFacts:
    """The facts of one database: the content of its backup directory, with what its server says of itself, and its
    state where that was asked for."""

    vault: BackupDirectoryFacts = field(default_factory=BackupDirectoryFacts)
    state: DatabaseState = field(default_factory=DatabaseState)


def survey_databases(
    remote: Remote,
    databases: Mapping[str, Database],
    urls: Mapping[str, Value],
    *,
    state: bool = False,
    poolers: Mapping[str, Value] | None = None,
) -> dict[str, DatabaseFacts | LockstitchError]:
    """Ask the host of each database for its backup directory, and its server where `urls` has a URL for it; for its
    `state` too, if that is wanted, and the pools where `poolers` has a URL. The error where a host cannot be asked."""
    known = poolers or {}
    queries = [
        _database_query(name, database, urls.get(name), state, known.get(name)) for name, database in databases.items()
    ]
    replies = _ask(remote, queries)
    return {q.label: replies[q.label].error or _database_facts(q, replies[q.label]) for q in queries}


def find_keepers(
    remote: Remote, databases: Mapping[str, Database], note: Callable[[str], None] = lambda text: None
) -> dict[str, Database]:
    """Return the databases, each at the host that keeps its backups: where a group is named, all of its hosts are
    asked, and what a person must know is told to `note`. Raises CheckError where that cannot be seen."""
    queries = [
        Query(f"{name} {number}", host, (vault(database),), database.name, exact=True)
        for name, database in databases.items()
        if len(database.hosts) > 1
        for number, host in enumerate(database.hosts)
    ]
    replies = _ask(remote, queries)
    known = dict(databases)
    for name, database in databases.items():
        if len(database.hosts) > 1:
            answers = {host.name: replies[f"{name} {number}"] for number, host in enumerate(database.hosts)}
            facts = {host: reply.error or reply.facts[0] for host, reply in answers.items()}
            known[name], notes = keeper(database, facts)
            for text in notes:
                note(text)
    return known


def _database_query(name: str, database: Database, url: Value | None, state: bool, pooler: Value | None) -> Query:
    asked: list[Probe[Any]] = [vault(database)]
    if url:
        asked.append(server(database, url))
        if state:
            login = database.engine.login(url, "")
            asked.append(Probe("state", Command(database.engine.state, values=login), database.engine.parse_state))
    if pooler:
        login = database.engine.login(pooler, "")
        asked.append(Probe("pools", Command(database.engine.pools, values=login), database.engine.parse_pools))
    longest = _LONGEST_OF_SERVER if state else 60.0
    return Query(name, database.host, tuple(asked), database.name, seconds=longest, exact=True)


def _database_facts(query: Query, reply: Reply) -> DatabaseFacts:
    secrets: set[Secret] = {secret for probe in query.probes for secret in probe.command.secrets()}
    facts = _by_name(query, reply)
    asked_server: ServerFacts = facts.get("server", ServerFacts())
    known: DatabaseState = facts.get("state", DatabaseState())
    if "pools" in facts:
        pools, problem = facts["pools"]
        known = replace(known, pools=pools, pool_problem=problem)
    return DatabaseFacts(
        replace(
            facts.get("vault", BackupDirectoryFacts()),
            server=replace(asked_server, problem=mask(asked_server.problem, secrets)),
        ),
        known.masked(lambda text: mask(text, secrets)),
    )
