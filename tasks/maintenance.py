"""`fab maintenance.on`, `maintenance.off`, `maintenance.status`."""

from __future__ import annotations

from invoke.collection import Collection

from lockstitch.cli import FleetContext, fleet_task

_ONLY = "only these apps, with commas"
_YES = "do not ask, where the environment is protected"
_JSON = "print the outcome as JSON on stdout; progress goes to stderr"


@fleet_task(
    help={
        "retry": "seconds, for the header Retry-After",
        "secret": "reference (env:NAME, file:PATH, cmd:COMMAND) of the secret that passes the page",
        "message": "why; kept in the journal and the lock, and on the page where it can say it",
        "only": _ONLY,
        "yes": _YES,
        "json": _JSON,
    }
)
def on(
    c: FleetContext,
    retry: int = 0,
    secret: str = "",
    message: str = "",
    only: str = "",
    yes: bool = False,
    json: bool = False,
) -> None:
    """
    Put apps into maintenance, on all selected hosts, until `maintenance.off`. A deploy leaves them there.

    Laravel apps by their own `artisan down`; others by a page that the web server tests for (`maintenance_page`).

        fab -H prod maintenance.on --retry 60 --message "new database"
        fab -H prod maintenance.on --only desk --secret env:BYPASS

    What an app is already, it stays: for another --retry or --secret, `maintenance.off` comes first.

    Exit codes: 0 done, 2 usage, or no app knows maintenance, 3 unreachable, 4 locked, 5 failed and put back,
    6 a person is needed, 7 nothing is deployed there, 130 interrupted.
    """
    from lockstitch.cli.apps import switch_maintenance
    from lockstitch.cli.session import Session

    with Session(c, json=json) as session:
        switch_maintenance(session, only, on=True, retry=retry, secret=secret, message=message, yes=yes)


@fleet_task(help={"only": _ONLY, "message": "why; kept in the journal", "yes": _YES, "json": _JSON})
def off(c: FleetContext, only: str = "", message: str = "", yes: bool = False, json: bool = False) -> None:
    """
    Take apps out of maintenance, whoever put them there.

        fab -H prod maintenance.off

    Exit codes: 0 done, 2 usage, or no app knows maintenance, 3 unreachable, 4 locked, 5 failed and put back,
    6 a person is needed, 7 nothing is deployed there, 130 interrupted.
    """
    from lockstitch.cli.apps import switch_maintenance
    from lockstitch.cli.session import Session

    with Session(c, json=json) as session:
        switch_maintenance(session, only, on=False, message=message, yes=yes)


@fleet_task(help={"only": _ONLY, "json": "print it as JSON"})
def status(c: FleetContext, only: str = "", json: bool = False) -> None:
    """
    Show which apps are in maintenance, since when and by whom.

        fab -H prod maintenance.status

    Exit codes: 0, also where some are; 3 a host is unreachable.
    """
    from lockstitch.cli.apps import show_maintenance
    from lockstitch.cli.session import Session

    with Session(c, json=json) as session:
        show_maintenance(session, only)


namespace = Collection("maintenance", on, off, status)
