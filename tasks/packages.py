"""`fab packages.updates`, `fab packages.upgrade`."""

from __future__ import annotations

from lockstitch import cli

_REFRESH = {"refresh": "fetch apt's lists first (apt-get update, through sudo)"}


@cli.session_task(options=cli.FANOUT, help=_REFRESH)
def updates(session: cli.Session, refresh: bool = False) -> None:
    """
    Show what apt would upgrade on each host.

    Show which packages apt would upgrade on each host.

    Which of them are for security, how old apt's lists are, and who waits for a reboot.

        fab -H prod packages.updates
        fab -H prod packages.updates --refresh --json

    Simulated: without --refresh nothing changes on a host.

    Exit codes: 0, also where some wait; 3 a host could not be reached, 7 one is not Debian-like, or apt failed.
    """
    cli.hosts.show_updates(session, refresh=refresh)


@cli.session_task(
    options=[*cli.CHANGE, "serial", "parallel", "timeout"],
    help={
        **cli.ROLLOUT_HELP,
        **_REFRESH,
        "security": "only those that come from a security archive",
        "only": "only these packages, with commas",
        "timeout": "wait for apt on a host so many seconds; it is not cut off, and then waited for once more",
    },
)
def upgrade(session: cli.Session, security: bool = False, only: str = "", refresh: bool = False) -> None:
    """
    Upgrade packages in waves, never a whole group.

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
    cli.hosts.upgrade_hosts(session, only, security=security, refresh=refresh)


namespace = cli.Collection("packages", updates, upgrade)
