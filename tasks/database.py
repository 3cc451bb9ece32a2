"""`fab database.check`, `database.analyze`, `database.shell`."""

from __future__ import annotations

from invoke.collection import Collection

from lockstitch.cli import FleetContext, fleet_task

_DATABASE = "only these databases, with commas, by their names in the inventory"
_JSON = "print the outcome as JSON on stdout; progress goes to stderr"


@fleet_task(help={"database": _DATABASE, "json": "print it as JSON"})
def check(c: FleetContext, database: str = "", json: bool = False) -> None:
    """
    Ask each database how it is, and judge it against `check` in the inventory.

    Version, size, connections of those allowed, long queries, locks waited for, replication lag, the largest tables;
    the newest backup and whether one is proven; what Lockstitch keeps beside it. Read-only.

        fab -H prod database.check
        fab -H prod database.check --database main --json

    Exit codes: 0 all within the thresholds, 3 a host is unreachable, 7 a threshold says no, or it cannot be asked.
    """
    from lockstitch.cli.databases import DatabaseSession, show_check
    from lockstitch.cli.session import Session

    with Session(c, json=json) as session:
        show_check(DatabaseSession(session, database))


@fleet_task(help={"database": _DATABASE, "json": _JSON, "commands": "show with the plan every command that is sent"})
def analyze(c: FleetContext, database: str = "", json: bool = False, commands: bool = False) -> None:
    """
    Bring the planner's statistics up to date, as after a restore or a large change. Recorded in the vault's journal.

        fab -H prod database.analyze

    Exit codes: 0 done, 3 unreachable, 4 somebody else is at it, 7 not done.
    """
    from lockstitch import plans
    from lockstitch.cli.databases import DatabaseSession
    from lockstitch.cli.session import Session

    with Session(c, json=json, commands=commands) as session:
        stores = DatabaseSession(session, database)
        stores.carry_out(lambda shelves: plans.analyze(stores.environment, shelves))


@fleet_task(help={"database": "which one, where there are several"})
def shell(c: FleetContext, database: str = "") -> None:
    """
    Open the database's own shell (psql, mariadb) on its host, at this terminal.

    The password travels in a file that only its owner can read, and which goes when the session ends.

        fab -H prod database.shell
        fab -H prod database.shell --database main

    Exit codes: 0 ended, 2 there is no terminal, 3 unreachable or lost, 7 it could not be opened.
    """
    from lockstitch.cli.databases import DatabaseSession, open_shell
    from lockstitch.cli.session import Session

    with Session(c) as session:
        open_shell(DatabaseSession(session, database))


namespace = Collection("database", check, analyze, shell)
