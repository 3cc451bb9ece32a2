"""`fab reboot`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(
    options=[*cli.CHANGE, "serial", "parallel"],
    help={
        **cli.ROLLOUT_HELP,
        "only_pending": "only hosts that wait for a reboot",
        "timeout": "how many seconds a host may take until it is back; 600 without it",
    },
)
def reboot(session: cli.Session, only_pending: bool = False, timeout: float = 600) -> None:
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
    cli.hosts.reboot_hosts(session, only_pending=only_pending, timeout=timeout)
