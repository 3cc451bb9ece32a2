"""`fab maintenance.on`, `maintenance.off`, `maintenance.status`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(
    options=["message", "yes", "json"],
    help={
        "retry": "seconds, for the header Retry-After",
        "secret": "reference (env:NAME, file:PATH, cmd:COMMAND) of the secret that passes the page",
        "message": "why; kept in the journal and the lock, and on the page where it can say it",
    },
)
def on(session: cli.Session, retry: int = 0, secret: str = "", only: str = "") -> None:
    """
    Put apps into maintenance until it is turned off.

    Put apps into maintenance, on all selected hosts, until `maintenance.off`. A deploy leaves them there.

    Laravel apps by their own `artisan down`; others by a page that the web server tests for (`maintenance_page`).

        fab -H prod maintenance.on --retry 60 --message "new database"
        fab -H prod maintenance.on --only desk --secret env:BYPASS

    What an app is already, it stays: for another --retry or --secret, `maintenance.off` comes first.

    Exit codes: 0 done, 2 usage, or no app knows maintenance, 3 unreachable, 4 locked, 5 failed and put back,
    6 a person is needed, 7 nothing is deployed there, 130 interrupted.
    """
    cli.apps.switch_maintenance(session, only, on=True, retry=retry, secret=secret)


@cli.session_task(options=["message", "yes", "json"], help={"message": "why; kept in the journal"})
def off(session: cli.Session, only: str = "") -> None:
    """
    Take apps out of maintenance.

    Take apps out of maintenance, whoever put them there.

        fab -H prod maintenance.off

    Exit codes: 0 done, 2 usage, or no app knows maintenance, 3 unreachable, 4 locked, 5 failed and put back,
    6 a person is needed, 7 nothing is deployed there, 130 interrupted.
    """
    cli.apps.switch_maintenance(session, only, on=False)


@cli.session_task(options=["json"])
def status(session: cli.Session, only: str = "") -> None:
    """
    Show which apps are in maintenance, and since when.

    Show which apps are in maintenance, since when and by whom.

        fab -H prod maintenance.status

    Exit codes: 0, also where some are; 3 a host is unreachable.
    """
    cli.apps.show_maintenance(session, only)


namespace = cli.Collection("maintenance", on, off, status)
