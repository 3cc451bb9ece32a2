"""`fab shell`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(
    options=["sudo", "user", "yes"], help={"sudo": "as root, through sudo", "user": "as this user, through sudo"}
)
def shell(session: cli.Session) -> None:
    """
    Log in to one host.

    Log in to one host, with the gateways and keys of the inventory; through OpenSSH's own `ssh`.

        fab -H prod:api1.example.com shell
        fab -H prod:api1.example.com shell --user www-data

    Exit codes: 0 the session was ended, 2 no terminal or not one host, 3 the host could not be reached.
    """
    cli.login_shell.open_shell(session)
