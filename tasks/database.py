"""`fab database.check`, `database.analyze`, `database.shell`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(needs="databases", options=["json"])
def check(session: cli.Session, database: str = "") -> None:
    """
    Judge each database by its thresholds.

    Ask each database how it is, and judge it against `check` in the inventory.

    Version, size, connections of those allowed, long queries, locks waited for, replication lag, the largest tables;
    the newest backup and whether one is proven; what Lockstitch keeps beside it. Read-only.

        fab -H prod database.check
        fab -H prod database.check --database main --json

    Exit codes: 0 all within the thresholds, 3 a host is unreachable, 7 a threshold says no, or it cannot be asked.
    """
    cli.databases.show_check(session, database)


@cli.session_task(needs="databases", options=["json", "commands"])
def analyze(session: cli.Session, database: str = "") -> None:
    """
    Bring the planner's statistics up to date.

    Bring the planner's statistics up to date, as after a restore or a large change. Recorded in the database's journal.

        fab -H prod database.analyze

    Exit codes: 0 done, 3 unreachable, 4 somebody else is at it, 7 not done.
    """
    cli.databases.analyze(session, database)


@cli.session_task(needs="databases", help={"database": "which one, where there are several"})
def shell(session: cli.Session, database: str = "") -> None:
    """
    Open a database's own shell.

    Open the database's own shell (psql, mariadb) on its host, at this terminal.

    The password travels in a file that only its owner can read, and which goes when the session ends.

        fab -H prod database.shell
        fab -H prod database.shell --database main

    Exit codes: 0 ended, 2 there is no terminal, 3 unreachable or lost, 7 it could not be opened.
    """
    cli.databases.open_shell(session, database)


namespace = cli.Collection("database", check, analyze, shell)
