"""`fab processes`, `disk.usage`, `users.list`, `keys.*`: what a host has, whatever runs on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from invoke.collection import Collection

from lockstitch.cli import FleetContext, fleet_task
from lockstitch.cli.task import WAY

if TYPE_CHECKING:
    from lockstitch.facts.table import TableQuery

_USER = "whose, where it is not the login user; through sudo"


@fleet_task(
    takes="match",
    help={
        "match": "only those whose command holds this, or of the user of this name",
        "by": "cpu, memory or age",
        "top": "so many of each host; 0: all",
        **WAY,
    },
)
def processes(
    c: FleetContext,
    match: str = "",
    by: str = "cpu",
    top: int = 10,
    json: bool = False,
    serial: bool = False,
    parallel: int = 0,
    timeout: float = 0.0,
) -> None:
    """
    Show the busiest processes of every selected host.

    CPU is in percent of one CPU over the whole life of the process.

        fab -H prod processes
        fab -H prod:backend processes gunicorn --by memory --top 0

    Exit codes: 0 done, 3 a host could not be reached, 7 one could not answer.
    """
    from lockstitch.facts.processes import processes as question

    _ask(c, "processes", question(by, top, match), json, serial, parallel, timeout)


@fleet_task(
    name="usage",
    takes="path",
    help={"path": "what is largest below this folder of the hosts", "top": "so many of them", **WAY},
)
def disk_usage(
    c: FleetContext,
    path: str = "",
    top: int = 10,
    json: bool = False,
    serial: bool = False,
    parallel: int = 0,
    timeout: float = 0.0,
) -> None:
    """
    Show how full the file systems of every selected host are, or what is largest below a folder.

        fab -H prod disk.usage
        fab -H prod:api1.example.com disk.usage /var

    Exit codes: 0 done, 3 a host could not be reached, 7 one could not answer.
    """
    from lockstitch.facts.disks import disks, folders

    what = f"disk.usage {path}".strip()
    _ask(c, what, folders(path, top) if path else disks(), json, serial, parallel, timeout)


@fleet_task(
    name="clean",
    help={
        "only": "only these apps, with commas",
        "message": "why, for the journal",
        "yes": "do not ask, where the environment is protected",
        "json": "print the outcome as JSON",
    },
)
def disk_clean(c: FleetContext, only: str = "", message: str = "", yes: bool = False, json: bool = False) -> None:
    """
    Remove what can go: releases beyond those that are kept, what builds have fetched, package archives.

    It takes the apps' locks, so that nobody deploys meanwhile. Look first: with --dry it only lists.

        fab --dry -H prod disk.clean
        fab -H prod disk.clean

    Exit codes: 0 done, 2 not confirmed, 3 a host could not be reached, 4 locked, 5 or 6 it failed somewhere.
    """
    from lockstitch.cli.hosts import clean_disks
    from lockstitch.cli.session import Session

    with Session(c, json=json) as session:
        clean_disks(session, only, message, yes=yes)


@fleet_task(name="list", help=WAY)
def users_list(
    c: FleetContext, json: bool = False, serial: bool = False, parallel: int = 0, timeout: float = 0.0
) -> None:
    """
    Show who has a login shell on every selected host, who is in a group that may become root, and how many keys let
    them in. Rules in sudoers that name one user are not seen.

        fab -H prod users.list

    Exit codes: 0 done, 3 a host could not be reached, 7 one could not answer.
    """
    from lockstitch.facts.users import accounts

    _ask(c, "users.list", accounts(), json, serial, parallel, timeout)


@fleet_task(name="list", help={"user": _USER, **WAY})
def keys_list(
    c: FleetContext, user: str = "", json: bool = False, serial: bool = False, parallel: int = 0, timeout: float = 0.0
) -> None:
    """
    Show the public keys that may log in to every selected host as the login user.

        fab -H prod keys.list
        fab -H prod keys.list --user www-data

    Exit codes: 0 done, 3 a host could not be reached, 7 a file could not be read.
    """
    from lockstitch.cli.authorized_keys import list_keys
    from lockstitch.cli.fanout import way
    from lockstitch.cli.session import Session

    how = way(serial=serial, parallel=parallel, timeout=timeout)
    with Session(c, json=json) as session:
        list_keys(session, how, user)


@fleet_task(
    name="add",
    help={
        "file": "a file of yours with public keys, as id_ed25519.pub",
        "user": _USER,
        "yes": "do not ask, where the environment is protected",
        **WAY,
    },
)
def keys_add(
    c: FleetContext,
    file: str,
    user: str = "",
    yes: bool = False,
    json: bool = False,
    serial: bool = False,
    parallel: int = 0,
    timeout: float = 0.0,
) -> None:
    """
    Let the public keys of a file log in as the login user; one that is there already stays as it is.

    The hosts' authorized_keys is replaced as a whole or not at all.

        fab -H prod keys.add ada.pub
        fab --dry -H prod keys.add ada.pub

    Exit codes: 0 done, 2 no public key in the file, or not confirmed, 3 a host could not be reached, 7 it failed
    somewhere.
    """
    from lockstitch.cli.authorized_keys import add_keys
    from lockstitch.cli.fanout import way
    from lockstitch.cli.session import Session

    how = way(serial=serial, parallel=parallel, timeout=timeout)
    with Session(c, json=json) as session:
        add_keys(session, how, user, file, yes=yes)


@fleet_task(
    name="remove",
    help={
        "key": "its fingerprint or its comment, as keys.list shows them",
        "user": _USER,
        "yes": "do not ask, where the environment is protected",
        **WAY,
    },
)
def keys_remove(
    c: FleetContext,
    key: str,
    user: str = "",
    yes: bool = False,
    json: bool = False,
    serial: bool = False,
    parallel: int = 0,
    timeout: float = 0.0,
) -> None:
    """
    Let a public key no longer log in as the login user. The key that lets us in, and the last one, stay.

        fab -H prod keys.remove SHA256:4yXc…
        fab -H prod keys.remove ada@laptop

    Exit codes: 0 done, 2 not confirmed, 3 a host could not be reached, 7 it failed or was refused somewhere.
    """
    from lockstitch.cli.authorized_keys import remove_key
    from lockstitch.cli.fanout import way
    from lockstitch.cli.session import Session

    how = way(serial=serial, parallel=parallel, timeout=timeout)
    with Session(c, json=json) as session:
        remove_key(session, how, user, key, yes=yes)


def _ask(
    c: FleetContext, what: str, question: TableQuery[Any], json: bool, serial: bool, parallel: int, timeout: float
) -> None:
    from lockstitch.cli.facts import ask
    from lockstitch.cli.fanout import way
    from lockstitch.cli.session import Session

    how = way(serial=serial, parallel=parallel, timeout=timeout)
    with Session(c, json=json) as session:
        ask(session, what, question, how)


disk = Collection("disk", disk_usage, disk_clean)
users = Collection("users", users_list)
keys = Collection("keys", keys_list, keys_add, keys_remove)
