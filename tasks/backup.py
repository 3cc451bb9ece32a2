"""`fab backup` and what else is done with backups: list, verify, prove, restore, fetch, push, prune."""

from __future__ import annotations

from lockstitch import cli

_NAME = {"name": "which one (default: the newest of each database)"}


@cli.session_task(
    needs="databases",
    default=True,
    options=["json", "commands"],
    help={"label": "a word or two for its name and its manifest, up to 200 characters"},
)
def backup(session: cli.Session, label: str = "", database: str = "") -> None:
    """
    Back up the databases, with a manifest.

    Back up the environment's databases, each on the host its inventory names, with a manifest beside the dump.

    The manifest holds what a restore is compared with: the rows of every table in the very snapshot that was dumped,
    versions, sizes and checksums. A dump that fails leaves nothing that looks like a backup. Too little disk is told
    before anything begins.

        fab -H prod backup
        fab -H prod backup --label before-the-sale --database main

    Exit codes: 0 made, 2 usage, 3 unreachable, 4 somebody else is at it, 6 the host was lost midway, 7 not made.
    """
    cli.backups.back_up(session, database, label)


@cli.session_task(needs="databases", name="list", options=["json"])
def list_(session: cli.Session, database: str = "") -> None:
    """
    List the backups, and what keeps them.

    List the backups: when, how large, of which revision and migration, proven or not, and what keeps them.

        fab -H prod backup.list
    """
    cli.backups.show_backups(session, database)


@cli.session_task(needs="databases", takes="name", options=["json", "commands"], help=_NAME)
def verify(session: cli.Session, name: str = "", database: str = "") -> None:
    """
    Compare a backup with its checksums.

    Compare every file of a backup with its checksum, and have the dump's table of contents read.

    That shows that it is as it was written. That it can be restored is shown by `backup.prove`.

        fab -H prod backup.verify
        fab -H prod backup.verify main-20260101T020000Z-1a2b

    Exit codes: 0 as it was written, 7 damaged or not there.
    """
    cli.backups.verify(session, database, name)


@cli.session_task(needs="databases", takes="name", options=["json", "commands"], help=_NAME)
def prove(session: cli.Session, name: str = "", database: str = "") -> None:
    """
    Restore a backup to try it, and compare.

    Restore a backup into a scratch database, compare every table's rows with the manifest, and record that.

    The scratch database is made on the server of `prove.url`, and dropped however that ends.

        fab -H prod backup.prove

    Exit codes: 0 proven, 6 the host or server was lost midway, 7 it could not be restored, or differs.
    """
    cli.backups.prove(session, database, name)


@cli.session_task(
    needs="databases",
    options=["yes", "json", "commands"],
    help={"name": "which backup", "into": "restore into a new database of this name instead, and swap nothing"},
)
def restore(session: cli.Session, name: str, into: str = "") -> None:
    """
    Restore a backup beside it, and swap.

    Restore a backup beside the database that serves, compare it, and swap the two by renaming; the old one is kept.

    Nothing is ever restored over a running database. Work under way may go on for `drain`; then connections are
    ended. What was written since the backup stays in the database that is kept, whose name says when.

        fab -H prod backup.restore main-20260101T020000Z-1a2b
        fab -H prod backup.restore main-20260101T020000Z-1a2b --into look_at_it
        fab --dry -H prod backup.restore main-20260101T020000Z-1a2b

    Exit codes: 0 done, 5 failed and the old one serves, 6 a person is needed, 7 refused, nothing was changed.
    """
    cli.backups.restore(session, name, into)


@cli.session_task(
    needs="databases",
    options=["json"],
    help={"name": "which backup", "to": "folder of this machine (default: the present one)"},
)
def fetch(session: cli.Session, name: str, to: str = ".") -> None:
    """
    Copy a backup to this machine.

    Copy a backup to this machine, every checksum compared on the way; it is there whole or not at all.

        fab -H prod backup.fetch main-20260101T020000Z-1a2b --to /mnt/usb
    """
    cli.backups.fetch_backup(session, name, to)


@cli.session_task(needs="databases", takes="name", options=["json"], help=_NAME)
def push(session: cli.Session, name: str = "", database: str = "") -> None:
    """
    Copy a backup to a bucket or another host.

    Copy a backup to where `offsite` of the inventory says: a bucket, or a folder of another host.

    It goes through this machine in constant memory, and is read back there: every file's checksum is compared at the
    far end. What is there already is not sent again.

        fab -H prod backup.push
    """
    cli.backups.push_backups(session, database, name)


@cli.session_task(needs="databases", options=["yes", "json", "commands"])
def prune(session: cli.Session, database: str = "") -> None:
    """
    Remove the backups that nothing keeps.

    Remove the backups that nothing keeps: not `keep` in the inventory, and no release on any host.

    The newest whole one and the newest proven one always stay, and so does the dump that a release on some host was
    deployed over. One that is not whole is left for a person.

        fab --dry -H prod backup.prune      list what would go
        fab -H prod backup.prune
    """
    cli.backups.prune(session, database)


namespace = cli.Collection("backup", backup, list_, verify, prove, restore, fetch, push, prune)
