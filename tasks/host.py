"""`fab processes`, `disk.usage`, `users.list`, `keys.*`: what a host has, whatever runs on it."""

from __future__ import annotations

from lockstitch import cli

_USER = {"user": "whose, where it is not the login user; through sudo"}


@cli.session_task(
    takes="match",
    options=cli.FANOUT,
    help={
        "match": "only those whose command holds this, or of the user of this name",
        "by": "cpu, memory or age",
        "top": "so many of each host; 0: all",
    },
)
def processes(session: cli.Session, match: str = "", by: str = "cpu", top: int = 10) -> None:
    """
    Show the busiest processes of every selected host.

    CPU is in percent of one CPU over the whole life of the process.

        fab -H prod processes
        fab -H prod:backend processes gunicorn --by memory --top 0

    Exit codes: 0 done, 3 a host could not be reached, 7 one could not answer.
    """
    cli.facts.show_processes(session, match, by, top)


@cli.session_task(
    name="usage",
    takes="path",
    options=cli.FANOUT,
    help={"path": "what is largest below this folder of the hosts", "top": "so many of them"},
)
def disk_usage(session: cli.Session, path: str = "", top: int = 10) -> None:
    """
    Show how full disks are, or what is largest.

    Show how full the file systems of every selected host are, or what is largest below a folder.

        fab -H prod disk.usage
        fab -H prod:api1.example.com disk.usage /var

    Exit codes: 0 done, 3 a host could not be reached, 7 one could not answer.
    """
    cli.facts.show_disk_usage(session, path, top)


@cli.session_task(name="clean", options=["message", "yes", "json"], help={"message": "why, for the journal"})
def disk_clean(session: cli.Session, only: str = "") -> None:
    """
    Remove old releases, caches, package archives.

    Remove what can go: releases beyond those that are kept, what builds have fetched, package archives.

    It takes the apps' locks, so that nobody deploys meanwhile. Look first: with --dry it only lists.

        fab --dry -H prod disk.clean
        fab -H prod disk.clean

    Exit codes: 0 done, 2 not confirmed, 3 a host could not be reached, 4 locked, 5 or 6 it failed somewhere.
    """
    cli.hosts.clean_disks(session, only)


@cli.session_task(name="list", options=cli.FANOUT)
def users_list(session: cli.Session) -> None:
    """
    Show who may log in to every selected host.

    Show who has a login shell on every selected host, who is in a group that may become root, and how many keys let
    them in. Rules in sudoers that name one user are not seen.

        fab -H prod users.list

    Exit codes: 0 done, 3 a host could not be reached, 7 one could not answer.
    """
    cli.facts.show_users(session)


@cli.session_task(name="list", options=["user", *cli.FANOUT], help=_USER)
def keys_list(session: cli.Session) -> None:
    """
    Show the public keys that may log in.

    Show the public keys that may log in to every selected host as the login user.

        fab -H prod keys.list
        fab -H prod keys.list --user www-data

    Exit codes: 0 done, 3 a host could not be reached, 7 a file could not be read.
    """
    cli.authorized_keys.list_keys(session)


@cli.session_task(
    name="add",
    options=["user", "yes", *cli.FANOUT],
    help={**_USER, "file": "a file of yours with public keys, as id_ed25519.pub"},
)
def keys_add(session: cli.Session, file: str) -> None:
    """
    Let the public keys of a file log in.

    Let the public keys of a file log in as the login user; one that is there already stays as it is.

    The hosts' authorized_keys is replaced as a whole or not at all.

        fab -H prod keys.add ada.pub
        fab --dry -H prod keys.add ada.pub

    Exit codes: 0 done, 2 no public key in the file, or not confirmed, 3 a host could not be reached, 7 it failed
    somewhere.
    """
    cli.authorized_keys.add_keys(session, file)


@cli.session_task(
    name="remove",
    options=["user", "yes", *cli.FANOUT],
    help={**_USER, "key": "its fingerprint or its comment, as keys.list shows them"},
)
def keys_remove(session: cli.Session, key: str) -> None:
    """
    Let a public key no longer log in.

    Let a public key no longer log in as the login user. The key that lets us in, and the last one, stay.

        fab -H prod keys.remove SHA256:4yXc…
        fab -H prod keys.remove ada@laptop

    Exit codes: 0 done, 2 not confirmed, 3 a host could not be reached, 7 it failed or was refused somewhere.
    """
    cli.authorized_keys.remove_key(session, key)


disk = cli.Collection("disk", disk_usage, disk_clean)
users = cli.Collection("users", users_list)
keys = cli.Collection("keys", keys_list, keys_add, keys_remove)
