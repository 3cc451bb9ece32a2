"""`fab packages.updates`, `fab packages.upgrade`."""

from __future__ import annotations

from invoke.collection import Collection

from lockstitch.cli import FleetContext, fleet_task
from lockstitch.cli.task import WAY

_REFRESH = "fetch apt's lists first (apt-get update, through sudo)"


@fleet_task(help={"refresh": _REFRESH, **WAY})
def updates(
    c: FleetContext,
    refresh: bool = False,
    json: bool = False,
    serial: bool = False,
    parallel: int = 0,
    timeout: float = 0.0,
) -> None:
    """
    Show which packages apt would upgrade on each host.

    Which of them are for security, how old apt's lists are, and who waits for a reboot.

        fab -H prod packages.updates
        fab -H prod packages.updates --refresh --json

    Simulated: without --refresh nothing changes on a host.

    Exit codes: 0, also where some wait; 3 a host could not be reached, 7 one is not Debian-like, or apt failed.
    """
    from lockstitch.cli.fanout import way
    from lockstitch.cli.hosts import show_updates
    from lockstitch.cli.session import Session

    how = way(serial=serial, parallel=parallel, timeout=timeout)
    with Session(c, json=json) as session:
        show_updates(session, how, refresh=refresh)


@fleet_task(
    help={
        "security": "only those that come from a security archive",
        "only": "only these packages, with commas",
        "refresh": _REFRESH,
        "serial": "one host after the other, whatever the rollout says",
        "parallel": "at most so many hosts at the same time, where the rollout says more",
        "timeout": "wait for apt on a host so many seconds; it is not cut off, and then waited for once more",
        "message": "why; kept in the journal and the lock",
        "yes": "do not ask, where the environment is protected",
        "json": "print the outcome as JSON on stdout; progress goes to stderr",
        "commands": "show with the plan every command that is sent",
    }
)
def upgrade(
    c: FleetContext,
    security: bool = False,
    only: str = "",
    refresh: bool = False,
    serial: bool = False,
    parallel: int = 0,
    timeout: float = 0.0,
    message: str = "",
    yes: bool = False,
    json: bool = False,
    commands: bool = False,
) -> None:
    """
    Upgrade packages in waves, never on all hosts of a group at once.

    After each wave the gates of the hosts' apps must pass. Configuration that was changed by hand is kept.

        fab -H prod packages.upgrade --refresh
        fab -H prod:backend packages.upgrade --security --yes
        fab -H prod packages.upgrade --only openssl,libssl3
        fab --dry -H prod packages.upgrade

    What apt has begun is not cut off: after a Ctrl-C or a lost connection it is waited for.

    Exit codes: 0 done, 2 usage, 3 unreachable, 4 locked, 5 it failed and every package is whole, 6 the hosts that are
    named need a person, 7 a host is not Debian-like, 130 interrupted.
    """
    from lockstitch.cli.fanout import way
    from lockstitch.cli.hosts import upgrade_hosts
    from lockstitch.cli.session import Session

    how = way(serial=serial, parallel=parallel, timeout=timeout)
    with Session(c, json=json, commands=commands) as session:
        upgrade_hosts(session, how, security=security, only=only, refresh=refresh, message=message, yes=yes)


namespace = Collection("packages", updates, upgrade)
