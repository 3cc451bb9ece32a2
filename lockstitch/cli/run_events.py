"""The events of one run: from the record of this machine, or else from its hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockstitch import plans
from lockstitch.cli.locks import databases_of
from lockstitch.cli.session import Session
from lockstitch.engine.ask import Query, Reply, ask
from lockstitch.engine.journal import records
from lockstitch.errors import CheckError
from lockstitch.facts.database import database_site
from lockstitch.facts.history import RunFacts, run_probe
from lockstitch.facts.packages import machine
from lockstitch.facts.run_events import FoundRun, found_on_hosts
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.host import Host
from lockstitch.model.plan import Site
from lockstitch.model.probe import Probe
from lockstitch.text import listed


def run_events(session: Session, run: str, fleet: Fleet) -> FoundRun:
    """Return the events of a run, where they were found, and what is missing. The hosts are asked where this machine
    has not run it. Raises CheckError where it has no record anywhere, or the record here cannot be read."""
    local, notes = local_events(session, run)
    if (known := found_here(run, local, notes)) is not None:
        return known
    replies = ask_sites(session, fleet, {site: run_probe(site, run) for site in sites_of(fleet)})
    known = found_elsewhere(run, {site: fact_of(reply, RunFacts()) for site, reply in replies.items()}, local, notes)
    away = [f"{site}: {reply.error.message}" for site, reply in replies.items() if reply.error]
    if not known.events:
        raise no_record(fleet, run, away)
    return replace(known, notes=(*known.notes, *away), whole=known.whole and not away)


def found_here(run: str, local: list[Mapping[str, Any]], notes: list[str]) -> FoundRun | None:
    """Return the record of this machine; None where it has not run it, though it may have watched or measured it."""
    if any(event.get("event") == "run" for event in local):
        return FoundRun(run, tuple(local), "this machine", tuple(notes), not notes)
    return None


def found_elsewhere(
    run: str, facts_of: Mapping[Site, RunFacts], local: list[Mapping[str, Any]], notes: list[str]
) -> FoundRun:
    """Return what the hosts have of a run, with what this machine knows of it."""
    known = found_on_hosts(run, facts_of, local)
    source = " and ".join(filter(None, (known.source, "this machine" if local else "")))
    return replace(known, source=source, notes=(*notes, *known.notes), whole=known.whole and not notes)


def local_events(session: Session, run: str) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Return the events of a run that this machine has recorded, and a sentence on damaged lines. Raises CheckError
    where the record cannot be read."""
    return ([], []) if "/" in run or run.startswith(".") else read_lines(session.runs / run / "events.jsonl")


def read_lines(file: Any) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Return the events in a file of this machine, none where it is not there, and a sentence on damaged lines. Raises
    CheckError where it cannot be read."""
    try:
        lines, damaged = records(file)
    except FileNotFoundError:
        return [], []
    except OSError as error:
        raise CheckError(f"{file} is unreadable: {error.strerror}", hint="see to that file of this machine") from error
    known: list[Mapping[str, Any]] = [line for line in lines if isinstance(line, dict)]
    damaged += len(lines) - len(known)
    return known, [f"{damaged} lines of {file} are no records, and are left out"] if damaged else []


def no_record(fleet: Fleet, run: str, away: list[str]) -> CheckError:
    """Return the error that says that there is no record of a run; `away` are the hosts that could not be asked."""
    hint = f"fab -H {fleet.inventory.name} history lists them; --by-hand those of `run` and the like"
    return CheckError(listed([f"there is no record of a run {run} on these hosts or this machine", *away]), hint=hint)


def sites_of(fleet: Fleet) -> dict[Site, Host]:
    """Return every site that has a journal, with its host: those of apps and databases, and the hosts themselves."""
    apps = {plans.site(host.name, app): host for host, app in fleet.sites()}
    # Of a group any host may have kept them at one time.
    databases = {
        database_site(replace(database, host=host)): host for database in databases_of(fleet) for host in database.hosts
    }
    return apps | databases | {machine(host.name): host for host in fleet.hosts}


def ask_sites(session: Session, fleet: Fleet, probes: Mapping[Site, Probe[Any]]) -> dict[Site, Reply]:
    """Ask each site its question, and return the replies. Raises KeyboardInterrupt after an interrupt."""
    hosts = sites_of(fleet)
    session.note(f"asking {', '.join(dict.fromkeys(site.host for site in probes))} of {fleet.inventory.name}")
    names = {site: str(number) for number, site in enumerate(probes)}
    queries = [
        Query(names[site], hosts[site], (probe,), "" if site.machine else site.app, site.user)
        for site, probe in probes.items()
    ]
    replies = ask(session.remote, queries)
    if any(reply.interrupted for reply in replies.values()):
        raise KeyboardInterrupt
    return {site: replies[name] for site, name in names.items()}


def fact_of(reply: Reply, nothing: Any) -> Any:
    """Return the answer of a site; `nothing` where it has none."""
    return reply.facts[0] if reply.facts else nothing
