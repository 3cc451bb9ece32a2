"""`fab app.run APP -- COMMAND`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(
    remainder=True,
    takes="app",
    options=["yes", "until_ok", *cli.FANOUT],
    help={
        "app": "which app; may be left out where the selection has one",
        "once": "on its first host only, at this terminal if there is one",
        "group_output": "show output that is the same once, with all hosts that gave it, when all have ended",
    },
)
def run(session: cli.Session, app: str = "", once: bool = False, group_output: bool = False) -> None:
    """
    Run a command in an app's own context.

    In the code that serves, as the app's user, with its environment and secrets.

    The folders of the release's own programs (.venv/bin, node_modules/.bin, vendor/bin) come first in PATH. On one
    host, typed at a terminal, the command has that terminal. Else its output is captured: every line has its host
    before it, values of secrets are masked, and stdin is empty.

        fab -H prod app.run api --once -- python manage.py shell
        fab -H prod app.run api --once -- python manage.py showmigrations
        fab -H prod app.run webapp -- 'node --version; ls node_modules | wc -l'

    Exit codes: 0 done everywhere, 2 no command, no such app or not confirmed, 3 a host could not be reached, 7 it
    failed somewhere.
    """
    cli.app_run.run_in_app(session, app, once=once, group=group_output)


namespace = cli.Collection("app", run)
