"""`fab put LOCAL REMOTE` and `fab get REMOTE --to DIR`."""

from __future__ import annotations

from lockstitch import cli

_OPTIONS = ("sudo", "user", *cli.FANOUT)
_HELP = {
    "sudo": "the files there are root's, through sudo without a password",
    "user": "the files there are this user's, through sudo without a password",
}


@cli.session_task(
    options=[*_OPTIONS, "yes"],
    help={
        **_HELP,
        "local": "a file or a folder of this machine",
        "remote": "where it goes on each host; relative: to the user's home, or to the shared files with --shared",
        "mode": "the mode of the files there, such as 640; without it each keeps its own",
        "shared": "among the shared files of this app, as its user; its folders are made where they are missing",
    },
)
def put(session: cli.Session, local: str, remote: str, mode: str = "", shared: str = "") -> None:
    """
    Copy a file or a folder to every selected host.

    Copy a file or a folder of this machine to every selected host.

    As with scp, a folder that is there receives it under its own name. Each file is written beside its place under
    another name, compared by checksum, and then takes its place at once. What is there already is passed over, and
    what was cut off goes on where it was. `fab --dry …` shows what it would do. With `--shared APP` REMOTE is a path
    below PATH/shared of an app with layout `releases`, on each selected host that runs it, before its first deploy too.

        fab -H prod put dist/app.tar.gz /srv/upload/
        fab -H prod:web1 put nginx.conf /etc/nginx/nginx.conf --sudo --mode 644
        fab -H prod put conf/. /srv/app/conf
        fab -H prod put .env .env --shared api --mode 640

    Exit codes: 0 done everywhere, 2 nothing to send, 3 a host could not be reached, 7 it failed somewhere,
    130 interrupted.
    """
    cli.transfers.put_everywhere(session, local, remote, mode, shared)


@cli.session_task(
    options=_OPTIONS,
    help={
        **_HELP,
        "remote": "a file or a folder of the hosts; relative: to the user's home",
        "to": "the folder of this machine that receives it; made where it is missing; without it the one you are in",
    },
)
def get(session: cli.Session, remote: str, to: str = "") -> None:
    """
    Copy files or folders of hosts to this machine.

    Copy a file or a folder of the selected hosts to this machine.

    From one host it arrives as DIR/NAME, from several as DIR/HOST/NAME. Each file is written under another name,
    compared by checksum, and then takes its place at once. What is here already is passed over, and what was cut off
    goes on where it was. A log that grows meanwhile arrives as it was at the beginning.

        fab -H prod get /var/log/nginx/error.log --to logs
        fab -H prod:web1 get /etc/nginx --to nginx-web1
        fab -H prod:web1 get /var/log/auth.log --sudo

    Exit codes: 0 done everywhere, 3 a host could not be reached, 7 it failed somewhere, 130 interrupted.
    """
    cli.transfers.get_everywhere(session, remote, to)
