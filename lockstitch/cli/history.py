"""`history`: what was done to the hosts, and the record of one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from lockstitch.cli.fanout import commands_file, show_by_hand
from lockstitch.cli.locks import databases_of
from lockstitch.cli.moments import moment_of
from lockstitch.cli.notifications import tell_afterwards
from lockstitch.cli.run_events import (
    ask_sites,
    fact_of,
    found_elsewhere,
    found_here,
    local_events,
    no_record,
    read_lines,
    sites_of,
)
from lockstitch.cli.session import Session
from lockstitch.engine.ask import Reply
from lockstitch.engine.watch_lock import watcher
from lockstitch.errors import CheckError, UsageError
from lockstitch.facts.history import (
    CommitTimes,
    HistoryFacts,
    JournalRecord,
    RunFacts,
    StepTime,
    commits_probe,
    history_probe,
    run_probe,
    step_times,
)
from lockstitch.facts.run_events import FoundRun
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.plan import Site
from lockstitch.report.history import HistoryFilter, RunRecord, history_json, history_text, run_json, run_text
from lockstitch.report.watch import watch_periods
from lockstitch.text import listed

LIMIT = 30
# The window of statistics where none is given.
_WINDOW = timedelta(days=90)


def show(session: Session, only: str, run: str, **filters: Any) -> None:
    """Show the record of one run where one is named, else what each run did."""
    tell_afterwards(session)
    if run:
        show_run(session, only, run)
    else:
        show_history(session, only, **filters)


def show_history(
    session: Session, only: str, *, since: str, until: str, host: str, by: str, limit: int, by_hand: bool, stats: bool
) -> None:
    """Show what each run did, from the hosts' journals; with `by_hand` from the journal of this machine; with `stats`
    the statistics of deploys."""
    now = datetime.now().astimezone()
    begin = moment_of(since, now, option="--since")
    end = moment_of(until, now, option="--until", end=True)
    limit = limit or (0 if since or until else LIMIT)
    shown = HistoryFilter(limit, host, by)
    if stats:
        if host or by or by_hand or shown.limit not in (0, LIMIT):
            raise UsageError("--stats counts every run: give it --since, --until and --only alone")
        _show_stats(session, only, begin or now - _WINDOW, end or now)
        return
    if by_hand:
        show_by_hand(session, shown, begin, end)
        return
    fleet = session.fleet(only)
    sites = sites_of(fleet)
    _refuse_unknown(host, fleet)
    replies = ask_sites(session, fleet, {site: history_probe(site, begin, end) for site in sites})
    facts_of = {site: fact_of(replies[site], HistoryFacts()) for site in sites}
    session.answer(lambda: history_json(facts_of, shown), lambda: history_text(facts_of, shown, now))
    _end(replies, {site: facts.unreadable for site, facts in facts_of.items()})


def _show_stats(session: Session, only: str, begin: datetime, end: datetime) -> None:
    """Show how often releases were proven, how soon, how many failed, and how long until it was well again."""
    if begin >= end:
        raise UsageError("--since is not before --until")
    # Start-up: `history` without --stats needs none of it.
    from lockstitch.report.delivery import delivery, delivery_json, delivery_runs, delivery_text

    fleet = session.fleet(only)
    sites = [site for site in sites_of(fleet) if not (site.machine or site.database)]
    # As much before it, so that a release that was proven then is no new one.
    probes = {site: history_probe(site, begin - (end - begin), end, stats=True) for site in sites}
    replies = ask_sites(session, fleet, probes)
    facts_of = {site: fact_of(replies[site], HistoryFacts()) for site in sites}
    revisions = {pair for run in delivery_runs(facts_of) for pair in run.revisions}
    clones = {site.app: site for site in sites if replies[site].error is None}
    commits = {
        site: commits_probe(site, [revision for name, revision in revisions if name == app])
        for app, site in clones.items()
        if any(name == app for name, _ in revisions)
    }
    times: dict[str, float] = {}
    notes = []
    for site, reply in ask_sites(session, fleet, commits).items() if commits else ():
        known = fact_of(reply, CommitTimes(unreadable=reply.error.message if reply.error else reply.result.words))
        times |= known.times
        notes += [f"{site}: the times of its commits cannot be read: {known.unreadable}"] if known.unreadable else []
    made = delivery(facts_of, times, begin, end, notes)
    session.answer(lambda: delivery_json(made), lambda: delivery_text(made))
    _end(replies, {site: facts.unreadable for site, facts in facts_of.items()})
    if notes:
        raise CheckError(listed(notes))


def show_run(session: Session, only: str, run: str) -> None:
    """Show the record of one run: what this machine has recorded, and what the hosts have."""
    fleet = session.fleet(only)
    sites = sites_of(fleet)
    replies = ask_sites(session, fleet, {site: run_probe(site, run) for site in sites})
    facts_of = {site: fact_of(replies[site], RunFacts()) for site in sites}
    record, _ = run_record(session, run, facts_of)
    if record.empty:
        away = [reply.error.message for reply in replies.values() if reply.error]
        raise no_record(fleet, run, away)
    session.answer(lambda: run_json(record), lambda: run_text(record, datetime.now(UTC)))
    _end(replies, {site: facts.unreadable for site, facts in facts_of.items()})


def _refuse_unknown(host: str, fleet: Fleet) -> None:
    if host and not any(mark in host for mark in "*?["):
        known = {each.name for each in (*fleet.hosts, *(host for d in databases_of(fleet) for host in d.hosts))}
        if host not in known:
            raise UsageError(
                f"--host {host}: there is no such host in the selection", hint=f"one of {', '.join(known)}"
            )


def _end(replies: Mapping[Site, Reply], unreadable: Mapping[Site, tuple[str, ...]]) -> None:
    """Raise what kept a host from answering, and what could not be read."""
    for reply in replies.values():
        if reply.error is not None:
            raise reply.error
        if not reply.facts:
            raise CheckError(reply.result.words)
    if said := [f"{site}: unreadable: {why}" for site, some in unreadable.items() for why in some]:
        raise CheckError(listed(said), hint="see to these paths on their hosts")


def run_record(session: Session, run: str, facts_of: Mapping[Site, RunFacts]) -> tuple[RunRecord, FoundRun]:
    """Return the record with what this machine has recorded of the run, or else what the hosts keep of it; and those
    events."""
    local, notes = local_events(session, run)
    known = found_here(run, local, notes) or found_elsewhere(run, facts_of, local, notes)
    by_hand, damaged = read_lines(commands_file(session))
    for said in (*known.notes, *damaged):
        session.note(said)
    events = known.events
    began = next((event for event in events if event.get("event") == "run"), None)
    outcome = next((event for event in reversed(events) if event.get("event") == "outcome"), None)
    named = {
        name: [event for event in events if event.get("event") == name] for name in ("reading", "measured", "smoke")
    }
    record = RunRecord(
        run,
        facts_of,
        None if outcome and outcome.get("from") == "journal" else outcome,
        began,
        _times(local),
        next((line for line in by_hand if line.get("run") == run), None),
        str(session.runs / run / "events.jsonl") if local else "",
        named["reading"],
        watch_periods(events, watcher(session.runs, run) if local else None),
        named["measured"],
        named["smoke"],
        known.source,
    )
    return record, known


def _times(events: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], tuple[StepTime, ...]]:
    """Return the times of steps by host and app, from the events that this machine has recorded."""
    by_site: dict[tuple[str, str], list[JournalRecord]] = {}
    for event in events:
        if event.get("event") in ("begin", "end"):
            line = {**{key: str(value) for key, value in event.items()}, "step": str(event.get("name"))}
            by_site.setdefault((line.get("host", ""), line.get("app", "")), []).append(line)
    return {site: step_times(lines) for site, lines in by_site.items()}
