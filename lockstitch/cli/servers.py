"""What is told of running database servers, and a session on one."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from lockstitch.cli.databases import Stores
from lockstitch.databases.health_check import Thresholds, judge
from lockstitch.engine.database_console import at_terminal
from lockstitch.engine.examine import Examined, examine
from lockstitch.errors import CheckError, ExitCode, LockstitchError, UsageError
from lockstitch.inventory import Database
from lockstitch.report import databases_json, databases_text, neutral


def show_check(stores: Stores) -> None:
    """Judge every database that is meant, and end with 7 when one fails, with 3 when one's host is away."""
    databases, now = stores.databases, datetime.now(UTC)
    found = examine(stores.session.remote, databases, {name: stores.secret(d.url) for name, d in databases.items()})
    away = {name: error for name, error in found.items() if isinstance(error, LockstitchError)}
    judged = {
        name: (one.state, judge(one.state, _limits(databases[name]), one.vault, now, *_told(stores, name, one)))
        for name, one in found.items()
        if isinstance(one, Examined)
    }
    errors = {name: error.message for name, error in away.items()}
    stores.session.answer(lambda: {**databases_json(judged), "unreachable": errors}, lambda: databases_text(judged))
    for error in away.values():
        print(neutral(str(error)), file=sys.stderr)
    if away:
        sys.exit(int(max(error.exit_code for error in away.values())))
    if any(finding.level == "fail" for _, findings in judged.values() for finding in findings):
        sys.exit(int(ExitCode.CHECK_SAID_NO))


def _limits(database: Database) -> Thresholds:
    check = database.check
    return Thresholds(check.connections, check.long_query, check.lock_wait, check.lag, check.backup_age)


def _told(stores: Stores, name: str, one: Examined) -> tuple[str, str]:
    """How commands begin, and what there is to say of versions."""
    server = one.vault.server
    return f"fab -H {stores.environment}", stores.databases[name].engine.versions(server.server, server.tool)


def open_shell(stores: Stores) -> None:
    """Open the shell of the one database that is meant; where the environment is protected its name is asked for."""
    if len(stores.databases) != 1:
        names = ", ".join(stores.databases)
        raise UsageError(f"one database at a time, not {names}", hint="name it: --database NAME")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "a shell needs a terminal, and there is none",
            hint="type it in a terminal; for programs there is `database.check --json`",
        )
    ((name, database),) = stores.databases.items()
    session, url = stores.session, stores.secret(database.url)
    shown = f"{database.engine.kind} shell of {name} ({database.engine.database(url)}) on {database.host.name}"
    if session.dry:
        session.note(f"would open the {shown}")
        return
    session.confirm(stores.fleet, yes=False)
    session.note(f"the {shown}")
    code = at_terminal(session.remote, database, url, stores.environment)
    if code:
        raise CheckError(f"{database.host.name}: the shell of {name} ended with exit code {code}")
