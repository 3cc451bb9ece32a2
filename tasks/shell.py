"""`fab shell`."""

from __future__ import annotations

from lockstitch.cli import FleetContext, fleet_task


@fleet_task(
    help={
        "sudo": "as root, through sudo",
        "user": "as this user, through sudo",
    }
)
def shell(c: FleetContext, sudo: bool = False, user: str = "") -> None:
    """
    Log in to one host, with the gateways and keys of the inventory; through OpenSSH's own `ssh`.

        fab -H prod:api1.example.com shell
        fab -H prod:api1.example.com shell --user www-data

    Exit codes: 0 the session was ended, 2 no terminal or not one host, 3 the host could not be reached.
    """
    from lockstitch.cli.fanout import whose
    from lockstitch.cli.login_shell import open_shell
    from lockstitch.cli.session import Session

    with Session(c) as session:
        open_shell(session, whose(sudo=sudo, user=user))
