"""`fab reboot`."""

from __future__ import annotations

from lockstitch.cli import FleetContext, fleet_task


@fleet_task(
    help={
        "only_pending": "only hosts that wait for a reboot",
        "timeout": "how many seconds a host may take until it is back; 600 without it",
        "serial": "one host after the other, whatever the rollout says",
        "parallel": "at most so many hosts at the same time, where the rollout says more",
        "message": "why; kept in the journal and the lock",
        "yes": "do not ask, where the environment is protected",
        "json": "print the outcome as JSON on stdout; progress goes to stderr",
        "commands": "show with the plan every command that is sent",
    }
)
def reboot(
    c: FleetContext,
    only_pending: bool = False,
    timeout: float = 600,
    serial: bool = False,
    parallel: int = 0,
    message: str = "",
    yes: bool = False,
    json: bool = False,
    commands: bool = False,
) -> None:
    """
    Reboot hosts in waves, never all of a group at once.

    A wave is over when each of its hosts is back with a new boot id, and its apps pass their gates. It stops at the
    first that is not.

        fab -H prod reboot --only-pending
        fab -H prod:backend reboot --message "new kernel"
        fab -H web1.example.com reboot
        fab --dry -H prod reboot

    Plain hosts go one after the other. The plan says where no other host serves an app meanwhile.

    Exit codes: 0 done, 2 usage, 3 unreachable, 4 locked, 5 it failed and the host is there, 6 the hosts that are named
    need a person, 7 it is not allowed there, 130 interrupted.
    """
    from lockstitch.cli.fanout import way
    from lockstitch.cli.hosts import reboot_hosts
    from lockstitch.cli.session import Session

    how = way(serial=serial, parallel=parallel, timeout=timeout)
    with Session(c, json=json, commands=commands) as session:
        reboot_hosts(session, how, only_pending=only_pending, message=message, yes=yes)
