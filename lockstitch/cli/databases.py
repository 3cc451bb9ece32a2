"""Shared by the tasks on databases: which are selected, the facts about them, and the plans made from those."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from lockstitch import plans
from lockstitch.cli.run_plan import carry_out
from lockstitch.cli.session import Session, words
from lockstitch.databases.backup import BackupDirectoryFacts, is_of
from lockstitch.databases.health import DatabaseState
from lockstitch.databases.health_check import SlowCount, Thresholds, judge, slow_since
from lockstitch.engine.survey import DatabaseFacts, find_keepers, survey_databases
from lockstitch.engine.terminal_session import at_terminal, database_session
from lockstitch.errors import CheckError, ExitCode, LockstitchError, UsageError
from lockstitch.facts.site import Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import Database
from lockstitch.inventory.secrets import resolve_secret
from lockstitch.inventory.validation import did_you_mean
from lockstitch.model.command import Secret, Value
from lockstitch.model.plan import Plan
from lockstitch.model.probe import number_of, object_of
from lockstitch.plans.database_steps import DatabaseJob
from lockstitch.report.database import databases_json, databases_text
from lockstitch.text import neutral


class DatabaseSession:
    """The databases of one environment that are meant: all of it, or those named with commas."""

    def __init__(self, session: Session, named: str = "", backup: str = "") -> None:
        self.session = session
        self.fleet: Fleet = session.fleet("")
        self.environment = self.fleet.inventory.name
        self.databases = _meant(self.fleet, named)
        if backup:
            # The others, whose hosts may be away, have no part in it.
            self.databases = {n: d for n, d in self.databases.items() if is_of(backup, n)} or self.databases
        self.databases = find_keepers(session.remote, self.databases, session.note)
        self._known: dict[str, Secret] = {}

    def facts(self, *, servers: bool) -> dict[str, BackupDirectoryFacts]:
        """Return the contents of every backup directory; raises the first error, since half an answer would mislead."""
        urls: dict[str, Value] = {d.name: self.secret(d.url) for d in self.databases.values()} if servers else {}
        answers = survey_databases(self.session.remote, self.databases, urls)
        for answer in answers.values():
            if isinstance(answer, LockstitchError):
                raise answer
        return {name: answer.vault for name, answer in answers.items() if isinstance(answer, DatabaseFacts)}

    def shelves(self, *, servers: bool = True, proving: bool = False) -> list[DatabaseJob]:
        """Every database that is meant with what was found of it, and the logins this will need."""
        facts = self.facts(servers=servers)
        return [
            DatabaseJob(
                database,
                facts[name],
                self.secret(database.url) if servers else "",
                self.session.run_id,
                self.session.by,
                self.secret(database.prove) if proving and database.prove else "",
            )
            for name, database in self.databases.items()
        ]

    def carry_out(
        self, make: Callable[[Sequence[DatabaseJob]], Plan], *, confirm: bool = False, proving: bool = False
    ) -> None:
        """Look, plan, show, ask where it must be asked, and do it."""
        hosts = {database.host.name for database in self.databases.values()}

        def planned() -> Plan:
            self.session.note(f"asking {', '.join(sorted(hosts))} of {self.environment}")
            return make(self.shelves(proving=proving))

        carry_out(self.session, planned, confirm=confirm)

    def secret(self, reference: str) -> Secret:
        if reference not in self._known:
            self._known[reference] = resolve_secret(reference)
        return self._known[reference]

    def apps(self) -> Survey:
        """The facts of the apps that have these databases, wherever they run and whatever was selected."""
        asks = [ask for ask in plans.usual_asks(self.everything) if ask.app.database in self.databases]
        return self.session.survey(self.everything, asks) if asks else Survey({})

    @property
    def everything(self) -> Fleet:
        """All of the environment: what a backup belongs to may be on hosts that were not selected."""
        inventory = self.fleet.inventory
        return Fleet(inventory, tuple((group.name, host) for group in inventory.groups for host in group.hosts))


def _meant(fleet: Fleet, named: str) -> dict[str, Database]:
    known = fleet.inventory.databases
    if not known:
        raise UsageError(
            f"{fleet.inventory.name} has no databases",
            hint="write them into its inventory: databases: {main: {engine: postgres, …}}, see docs/databases.md",
        )
    names = words(named) or tuple(known)
    for name in names:
        if name not in known:
            raise UsageError(f"there is no database {name}{did_you_mean(name, known)}")
    return {name: known[name] for name in names}


def analyze(session: Session, named: str) -> None:
    """Bring the planner's statistics of the databases up to date."""
    stores = DatabaseSession(session, named)
    stores.carry_out(lambda jobs: plans.analyze(stores.environment, jobs))


