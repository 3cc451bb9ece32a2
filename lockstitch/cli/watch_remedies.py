"""Remedies of a watch for a release that fails its rules: a flag turned off, the release taken back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import replace

from lockstitch import plans
from lockstitch.cli.deploy import planned
from lockstitch.cli.gate_watch import Display
from lockstitch.cli.run_plan import carry_out
from lockstitch.cli.session import Session, new_run
from lockstitch.engine.journal import Journal
from lockstitch.engine.survey import survey
from lockstitch.engine.watch_course import BackAnswer
from lockstitch.errors import ConnectError, HostLostError, LockHeldError, LockstitchError
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.plan import Plan


def remedies(
    session: Session,
    journal: Journal,
    fleet: Fleet,
    run: str,
    apps: tuple[plans.WatchedApp, ...],
    shown: Display,
) -> tuple[Callable[[str], BackAnswer], Callable[[str, str, str], str]]:
    """Return what takes the release back, and what turns a flag off. The watch's own display rests meanwhile."""

    def take_back(why: str) -> BackAnswer:
        with shown.paused():
            return _take_back(session, journal, fleet, run, apps, why)

    def turn_off(app: str, flag: str, why: str) -> str:
        with shown.paused():
            return _turn_off(session, fleet, run, app, flag, why)

    return take_back, turn_off


def _take_back(
    session: Session, journal: Journal, whole: Fleet, run: str, apps: tuple[plans.WatchedApp, ...], why: str
) -> BackAnswer:
    """Take the release back by an ordinary rollback, unless it must not be."""
    fleet = plans.released_part(whole, apps)
    session.run_id, session.message = new_run(), f"watch of {run}: {why}"
    # A rollback that has begun, and in which this process may be killed, is not begun again.
    journal.write("watch going back", run=session.run_id, reason=why)

    def make() -> Plan:
        facts = session.survey(fleet, plans.rollback_asks(fleet, ""))
        if facts.unreachable:
            raise next(iter(facts.unreachable.values()))
        if asks := plans.between_asks(fleet, facts):
            facts = plans.joined(facts, survey(session.remote, asks))
        facts = plans.released_facts(facts, apps)
        plans.refuse_back(facts, run, fleet.inventory.name)
        options = plans.RollbackOptions(session.run_id, session.by, message=session.message)
        return planned(session, fleet, lambda env: plans.rollback(fleet, facts, replace(options, env=env)))

    session.note(f"GOING BACK: {why}")
    try:
        with _in_words(session):
            carry_out(session, make, confirm=False)
    except (LockHeldError, ConnectError, HostLostError) as error:
        # Nothing was changed yet, and it may be otherwise at the next reading.
        return BackAnswer(False, error.message, again=True)
    except LockstitchError as error:
        return BackAnswer(False, f"{error.message}{f'; {error.hint}' if error.hint else ''}")
    return BackAnswer(True)


def _turn_off(session: Session, fleet: Fleet, run: str, app: str, flag: str, why: str) -> str:
    """Set a flag to the first of its steps, on all hosts or none. Returns why that did not work; empty where it did."""
    # Start-up: most inventories have no flags.
    from lockstitch.cli.flags import change_flag

    settings = next(each for _, each in fleet.sites() if each.name == app)
    session.run_id, session.message = new_run(), f"watch of {run}: {why}"
    session.note(f"TURNING {flag} OFF: {why}")
    try:
        with _in_words(session):
            change_flag(session, "set", f"{flag}={settings.flags[flag].steps[0].to}", app, confirm=False)
    except LockstitchError as error:
        return error.message
    except SystemExit as ended:
        return f"run {session.run_id} ended with {ended.code}"
    return ""


@contextmanager
def _in_words(session: Session) -> Iterator[None]:
    """Within this, a run is told on stderr where the task prints JSON: that document is the watch's."""
    as_json, session.json = session.json, False
    try:
        with redirect_stdout(sys.stderr) if as_json else nullcontext():
            yield
    finally:
        session.json = as_json
