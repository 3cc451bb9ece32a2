"""`app.run`: a command in the code that serves, with what the app has: its user, environment and secrets."""

from __future__ import annotations

import sys
import time
from dataclasses import replace

from lockstitch.cli.fanout import end, record, site_work
from lockstitch.cli.output import aside
from lockstitch.cli.run import run_and_show
from lockstitch.cli.session import Session
from lockstitch.engine.fanout import HostScript
from lockstitch.engine.journal import now
from lockstitch.engine.terminal_session import at_terminal, command_session
from lockstitch.errors import ExitCode, LockstitchError, UsageError
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.command import words
from lockstitch.model.results import HostResult
from lockstitch.report.fanout import results_text


def run_in_app(session: Session, app: str, *, once: bool, group: bool) -> None:
    """Run the rest of the command line on the app's hosts: at this terminal where it is one host, else captured."""
    line = session.c.remainder
    if not line.strip():
        raise UsageError("there is no command to run", hint="fab -H ENV app.run APP -- COMMAND")
    fleet = _one_app(session, app)
    (name,) = fleet.apps
    made = site_work(
        fleet, lambda app, place: app.service.in_release(place, line), "runs commands", reveal=not session.dry
    )
    # One app: its hosts' names tell its sites apart.
    work = [replace(script, label=script.host.name) for script in made][: 1 if once else None]
    terminal = len(work) == 1 and _has_terminal(session) and not group
    where = f"{name} on {', '.join(script.label for script in work)}"
    if session.dry:
        session.note(f"in {where}{', at this terminal' if terminal else ''}: {line}")
        return
    session.confirm(fleet)
    what = f"{words('app.run', name, *(['--once'] if once else []))} -- {line}"
    if not terminal:
        if len(work) > 1 and _has_terminal(session):
            aside(f"{len(work)} hosts: what asks a question finds no answer; with --once it has this terminal")
        run_and_show(session, what, work, group=group)
    _at_terminal(session, what, work[0], fleet.inventory.name)


def _one_app(session: Session, app: str) -> Fleet:
    fleet = session.fleet(app)
    if len(fleet.apps) != 1:
        names = ", ".join(fleet.apps)
        raise UsageError(
            f"a command is run in one app, not in {names}" if names else "no app is on these hosts",
            hint=f"fab -H ENV app.run {next(iter(fleet.apps), 'APP')} -- COMMAND",
        )
    return fleet


def _has_terminal(session: Session) -> bool:
    """Tell whether a person is there to type, and nothing was asked for that only captured output has."""
    captured = session.json or session.limits.timeout or session.limits.tries > 1
    return not captured and sys.stdin.isatty() and sys.stdout.isatty()


def _at_terminal(session: Session, what: str, work: HostScript, environment: str) -> None:
    """Join the terminal to it, leave a line in the journal, and end with its code."""
    (step,), user = work.script.steps, work.script.user
    opened = command_session(work.host, work.script.app, step.command, environment, user)
    began, start = now(), time.monotonic()
    result = HostResult(ExitCode.INTERRUPTED, "")
    try:
        code = at_terminal(session.remote, opened)
        failed = HostResult(ExitCode.CHECK_SAID_NO, f"exit code {code}", exit=code)
        result = failed if code else HostResult(ExitCode.DONE, "ok", exit=0)
    except LockstitchError as error:
        result = HostResult(error.exit_code, error.message)
        raise
    finally:
        # Also where the terminal was closed.
        record(session, what, {work.label: result}, began, time.monotonic() - start)
    if result.code is not ExitCode.DONE:
        aside(results_text({work.label: result}))
    end([result])
