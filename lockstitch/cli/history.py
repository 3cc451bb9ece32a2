"""`history`: what was done to the hosts, and the record of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lockstitch import plans
from lockstitch.cli.fanout import commands_file, show_by_hand
from lockstitch.cli.locks import databases_of
from lockstitch.cli.moments import moment_of
from lockstitch.cli.session import Session
from lockstitch.engine.ask import Query, Reply, ask
from lockstitch.engine.journal import records
from lockstitch.errors import CheckError, UsageError
from lockstitch.facts.database import database_site
from lockstitch.facts.history import (
    HistoryFacts,
    JournalRecord,
    RunFacts,
    StepTime,
    history_probe,
    run_probe,
    step_times,
)
from lockstitch.facts.packages import machine
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.host import Host
from lockstitch.model.plan import Site
from lockstitch.model.probe import Probe
from lockstitch.report.history import HistoryFilter, RunRecord, history_json, history_text, run_json, run_text
from lockstitch.text import listed

LIMIT = 30


def show(session: Session, only: str, run: str, **filters: Any) -> None:
    """Show the record of one run where one is named, else what each run did."""
    if run:
        show_run(session, only, run)
    else:
        show_history(session, only, **filters)


def show_history(
    session: Session, only: str, *, since: str, until: str, host: str, by: str, limit: int, by_hand: bool
) -> None:
    """Show what each run did, from the hosts' journals; with `by_hand` from the journal of this machine."""
    now = datetime.now().astimezone()
    begin = moment_of(since, now, option="--since")
    end = moment_of(until, now, option="--until", end=True)
    limit = limit or (0 if since or until else LIMIT)
    shown = HistoryFilter(limit, host, by)
    if by_hand:
        show_by_hand(session, shown, begin, end)
        return
    fleet = session.fleet(only)
    sites = _sites(fleet)
    _refuse_unknown(host, fleet)
    replies = _asked(session, fleet, {site: history_probe(site, begin, end) for site in sites})
    facts_of = {site: _fact(replies[site], HistoryFacts()) for site in sites}
    session.answer(lambda: history_json(facts_of, shown), lambda: history_text(facts_of, shown, now))
    _end(replies, {site: facts.unreadable for site, facts in facts_of.items()})


def show_run(session: Session, only: str, run: str) -> None:
    """Show the record of one run: what this machine has recorded, and what the hosts have."""
    fleet = session.fleet(only)
    sites = _sites(fleet)
    replies = _asked(session, fleet, {site: run_probe(site, run) for site in sites})
    facts_of = {site: _fact(replies[site], RunFacts()) for site in sites}
    record = _local(session, run, facts_of)
    if record.empty:
        away = [reply.error.message for reply in replies.values() if reply.error]
        hint = f"fab -H {fleet.inventory.name} history lists them; --by-hand those of `run` and the like"
        raise CheckError(
            listed([f"there is no record of a run {run} on these hosts or this machine", *away]), hint=hint
        )
    session.answer(lambda: run_json(record), lambda: run_text(record, datetime.now(UTC)))
    _end(replies, {site: facts.unreadable for site, facts in facts_of.items()})


def _refuse_unknown(host: str, fleet: Fleet) -> None:
    if host and not any(mark in host for mark in "*?["):
        known = {each.name for each in (*fleet.hosts, *(host for d in databases_of(fleet) for host in d.hosts))}
        if host not in known:
            raise UsageError(
                f"--host {host}: there is no such host in the selection", hint=f"one of {', '.join(known)}"
            )


def _sites(fleet: Fleet) -> dict[Site, Host]:
    """Return every site that has a journal, with its host: those of apps and databases, and the hosts themselves."""
    apps = {plans.site(host.name, app): host for host, app in fleet.sites()}
    # Of a group any host may have kept them at one time.
    databases = {
        database_site(replace(database, host=host)): host for database in databases_of(fleet) for host in database.hosts
    }
    return apps | databases | {machine(host.name): host for host in fleet.hosts}


def _asked(session: Session, fleet: Fleet, probes: Mapping[Site, Probe[Any]]) -> dict[Site, Reply]:
    hosts = _sites(fleet)
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


def _fact(reply: Reply, nothing: Any) -> Any:
    return reply.facts[0] if reply.facts else nothing


def _end(replies: Mapping[Site, Reply], unreadable: Mapping[Site, tuple[str, ...]]) -> None:
    """Raise what kept a host from answering, and what could not be read."""
    for reply in replies.values():
        if reply.error is not None:
            raise reply.error
        if not reply.facts:
            raise CheckError(reply.result.words)
    if said := [f"{site}: unreadable: {why}" for site, some in unreadable.items() for why in some]:
        raise CheckError(listed(said), hint="see to these paths on their hosts")


def _local(session: Session, run: str, facts_of: Mapping[Site, RunFacts]) -> RunRecord:
    """Return the record with what this machine has recorded of the run."""
    events = _read(session, session.runs / run / "events.jsonl") if "/" not in run else []
    by_hand = next((line for line in _read(session, commands_file(session)) if line.get("run") == run), None)
    began = next((event for event in events if event.get("event") == "run"), None)
    outcome = next((event for event in reversed(events) if event.get("event") == "outcome"), None)
    file = str(session.runs / run / "events.jsonl") if events else ""
    return RunRecord(run, facts_of, outcome, began, _times(events), by_hand, file)


def _read(session: Session, file: Any) -> list[Mapping[str, Any]]:
    try:
        lines, damaged = records(file)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CheckError(f"{file} is unreadable: {error.strerror}", hint="see to that file of this machine") from error
    if damaged:
        session.note(f"{damaged} lines of {file} are no records, and are left out")
    return [line for line in lines if isinstance(line, dict)]


def _times(events: list[Mapping[str, Any]]) -> dict[tuple[str, str], tuple[StepTime, ...]]:
    """Return the times of steps by host and app, from the events that this machine has recorded."""
    by_site: dict[tuple[str, str], list[JournalRecord]] = {}
    for event in events:
        if event.get("event") in ("begin", "end"):
            line = {**{key: str(value) for key, value in event.items()}, "step": str(event.get("name"))}
            by_site.setdefault((line.get("host", ""), line.get("app", "")), []).append(line)
    return {site: step_times(lines) for site, lines in by_site.items()}
