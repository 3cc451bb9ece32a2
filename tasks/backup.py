"""`fab backup` and what else is done with backups: list, verify, prove, restore, fetch, push, prune."""

from __future__ import annotations

from collections.abc import Sequence

from invoke.collection import Collection

from lockstitch.cli import FleetContext, fleet_task

_DATABASE = "only these databases, with commas, by their names in the inventory"
_YES = "do not ask, where the environment is protected"
_JSON = "print the outcome as JSON on stdout; progress goes to stderr"
_COMMANDS = "show with the plan every command that is sent"


@fleet_task(
    default=True,
    help={
        "label": "a word or two for its name and its manifest, up to 200 characters",
        "database": _DATABASE,
        "json": _JSON,
        "commands": _COMMANDS,
    },
)
def backup(c: FleetContext, label: str = "", database: str = "", json: bool = False, commands: bool = False) -> None:
    """
    Back up the environment's databases, each on the host its inventory names, with a manifest beside the dump.

    The manifest holds what a restore is compared with: the rows of every table in the very snapshot that was dumped,
    versions, sizes and checksums. A dump that fails leaves nothing that looks like a backup. Too little disk is told
    before anything begins.

        fab -H prod backup
        fab -H prod backup --label before-the-sale --database main

    Exit codes: 0 made, 2 usage, 3 unreachable, 4 somebody else is at it, 6 the host was lost midway, 7 not made.
    """
    from lockstitch import plans
    from lockstitch.cli.databases import DatabaseSession
    from lockstitch.cli.session import Session
    from lockstitch.databases.backup import refuse_label

    with Session(c, json=json, commands=commands) as session:
        refuse_label(label)
        stores = DatabaseSession(session, database)
        running = plans.running(stores.everything, stores.apps())
        stores.carry_out(lambda shelves: plans.backup(stores.environment, shelves, label, running))


@fleet_task(name="list", help={"database": _DATABASE, "json": "print it as JSON"})
def list_(c: FleetContext, database: str = "", json: bool = False) -> None:
    """
    List the backups: when, how large, of which revision and migration, proven or not, and what keeps them.

        fab -H prod backup.list
    """
    from lockstitch.cli.databases import DatabaseSession, show_backups
    from lockstitch.cli.session import Session

    with Session(c, json=json) as session:
        show_backups(DatabaseSession(session, database))


@fleet_task(
    takes="name",
    help={
        "database": _DATABASE,
        "name": "which one (default: the newest of each database)",
        "json": _JSON,
        "commands": _COMMANDS,
    },
)
def verify(c: FleetContext, name: str = "", database: str = "", json: bool = False, commands: bool = False) -> None:
    """
    Compare every file of a backup with its checksum, and have the dump's table of contents read.

    That shows that it is as it was written. That it can be restored is shown by `backup.prove`.

        fab -H prod backup.verify
        fab -H prod backup.verify main-20260101T020000Z-1a2b

    Exit codes: 0 as it was written, 7 damaged or not there.
    """
    from lockstitch import plans
    from lockstitch.cli.databases import DatabaseSession
    from lockstitch.cli.session import Session

    with Session(c, json=json, commands=commands) as session:
        stores = DatabaseSession(session, database, name)
        stores.carry_out(lambda shelves: plans.verify(stores.environment, plans.choose(shelves, name)))


@fleet_task(
    takes="name",
    help={
        "database": _DATABASE,
        "name": "which one (default: the newest of each database)",
        "json": _JSON,
        "commands": _COMMANDS,
    },
)
def prove(c: FleetContext, name: str = "", database: str = "", json: bool = False, commands: bool = False) -> None:
    """
    Restore a backup into a scratch database, compare every table's rows with the manifest, and record that.

    The scratch database is made on the server of `prove.url`, and dropped however that ends.

        fab -H prod backup.prove

    Exit codes: 0 proven, 6 the host or server was lost midway, 7 it could not be restored, or differs.
    """
    from lockstitch.cli.databases import DatabaseSession, prove_plan
    from lockstitch.cli.session import Session

    with Session(c, json=json, commands=commands) as session:
        stores = DatabaseSession(session, database, name)
        stores.carry_out(lambda shelves: prove_plan(stores, shelves, name), proving=True)


