"""What the tasks on databases share: which are meant, what is found of them, and the plans made from that."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO, cast

from lockstitch import plans
from lockstitch.cli.output import SafeStream
from lockstitch.cli.session import Session, words
from lockstitch.databases.backup import BackupDirectoryFacts, is_of
from lockstitch.databases.health_check import Thresholds, judge
from lockstitch.databases.retention import why_kept
from lockstitch.engine.database_console import at_terminal
from lockstitch.engine.offsite import (
    PushObserver,
    PushResult,
    bucket_of,
    fetch,
    push_sealed_to_bucket,
    push_sealed_to_host,
    push_to_bucket,
    push_to_host,
)
from lockstitch.engine.survey import DatabaseFacts, examine, look
from lockstitch.errors import CheckError, ExitCode, LockstitchError, UsageError
from lockstitch.facts.site import Survey
from lockstitch.inventory import Database, Fleet, resolve_secret
from lockstitch.inventory.validation import did_you_mean
from lockstitch.model.command import Secret, Value
from lockstitch.model.format import sized
from lockstitch.model.plan import Plan, Script
from lockstitch.plans.database_steps import DatabaseJob, record
from lockstitch.report import backups_json, backups_text, databases_json, databases_text, neutral
from lockstitch.text import listed


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
        self._known: dict[str, Secret] = {}

    def facts(self, *, servers: bool) -> dict[str, BackupDirectoryFacts]:
        """What lies in every vault; raises the first error there is, since half an answer would mislead."""
        urls: dict[str, Value] = {d.name: self.secret(d.url) for d in self.databases.values()} if servers else {}
        found = look(self.session.remote, self.databases, urls)
        for answer in found.values():
            if isinstance(answer, LockstitchError):
                raise answer
        return {name: answer for name, answer in found.items() if isinstance(answer, BackupDirectoryFacts)}

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
        self, make: Callable[[Sequence[DatabaseJob]], Plan], *, yes: bool = True, proving: bool = False
    ) -> None:
        """Look, plan, show, ask where it must be asked, and do it."""
        hosts = {database.host.name for database in self.databases.values()}

        def planned() -> Plan:
            self.session.note(f"asking {', '.join(sorted(hosts))} of {self.environment}")
            return make(self.shelves(proving=proving))

        self.session.carry_out(planned, yes=yes)

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
    wanted = words(named) or tuple(known)
    for name in wanted:
        if name not in known:
            raise UsageError(f"there is no database {name}{did_you_mean(name, known)}")
    return {name: known[name] for name in wanted}


def show_backups(stores: DatabaseSession) -> None:
    """Print every backup and what keeps it, as far as the hosts can be asked."""
    facts = stores.facts(servers=False)
    apps = stores.apps()
    for host in apps.unreachable:
        stores.session.note(f"{host} cannot be reached: what its releases keep is not known")
    for site, why in apps.unreadable.items():
        stores.session.note(f"{site} is unreadable: what its releases keep is not known: {'; '.join(why)}")
    held = plans.held_backups(apps, (b for found in facts.values() for b in found.backups))
    kept: dict[str, str] = {}
    for name, found in facts.items():
        kept |= why_kept(found.backups, stores.databases[name].keep, held, found.future)
    stores.session.answer(lambda: backups_json(facts, kept), lambda: backups_text(facts, kept))
    if unreadable := [f"{name}: unreadable: {why}" for name, found in facts.items() for why in found.unreadable]:
        raise CheckError(listed(unreadable), hint="see to these paths on their hosts")


def prove_plan(stores: DatabaseSession, shelves: Sequence[DatabaseJob], name: str) -> plans.Plan:
    """The plan that proves a backup, or the newest of every database that has a place for that."""
    able = shelves if name else [shelf for shelf in shelves if shelf.prove] or shelves
    _tell_left_out(stores, shelves, able, "prove")
    return plans.prove(stores.environment, plans.choose(able, name))


def _tell_left_out(
    stores: DatabaseSession, shelves: Sequence[DatabaseJob], able: Sequence[DatabaseJob], key: str
) -> None:
    for shelf in shelves:
        if shelf not in able:
            stores.session.note(f"left out: {shelf.database.name} has no `{key}` in the inventory")


def fetch_backup(stores: DatabaseSession, name: str, to: str) -> None:
    """Copy a backup to this machine."""
    ((shelf, chosen),) = plans.choose(stores.shelves(servers=False), name)
    at = shelf.database
    if stores.session.dry:
        stores.session.note(f"{chosen} of {at.host.name} would be copied to {to}")
        return
    with _copying(chosen) as told:
        copy = fetch(stores.session.remote, at.host, at.vault.directory, chosen, Path(to).expanduser(), told)
    _record(stores, shelf, "fetch", chosen, str(copy))
    stores.session.answer(
        lambda: {"name": chosen, "path": str(copy)}, lambda: f"{copy}: every file is as its manifest says"
    )


def push_backups(stores: DatabaseSession, name: str) -> None:
    """Copy backups to where the inventory says, one after the other."""
    pushed: list[dict[str, Any]] = []
    shelves = stores.shelves(servers=False)
    able = shelves if name else [shelf for shelf in shelves if shelf.database.offsite] or shelves
    _tell_left_out(stores, shelves, able, "offsite")
    for shelf, chosen in plans.choose(able, name):
        if stores.session.dry:
            stores.session.note(f"{chosen} of {shelf.database.host.name} would be copied to where `offsite` says")
            continue
        with _copying(chosen) as told:
            done = _push(stores, shelf, chosen, told)
        _record(stores, shelf, "push", chosen, done.where)
        pushed.append({"name": chosen, **vars(done)})
    stores.session.answer(lambda: {"pushed": pushed}, lambda: "\n".join(_told(each) for each in pushed))


def _told(pushed: dict[str, Any]) -> str:
    what = "was there already" if pushed["already"] else f"{sized(pushed['bytes'])} sent"
    return f"{pushed['where']}: {what}, every file was read back and is as its manifest says"


def _push(stores: DatabaseSession, shelf: DatabaseJob, name: str, told: PushObserver) -> PushResult:
    at, remote = shelf.database, stores.session.remote
    if at.offsite is None:
        raise UsageError(
            f"{at.name} has nowhere to be pushed to",
            hint="write offsite: {bucket: NAME} or {host: NAME, directory: PATH} under it in the inventory",
        )
    sealing = at.offsite.age
    if at.offsite_host is None and sealing:
        return push_sealed_to_bucket(remote, at.host, at.vault.directory, name, bucket_of(at.offsite), sealing, told)
    if at.offsite_host is None:
        return push_to_bucket(remote, at.host, at.vault.directory, name, bucket_of(at.offsite), told)
    assert at.offsite.directory is not None
    if sealing:
        where = (at.offsite_host, at.offsite.directory)
        return push_sealed_to_host(remote, at.host, at.vault.directory, name, *where, sealing, told)
    return push_to_host(remote, at.host, at.vault.directory, name, at.offsite_host, at.offsite.directory, told)


def _record(stores: DatabaseSession, shelf: DatabaseJob, event: str, name: str, where: str) -> None:
    step = record(shelf, event, name=name, where=where)
    stores.session.remote.run(shelf.database.host, Script((step,), app=shelf.database.name))


@contextmanager
def _copying(name: str) -> Iterator[PushObserver]:
    """A bar on a terminal, on stderr; nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(file=cast(TextIO, SafeStream(sys.stderr)))
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=None)
        yield lambda file, done, of: bar.update(task, completed=done, total=of)


def show_check(stores: DatabaseSession) -> None:
    """Judge every database that is meant, and end with 7 when one fails, with 3 when one's host is away."""
    databases, now = stores.databases, datetime.now(UTC)
    found = examine(stores.session.remote, databases, {name: stores.secret(d.url) for name, d in databases.items()})
    away = {name: error for name, error in found.items() if isinstance(error, LockstitchError)}
    judged = {
        name: (
            one.state,
            judge(one.state, _limits(databases[name]), one.vault, now, *_other_answers(stores, name, one)),
        )
        for name, one in found.items()
        if isinstance(one, DatabaseFacts)
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


def _other_answers(stores: DatabaseSession, name: str, one: DatabaseFacts) -> tuple[str, str]:
    """How commands begin, and what there is to say of versions."""
    server = one.vault.server
    return f"fab -H {stores.environment}", stores.databases[name].engine.versions(server.server, server.tool)


def open_shell(stores: DatabaseSession) -> None:
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
