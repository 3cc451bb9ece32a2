"""`backup.*`: backups made, shown, verified, proven, restored, pruned, and copied elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO, cast

from lockstitch import plans
from lockstitch.cli.databases import DatabaseSession
from lockstitch.cli.output import SafeStream
from lockstitch.cli.session import Session, file_named
from lockstitch.databases.backup import refuse_label
from lockstitch.databases.retention import why_kept
from lockstitch.engine.offsite import (
    BackupSource,
    PushObserver,
    PushResult,
    bucket_of,
    fetch,
    push_sealed_to_bucket,
    push_sealed_to_host,
    push_to_bucket,
    push_to_host,
)
from lockstitch.errors import CheckError, UsageError
from lockstitch.model.format import sized
from lockstitch.model.plan import Plan, Script
from lockstitch.plans.database_steps import DatabaseJob, record
from lockstitch.report.database import backups_json, backups_text
from lockstitch.text import listed


def back_up(session: Session, named: str, label: str) -> None:
    """Dump the databases, each with a manifest beside its dump."""
    refuse_label(label)
    stores = DatabaseSession(session, named)
    running = plans.running(stores.everything, stores.apps())
    stores.carry_out(lambda jobs: plans.backup(stores.environment, jobs, label, running))


def verify(session: Session, named: str, name: str) -> None:
    """Compare a backup with its checksums, or the newest of each database."""
    stores = DatabaseSession(session, named, name)
    stores.carry_out(lambda jobs: plans.verify(stores.environment, plans.choose(jobs, name)))


def prove(session: Session, named: str, name: str) -> None:
    """Restore a backup, or the newest of each database, into a scratch database, and compare it."""
    stores = DatabaseSession(session, named, name)
    stores.carry_out(lambda jobs: _prove_plan(stores, jobs, name), proving=True)


def restore(session: Session, name: str, into: str) -> None:
    """Restore a backup beside the database that serves and swap the two, or into a new one."""
    stores = DatabaseSession(session, backup=name)

    def make(jobs: Sequence[DatabaseJob]) -> Plan:
        ((job, chosen),) = plans.choose(jobs, name)
        return plans.restore(stores.environment, job, chosen, into)

    stores.carry_out(make, confirm=True)


def prune(session: Session, named: str) -> None:
    """Remove the backups that nothing keeps."""
    stores = DatabaseSession(session, named)

    def make(jobs: Sequence[DatabaseJob]) -> Plan:
        apps = stores.apps()
        plans.raise_unreachable(apps)
        held = plans.held_backups(apps, (backup for job in jobs for backup in job.facts.backups))
        return plans.prune(stores.environment, jobs, held)

    stores.carry_out(make, confirm=True)


def show_backups(session: Session, named: str) -> None:
    """Print every backup and what keeps it, as far as the hosts can be asked."""
    stores = DatabaseSession(session, named)
    facts = stores.facts(servers=False)
    apps = stores.apps()
    for host in apps.unreachable:
        stores.session.note(f"{host} cannot be reached: what its releases keep is not known")
    for site, why in apps.unreadable.items():
        stores.session.note(f"{site} is unreadable: what its releases keep is not known: {'; '.join(why)}")
    held = plans.held_backups(apps, (b for directory in facts.values() for b in directory.backups))
    kept: dict[str, str] = {}
    for name, directory in facts.items():
        kept |= why_kept(directory.backups, stores.databases[name].keep, held, directory.future)
    stores.session.answer(lambda: backups_json(facts, kept), lambda: backups_text(facts, kept))
    if unreadable := [
        f"{name}: unreadable: {why}" for name, directory in facts.items() for why in directory.unreadable
    ]:
        raise CheckError(listed(unreadable), hint="see to these paths on their hosts")


def _prove_plan(stores: DatabaseSession, shelves: Sequence[DatabaseJob], name: str) -> plans.Plan:
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


def fetch_backup(session: Session, name: str, to: str) -> None:
    """Copy a backup to this machine."""
    folder, stores = file_named("--to", to), DatabaseSession(session, backup=name)
    ((shelf, chosen),) = plans.choose(stores.shelves(servers=False), name)
    at = shelf.database
    if stores.session.dry:
        stores.session.note(f"{chosen} of {at.host.name} would be copied to {to}")
        return
    with _copying(chosen) as observe:
        copy = fetch(_source(stores, shelf, chosen), folder, observe)
    _record(stores, shelf, "fetch", chosen, str(copy))
    stores.session.answer(
        lambda: {"name": chosen, "path": str(copy)}, lambda: f"{copy}: every file is as its manifest says"
    )


def push_backups(session: Session, named: str, name: str) -> None:
    """Copy backups to where the inventory says, one after the other."""
    stores = DatabaseSession(session, named, name)
    pushed: list[dict[str, Any]] = []
    shelves = stores.shelves(servers=False)
    able = shelves if name else [shelf for shelf in shelves if shelf.database.offsite] or shelves
    _tell_left_out(stores, shelves, able, "offsite")
    for shelf, chosen in plans.choose(able, name):
        if stores.session.dry:
            stores.session.note(f"{chosen} of {shelf.database.host.name} would be copied to where `offsite` says")
            continue
        with _copying(chosen) as observe:
            result = _push(stores, shelf, chosen, observe)
        _record(stores, shelf, "push", chosen, result.where)
        pushed.append({"name": chosen, **vars(result)})
    stores.session.answer(lambda: {"pushed": pushed}, lambda: "\n".join(_told(each) for each in pushed))


def _told(pushed: dict[str, Any]) -> str:
    what = "was there already" if pushed["already"] else f"{sized(pushed['bytes'])} sent"
    return f"{pushed['where']}: {what}, every file was read back and is as its manifest says"


def _source(stores: DatabaseSession, shelf: DatabaseJob, name: str) -> BackupSource:
    at = shelf.database
    return BackupSource(stores.session.remote, at.host, at.vault.directory, name)


def _push(stores: DatabaseSession, shelf: DatabaseJob, name: str, observe: PushObserver) -> PushResult:
    at, source = shelf.database, _source(stores, shelf, name)
    if at.offsite is None:
        raise UsageError(
            f"{at.name} has nowhere to be pushed to",
            hint="write offsite: {bucket: NAME} or {host: NAME, directory: PATH} under it in the inventory",
        )
    sealing = at.offsite.age
    if at.offsite_host is None and sealing:
        return push_sealed_to_bucket(source, bucket_of(at.offsite), sealing, observe)
    if at.offsite_host is None:
        return push_to_bucket(source, bucket_of(at.offsite), observe)
    assert at.offsite.directory is not None
    if sealing:
        return push_sealed_to_host(source, at.offsite_host, at.offsite.directory, sealing, observe)
    return push_to_host(source, at.offsite_host, at.offsite.directory, observe)


def _record(stores: DatabaseSession, shelf: DatabaseJob, event: str, name: str, where: str) -> None:
    step = record(shelf, event, name=name, where=where)
    stores.session.remote.run(shelf.database.host, Script((step,), app=shelf.database.name))


@contextmanager
def _copying(name: str) -> Iterator[PushObserver]:
    """A bar on a terminal, on stderr; nothing elsewhere."""
    # Start-up: only where something is copied.
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(file=cast(TextIO, SafeStream(sys.stderr)))
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=None)
        yield lambda file, copied, of: bar.update(task, completed=copied, total=of)
