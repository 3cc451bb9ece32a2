"""`status`: the releases that every host runs."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from lockstitch import plans
from lockstitch.cli.notifications import tell_afterwards
from lockstitch.cli.pending import with_pending
from lockstitch.cli.session import Session
from lockstitch.engine.watch_lock import watcher
from lockstitch.errors import CheckError, ExitCode
from lockstitch.inventory.fleet import Fleet
from lockstitch.report.status import SiteStates, status_json, status_text


def show_status(session: Session, only: str) -> None:
    """Show each site's release and state; end with 7 where one does not serve, 3 where a host cannot be reached. A site
    that a run is changing is no failure."""
    tell_afterwards(session)
    _show(session, session.fleet(only))


def _show(session: Session, fleet: Fleet) -> None:
    asks, lacking = with_pending(fleet)
    survey = lacking(session.survey(fleet, plans.with_health(asks)))
    now = datetime.now(UTC)
    state = SiteStates(plans.serving(fleet, survey), plans.health(fleet, survey), plans.under_way(survey, now))
    session.answer(lambda: status_json(survey, state), lambda: status_text(survey, state, now))
    for run in sorted({facts.release.run for facts in survey.facts.values() if facts.release}):
        # Hosts say what the run is called.
        try:
            process = watcher(session.runs, run) if run and "/" not in run else None
        except CheckError as error:
            session.note(error.message)
            continue
        if process:
            session.note(f"run {run} is watched by process {process} of this machine: fab watch.list")
    if survey.unreachable:
        sys.exit(int(ExitCode.UNREACHABLE))
    if any(state.problem(site) for site in survey.facts):
        sys.exit(int(ExitCode.CHECK_SAID_NO))
