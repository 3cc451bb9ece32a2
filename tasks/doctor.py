"""`fab doctor`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(alone=True, options=cli.FANOUT)
def doctor(session: cli.Session) -> None:
    """
    Look for what stands in the way, here and there.

    Look for what stands in the way: on this machine, and with -H on each host. What to type about it is said with it.

    This machine: versions, keys, agent, known_hosts and ssh's config with file and line, inventories, secrets, journal.
    Each host: whether it can be reached, its key, the login, sudo, tools, each app's repository and folders.
    Read-only; it works before anything is configured.

        fab doctor
        fab -H prod doctor
        fab -H web1.example.com doctor --json

    Exit codes: 0 nothing stands in the way, 3 a host could not be reached, 7 something must be put right.
    """
    cli.doctor.examine_all(session)
