"""The databases of apps as checks: asked by their own room, told in its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from lockstitch.checks import Context
from lockstitch.checks.declared import databases
from lockstitch.cli.session import Session
from lockstitch.databases.health_check import Thresholds, judge
from lockstitch.engine.examine import Examined, examine
from lockstitch.errors import LockstitchError, UsageError
from lockstitch.inventory import Database, Fleet, resolve_secret
from lockstitch.model.command import Value
from lockstitch.model.finding import Finding
from lockstitch.report import Checked


def database_findings(session: Session, fleet: Fleet, context: Context, *, implied: bool) -> dict[str, Checked]:
    """What each checked database says, by the host that asks it."""
    meant = {name: fleet.inventory.databases[name] for name in databases(fleet, implied=implied)}
    urls: dict[str, Value] = {}
    found: dict[str, Checked] = {}
    for name, database in meant.items():
        try:
            urls[name] = resolve_secret(database.url)
        except UsageError as error:
            says = f"it cannot be asked: {error.message}"
            _add(found, database, (Finding("database", "warn", says, error.hint or "make it available here"),))
    asked = {name: database for name, database in meant.items() if name in urls}
    for name, answer in examine(session.remote, asked, urls).items() if asked else ():
        at = asked[name]
        if isinstance(answer, Examined):
            _add(found, at, tuple(_judged(fleet.inventory.name, at, answer, context.now)))
        elif isinstance(answer, LockstitchError):
            found[at.host.name] = Checked(away=answer.message, hint=answer.hint)
    return found


def _add(found: dict[str, Checked], database: Database, said: Sequence[Finding]) -> None:
    before = found.get(database.host.name, Checked())
    if not before.away:
        more = ((database.name, one) for one in said)
        found[database.host.name] = replace(before, findings=(*before.findings, *more))


def _judged(environment: str, database: Database, answer: Examined, now: datetime) -> Iterator[Finding]:
    """What is not well with it; one pass where all is."""
    check, on = database.check, f"fab -H {environment}"
    limits = Thresholds(check.connections, check.long_query, check.lock_wait, check.lag, check.backup_age)
    differ = database.engine.versions(answer.vault.server.server, answer.vault.server.tool)
    noted = [one for one in judge(answer.state, limits, answer.vault, now, on, differ) if one.level in ("warn", "fail")]
    for one in noted:
        yield Finding("database", one.level, f"{one.check}: {one.says}", one.hint or f"{on} database.check tells more")
    if not any(one.level == "fail" for one in noted):
        version = answer.state.version.partition(" ")[0]
        yield Finding("database", "pass", f"it answers, {database.engine.kind} {version}")
