"""`fab artisan -- COMMAND`."""

from __future__ import annotations

from lockstitch.cli import FleetContext, fleet_task


@fleet_task(
    remainder=True,
    help={"once": "on one host of each app only", "only": "only these apps, with commas"},
)
def artisan(c: FleetContext, once: bool = False, only: str = "") -> None:
    """
    Run an artisan command of the code that serves, on every selected host; the rest of the line is the command.

    With the app's environment and as its user. Quote the command as one word where it has quotes of its own.

        fab -H prod artisan -- about
        fab -H prod artisan --once -- migrate:status

    Exit codes: 0 done, 2 no app has artisan, 3 a host is unreachable, 7 the command failed somewhere.
    """
    from lockstitch.cli.apps import app_command
    from lockstitch.cli.session import Session

    with Session(c) as session:
        app_command(session, only, c.remainder, once=once)