@fleet_task(
    help={
        "name": "which backup",
        "into": "restore into a new database of this name instead, and swap nothing",
        "yes": _YES,
        "json": _JSON,
        "commands": _COMMANDS,
    }
)
def restore(
    c: FleetContext, name: str, into: str = "", yes: bool = False, json: bool = False, commands: bool = False
) -> None:
    """
    Restore a backup beside the database that serves, compare it, and swap the two by renaming; the old one is kept.

    Nothing is ever restored over a running database. Work under way may go on for `drain`; then connections are
    ended. What was written since the backup stays in the database that is kept, whose name says when.

        fab -H prod backup.restore main-20260101T020000Z-1a2b
        fab -H prod backup.restore main-20260101T020000Z-1a2b --into look_at_it
        fab --dry -H prod backup.restore main-20260101T020000Z-1a2b

    Exit codes: 0 done, 5 failed and the old one serves, 6 a person is needed, 7 refused, nothing was changed.
    """
    from lockstitch import plans
    from lockstitch.cli.databases import DatabaseSession
    from lockstitch.cli.session import Session

    with Session(c, json=json, commands=commands) as session:
        stores = DatabaseSession(session, backup=name)

        def make(shelves: Sequence[plans.DatabaseJob]) -> plans.Plan:
            ((shelf, chosen),) = plans.choose(shelves, name)
            return plans.restore(stores.environment, shelf, chosen, into)

        stores.carry_out(make, yes=yes)


@fleet_task(help={"name": "which backup", "to": "folder of this machine (default: the present one)", "json": _JSON})
def fetch(c: FleetContext, name: str, to: str = ".", json: bool = False) -> None:
    """
    Copy a backup to this machine, every checksum compared on the way; it is there whole or not at all.

        fab -H prod backup.fetch main-20260101T020000Z-1a2b --to /mnt/usb
    """
    from lockstitch.cli.databases import DatabaseSession, fetch_backup
    from lockstitch.cli.session import Session

    with Session(c, json=json) as session:
        fetch_backup(DatabaseSession(session, backup=name), name, to)


@fleet_task(
    takes="name",
    help={"database": _DATABASE, "name": "which one (default: the newest of each database)", "json": _JSON},
)
def push(c: FleetContext, name: str = "", database: str = "", json: bool = False) -> None:
    """
    Copy a backup to where `offsite` of the inventory says: a bucket, or a folder of another host.

    It goes through this machine in constant memory, and is read back there: every file's checksum is compared at the
    far end. What is there already is not sent again.

        fab -H prod backup.push
    """
    from lockstitch.cli.databases import DatabaseSession, push_backups
    from lockstitch.cli.session import Session

    with Session(c, json=json) as session:
        push_backups(DatabaseSession(session, database, name), name)


@fleet_task(help={"database": _DATABASE, "yes": _YES, "json": _JSON, "commands": _COMMANDS})
def prune(c: FleetContext, database: str = "", yes: bool = False, json: bool = False, commands: bool = False) -> None:
    """
    Remove the backups that nothing keeps: not `keep` in the inventory, and no release on any host.

    The newest whole one and the newest proven one always stay, and so does the dump that a release on some host was
    deployed over. One that is not whole is left for a person.

        fab --dry -H prod backup.prune      list what would go
        fab -H prod backup.prune
    """
    from lockstitch import plans
    from lockstitch.cli.databases import DatabaseSession
    from lockstitch.cli.session import Session

    with Session(c, json=json, commands=commands) as session:
        stores = DatabaseSession(session, database)

        def make(shelves: Sequence[plans.DatabaseJob]) -> plans.Plan:
            apps = stores.apps()
            plans.raise_unreachable(apps)
            held = plans.held_backups(apps, (b for shelf in shelves for b in shelf.facts.backups))
            return plans.prune(stores.environment, shelves, held)

        stores.carry_out(make, yes=yes)


namespace = Collection("backup", backup, list_, verify, prove, restore, fetch, push, prune)
