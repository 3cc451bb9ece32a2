"""`status`: the releases that every host runs."""

from __future__ import annotations

import sys

from lockstitch import plans
from lockstitch.cli.pending import with_pending
from lockstitch.cli.session import Session
from lockstitch.errors import ExitCode
from lockstitch.report.status import status_json, status_text


def show_status(session: Session, only: str) -> None:
    """Show each site's release and state; end with 7 where one does not serve, 3 where a host cannot be reached."""
    fleet = session.fleet(only)
    asks, lacking = with_pending(fleet)
    survey = lacking(session.survey(fleet, asks))
    serving = plans.serving(fleet, survey)
    session.answer(lambda: status_json(survey, serving), lambda: status_text(survey, serving))
    if survey.unreachable:
        sys.exit(int(ExitCode.UNREACHABLE))
    if not all(verdict.passed for verdict in serving.values()):
        sys.exit(int(ExitCode.CHECK_SAID_NO))
