"""`fab artisan -- COMMAND`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(needs="laravel", remainder=True, options=["yes"], help={"once": "on one host of each app only"})
def artisan(session: cli.Session, once: bool = False, only: str = "") -> None:
    """
    Run an artisan command on every host.

    Run an artisan command of the code that serves, on every selected host; the rest of the line is the command.

    With the app's environment and as its user. Quote the command as one word where it has quotes of its own.

        fab -H prod artisan -- about
        fab -H prod artisan --once -- migrate:status

    Exit codes: 0 done, 2 no app has artisan, 3 a host is unreachable, 7 the command failed somewhere.
    """
    cli.apps.app_command(session, only, once=once)
