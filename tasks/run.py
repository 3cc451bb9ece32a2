"""`fab run -- COMMAND`."""

from __future__ import annotations

from lockstitch.cli import FleetContext, fleet_task
from lockstitch.cli.task import WAY


@fleet_task(
    remainder=True,
    help={
        "sudo": "as root, through sudo without a password",
        "user": "as this user, through sudo without a password",
        "cwd": "in this folder of the host; relative: to the user's home",
        "script": "send this file of yours and run it; what stands after -- are its words",
        "group_output": "show output that is the same once, with all hosts that gave it, when all have ended",
        "until_ok": "try up to so many times, a second apart, until it exits with 0",
        **WAY,
    },
)
def run(
    c: FleetContext,
    sudo: bool = False,
    user: str = "",
    cwd: str = "",
    script: str = "",
    group_output: bool = False,
    until_ok: int = 1,
    json: bool = False,
    serial: bool = False,
    parallel: int = 0,
    timeout: float = 0.0,
) -> None:
    """
    Run a command on every selected host at once; the rest of the line after `--` is the command.

    One word is a shell line, and the hosts' shell reads it. Several words are one command and its arguments, and each
    arrives as it was typed. Every line of output has its host before it. All hosts finish, whatever the others do.

        fab -H prod run -- uptime
        fab -H prod:backend run -- 'df -h / | tail -1'
        fab -H prod run --sudo --serial -- systemctl restart ssh
        fab -H 'prod,!web3' run --script check.py --group-output
        fab -H web1.example.com,web2.example.com run -- uname -r

    Exit codes: 0 done everywhere, 2 nothing to run, 3 a host could not be reached, 7 it failed somewhere.
    """
    from lockstitch.cli.fanout import run_everywhere, way, whose
    from lockstitch.cli.session import Session

    how = way(serial=serial, parallel=parallel, timeout=timeout, until_ok=until_ok)
    with Session(c, json=json) as session:
        who = whose(sudo=sudo, user=user)
        run_everywhere(session, c.remainder, how, user=who, cwd=cwd, script=script, group=group_output)
