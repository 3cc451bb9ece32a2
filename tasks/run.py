"""`fab run -- COMMAND`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(
    remainder=True,
    options=["sudo", "user", "until_ok", "yes", *cli.FANOUT],
    help={
        "cwd": "in this folder of the host; relative: to the user's home",
        "script": "send this file of yours and run it; what stands after -- are its words",
        "group_output": "show output that is the same once, with all hosts that gave it, when all have ended",
    },
)
def run(session: cli.Session, cwd: str = "", script: str = "", group_output: bool = False) -> None:
    """
    Run a command on every selected host at once.

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
    cli.run.run_everywhere(session, cwd=cwd, script=script, group=group_output)
