"""`fab run -- COMMAND`."""

from __future__ import annotations

from lockstitch.fab import FleetContext, fleet_task


@fleet_task(remainder=True)
def run(c: FleetContext) -> None:
    """
    Run one shell command on every selected host at once; the rest of the line after `--` is the command.

    Quote the command as one word where it has quotes of its own. Each output line has its host before it. Ends with
    7 if the command failed somewhere, 3 if a host could not be reached.

        fab -H prod run -- uptime
        fab -H prod:backend run -- 'df -h / | tail -1'
    """
    from tasks.everywhere import run_everywhere
    from tasks.session import Session

    with Session(c) as session:
        run_everywhere(session, c.remainder)