def show_check(session: Session, named: str) -> None:
    """Judge every database that is meant, and end with 7 when one fails, with 3 when one's host is away."""
    stores = DatabaseSession(session, named)
    databases, now = stores.databases, datetime.now(UTC)
    urls = {name: stores.secret(d.url) for name, d in databases.items()}
    poolers: dict[str, Value] = {name: stores.secret(d.pooler) for name, d in databases.items() if d.pooler}
    counts = SlowCounts(session.runs.parent / "slow-queries.json", stores.environment)
    answers = survey_databases(stores.session.remote, databases, urls, state=True, poolers=poolers)
    answers = {
        name: replace(a, state=counts.since(name, a.state, now)) if isinstance(a, DatabaseFacts) else a
        for name, a in answers.items()
    }
    if unwritten := counts.write():
        session.note(unwritten)
    away = {name: error for name, error in answers.items() if isinstance(error, LockstitchError)}
    judged = {
        name: (
            answer.state,
            judge(answer.state, limits_of(databases[name]), answer.vault, now, *_other_answers(stores, name, answer)),
        )
        for name, answer in answers.items()
        if isinstance(answer, DatabaseFacts)
    }
    errors = {name: error.message for name, error in away.items()}
    stores.session.answer(lambda: {**databases_json(judged), "unreachable": errors}, lambda: databases_text(judged))
    for error in away.values():
        print(neutral(str(error)), file=sys.stderr)
    if away:
        sys.exit(int(max(error.exit_code for error in away.values())))
    if any(finding.level == "fail" for _, findings in judged.values() for finding in findings):
        sys.exit(int(ExitCode.CHECK_SAID_NO))


def limits_of(database: Database) -> Thresholds:
    """Return the thresholds of a database's inventory."""
    check = database.check
    return Thresholds(
        check.connections,
        check.long_query,
        check.lock_wait,
        check.lag,
        check.backup_age,
        check.most_connections,
        check.pool_wait,
    )


class SlowCounts:
    """Counters of slow queries of an environment's servers, as they were when this machine checked them last."""

    def __init__(self, file: Path, environment: str) -> None:
        self._file, self._environment = file, environment
        try:
            self._known = object_of(file.read_text(encoding="utf-8")) or {}
        except (OSError, UnicodeDecodeError):
            # None yet, or none that can be read: then the server's own count stands, since it began.
            self._known = {}

    def since(self, name: str, state: DatabaseState, now: datetime) -> DatabaseState:
        """Return the state with the slow queries since the last check, and remember what was counted now."""
        key, slow = f"{self._environment}:{name}", state.slow
        if slow is None or slow.queries is None:
            return state
        known = self._known.get(key)
        earlier = None
        if isinstance(known, dict):
            at, queries, asked = (number_of(known, word) or 0 for word in ("at", "queries", "asked"))
            earlier = SlowCount(at, queries, asked)
        self._known = {**self._known, key: {"at": int(now.timestamp()), "queries": slow.queries, "asked": slow.asked}}
        return slow_since(state, earlier, now.timestamp())

    def write(self) -> str:
        """Write what was counted; return why that failed, empty where it did not."""
        part = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(self._known), encoding="utf-8")
            part.replace(self._file)
        except OSError as error:
            return f"{self._file} cannot be written, so the next check tells slow queries as this one: {error.strerror}"
        return ""


def _other_answers(stores: DatabaseSession, name: str, facts: DatabaseFacts) -> tuple[str, str]:
    """Return how commands for this environment begin, and a sentence about versions that differ."""
    server = facts.vault.server
    return f"fab -H {stores.environment}", stores.databases[name].engine.versions(server.server, server.tool)


def open_shell(session: Session, named: str) -> None:
    """Open the shell of the one database that is meant; where the environment is protected its name is asked for."""
    stores = DatabaseSession(session, named)
    if len(stores.databases) != 1:
        names = ", ".join(stores.databases)
        raise UsageError(f"one database at a time, not {names}", hint="name it: --database NAME")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "a shell needs a terminal, and there is none",
            hint="type it in a terminal; for programs there is `database.check --json`",
        )
    ((name, database),) = stores.databases.items()
    url = stores.secret(database.url)
    shown = f"{database.engine.kind} shell of {name} ({database.engine.database(url)}) on {database.host.name}"
    if session.dry:
        session.note(f"would open the {shown}")
        return
    session.confirm(stores.fleet)
    session.note(f"the {shown}")
    code = at_terminal(session.remote, database_session(database, url, stores.environment))
    if code:
        raise CheckError(f"{database.host.name}: the shell of {name} ended with exit code {code}")
