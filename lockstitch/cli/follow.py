"""`follow.add`, `follow.list` and `follow.done`: what remains to be done after a run, kept on its hosts."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lockstitch import plans
from lockstitch.cli.export import RUN
from lockstitch.cli.fanout import known_secrets
from lockstitch.cli.moments import due_of
from lockstitch.cli.run_events import ask_sites, fact_of, run_events, sites_of
from lockstitch.cli.session import Session
from lockstitch.engine.journal import Journal, now
from lockstitch.engine.kept_runs import keep_follow_up
from lockstitch.engine.redact import redacted
from lockstitch.errors import CheckError, UsageError
from lockstitch.facts.follow_ups import ENDED, FollowFacts, FollowUp, follow_probe, follow_ups, line_of
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.validation import did_you_mean
from lockstitch.model.host import Host
from lockstitch.model.plan import Site
from lockstitch.model.written import no_password, web_url
from lockstitch.report.follow import follow_json, follow_text
from lockstitch.text import listed

_LONGEST = 500


def add(session: Session, text: str, only: str, *, run: str, owner: str, due: str, link: str) -> None:
    """Add a follow-up to a run, by default to that of the newest release that serves."""
    fleet = session.fleet(only)
    text, owner = " ".join(text.split()), owner.strip() or session.by
    if not text or len(text) > _LONGEST or len(owner) > _LONGEST:
        raise UsageError(f"say what is to be done, and by whom, in 1 to {_LONGEST} characters each; nothing was kept")
    if link and (says := no_password(link) or web_url(link)):
        raise UsageError(f"--link: {says}; nothing was kept")
    if run and not RUN.fullmatch(run):
        raise UsageError(f"{run!r} is no run", hint=f"fab -H {fleet.inventory.name} history lists them")
    until = due_of(due, datetime.now().astimezone())
    if run:
        # A run that nobody knows would have a follow-up that no report shows.
        run_events(session, run, fleet)
    else:
        survey = session.survey(fleet, plans.usual_asks(fleet))
        plans.raise_unreachable(survey)
        run = plans.newest_run(survey)
    added = FollowUp(
        f"f-{secrets.token_hex(3)}", run, _masked(session, text), owner, _utc(until), link, session.by, now()
    )
    if session.dry:
        session.note(f"it would be added to run {run}, due {until:%Y-%m-%d %H:%M}: {added.text}")
        return
    _keep(session, fleet, run, added.event)
    session.answer(
        lambda: follow_json([added], datetime.now(UTC)),
        lambda: (
            f"{added.id} of run {run} is due {until:%Y-%m-%d %H:%M}: fab -H {fleet.inventory.name} follow.done "
            f"{added.id} when it is done"
        ),
    )


def show(session: Session, only: str, run: str, *, everything: bool) -> None:
    """Show the follow-ups that are not done, the first due first; `everything` has those that are, too."""
    known, problems = follow_up_list(session, session.fleet(only), run)
    shown = sorted((each for each in known if everything or not each.closed), key=lambda each: each.due)
    at = datetime.now(UTC)
    session.answer(lambda: follow_json(shown, at), lambda: follow_text(shown, at))
    if problems:
        raise CheckError(listed(problems), hint="see to these hosts and paths")


def complete(session: Session, name: str, only: str, note: str) -> None:
    """Say that a follow-up, or a duty of the inventory, is done."""
    fleet = session.fleet(only)
    events, problems = follow_events(session, fleet)
    known = follow_ups(events)
    names = [each.id for each in known.values() if not each.closed]
    if name in known and known[name].closed:
        raise CheckError(f"{name} was done {known[name].closed} by {known[name].closed_by}")
    if name not in known and name not in fleet.inventory.duties:
        hint = f"fab -H {fleet.inventory.name} follow.list shows them"
        raise CheckError(
            listed([f"there is no follow-up and no duty {name!r}{did_you_mean(name, names)}", *problems]), hint=hint
        )
    if session.dry:
        session.note(f"{name} would be done")
        return
    run = known[name].run if name in known else ""
    said = {"note": _masked(session, " ".join(note.split()))[:_LONGEST]} if note.strip() else {}
    _keep(session, fleet, run, {"event": ENDED, "id": name, "run": run, "by": session.by, "at": now(), **said})
    session.answer(lambda: {"id": name, "run": run or None}, lambda: f"{name} is done")


def follow_up_list(session: Session, fleet: Fleet, run: str = "") -> tuple[list[FollowUp], list[str]]:
    """Return the follow-ups that the hosts keep, of one run or of all, and why some of it is not known."""
    events, problems = follow_events(session, fleet)
    return [each for each in follow_ups(events).values() if run in ("", each.run)], problems


def follow_events(session: Session, fleet: Fleet) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Return the lines about follow-ups of every app's site, and what could not be asked or read."""
    replies = ask_sites(session, fleet, {site: follow_probe(site) for site in _places(fleet)})
    events: list[Mapping[str, Any]] = []
    problems = []
    for site, reply in replies.items():
        facts = fact_of(reply, FollowFacts())
        if reply.error is not None or not reply.facts:
            problems.append(reply.error.message if reply.error else f"{site}: {reply.result.words}")
        problems += [f"{site}: unreadable: {why}" for why in facts.unreadable]
        problems += [f"{site}: {facts.damaged} lines of its follow-ups are damaged"] if facts.damaged else []
        events += facts.events
    return events, list(dict.fromkeys(problems))


def _places(fleet: Fleet) -> dict[Site, Host]:
    """Return the sites that keep follow-ups, with their hosts: those of apps."""
    return {site: host for site, host in sites_of(fleet).items() if not (site.machine or site.database)}


def _keep(session: Session, fleet: Fleet, run: str, event: Mapping[str, str]) -> None:
    """Keep a line on the hosts, and in the record of this machine where it has one of the run."""
    kept, said = keep_follow_up(session.remote, line_of(event), _places(fleet))
    if not kept:
        what = said or [f"nothing was deployed on the hosts of {fleet.inventory.name} yet"]
        raise CheckError(listed(["it is kept nowhere", *what]), hint="see to these hosts, then type it again")
    for each in said:
        session.note(each)
    if run and (session.runs / run / "events.jsonl").is_file():
        with Journal(session.runs, run) as journal:
            journal.write(event["event"], **{key: value for key, value in event.items() if key != "event"})


def _masked(session: Session, text: str) -> str:
    return redacted(text, known_secrets(session.c.selection))


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
