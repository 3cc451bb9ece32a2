"""Pure: a database in a rollback: its migrations are taken back one by one, or a dump is restored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal

from lockstitch.databases.backup import Backup
from lockstitch.errors import CheckError, UsageError
from lockstitch.facts.site import Facts, Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App
from lockstitch.model.command import Command
from lockstitch.model.format import sized, when
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import SitePlan, Step, Wave
from lockstitch.model.release import short
from lockstitch.plans import database_steps as steps
from lockstitch.plans.backup import first_dump, room_notes
from lockstitch.plans.database_steps import BackupLabel, DatabaseJob
from lockstitch.plans.deploy_backup import DatabaseJobs
from lockstitch.plans.migrations import migrating, with_session
from lockstitch.plans.restore import beside, kept, refuse_restore, swap
from lockstitch.plans.steps import Deployment

DatabaseStrategy = Literal["none", "down", "restore"]
WAYS: tuple[DatabaseStrategy, ...] = ("none", "down", "restore")


@dataclass(frozen=True)
class DatabaseRollback:
    """The rollback of one app's database: the waves before the code is switched, notes, and the summary at the end."""

    waves: tuple[Wave, ...] = ()
    notes: tuple[str, ...] = ()
    summary: tuple[str, ...] = ()
    shelf: DatabaseJob | None = None
    app: str = ""


def way(typed: str) -> DatabaseStrategy:
    """Parse the strategy that was typed. Raises UsageError."""
    for known in WAYS:
        if typed == known:
            return known
    raise UsageError(f"{typed!r} is not one of {', '.join(WAYS)}; nothing was changed")


def lying_between(survey: Survey) -> dict[str, tuple[str, ...]]:
    """Return the migrations between the current and the earlier revision, by app."""
    migrations: dict[str, tuple[str, ...]] = {}
    for site, facts in survey.facts.items():
        if facts.target is not None and facts.target.migrations:
            migrations.setdefault(site.app, facts.target.migrations)
    return migrations


def choices(job: Deployment, shelf: DatabaseJob | str, by_site: Sequence[Facts], now: datetime) -> Mapping[str, str]:
    """Return for each strategy what it does with the database of `job`, and what is lost by it. `shelf` is the database,
    or why it cannot be asked; `now` is the present time."""
    down = "the migrations are taken back one by one: what was written into the tables and columns they made is lost"
    return {
        "none": "the schema stays, and nothing is lost: the older code must work with it",
        "down": down if job.app.migrating.down else "not possible: nobody knows how (`migrate_down`)",
        "restore": _restorable(job, shelf, by_site, now),
    }


def _restorable(job: Deployment, shelf: DatabaseJob | str, by_site: Sequence[Facts], now: datetime) -> str:
    if not job.app.database or isinstance(shelf, str):
        return f"not possible: {shelf or 'the app names no database'}"
    try:
        backup = belonging(job, shelf, by_site)
    except CheckError as error:
        return f"not possible: {error.message.splitlines()[0]}"
    at, ago = when(backup.at, now)
    taken = f"{backup.name}, taken {at} ({ago}), {sized(backup.bytes)}"
    return f"{taken}: what was written since is not in it; the database of now stays beside it as {kept(shelf)}"


def backwards(
    job: Deployment, way: DatabaseStrategy, shelves: DatabaseJobs, by_site: Sequence[Facts]
) -> DatabaseRollback:
    """Plan the rollback of the database of `job`, the first site of its app. `by_site` are the facts of all sites of
    the app."""
    lying = job.facts.target.migrations if job.facts.target else ()
    if way == "restore" and job.app.database and job.app.migrate:
        return _restore(job, shelves[job.app.database], by_site)
    if way == "down" and lying:
        return _down(job, lying, shelves.get(job.app.database or ""), by_site)
    return DatabaseRollback(notes=tuple(_staying_notes(job, lying)))


def refuse_part(fleet: Fleet, apps: Sequence[App]) -> None:
    """Raise UsageError if hosts that were not selected would keep the newer code on a database that is taken back."""
    here = {(host.name, app.name) for host, app in fleet.sites()}
    names = {app.name for app in apps if app.database and app.migrate}
    others = sorted(host for app, host in fleet.inventory.placed if app in names and (host, app) not in here)
    if others:
        raise UsageError(
            f"{', '.join(others)} would keep the newer code on a database that is taken back; nothing was changed",
            hint="select every host of the app, or give --database none",
        )


def refuse_twice(made: Sequence[DatabaseRollback]) -> None:
    """Raise UsageError if two apps would each take the same database back."""
    names = [each.shelf.database.name for each in made if each.shelf]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(
            f"several apps migrate {', '.join(twice)}, which can be taken back for one of them; nothing was changed",
            hint="name that one with --only, and the others with --database none",
        )


def _staying_notes(job: Deployment, lying: tuple[str, ...]) -> Iterator[str]:
    if lying:
        yield f"{job.app.name}: these migrations stay, and the older code must work with them: {', '.join(lying)}"
    elif job.app.migrate and not job.app.migrating.files:
        yield f"{job.app.name}: migrations are not taken back; the older code must work with the schema as it is now"


def _down(
    job: Deployment, lying: tuple[str, ...], shelf: DatabaseJob | None, by_site: Sequence[Facts]
) -> DatabaseRollback:
    line, old = job.app.migrating.down, job.old
    if not line or old is None:
        raise UsageError(
            f"{job.app.name}: nobody knows how to take its migrations back",
            hint="write `migrate_down: LINE` under the app ($steps is how many, $migrations their files, each a line)"
            " or type --database restore, or --database none",
        )
    if shelf is not None:
        _refuse_other_head(job, shelf, by_site)
        job = with_session(job, shelf.engine)
    values = {"steps": str(len(lying)), "migrations": "\n".join(lying)}
    command = Command(line, values=values, env=old.env, cwd=old.directory)
    undo = migrating(job, old)
    command = job.app.migrating.proven_back(job.session.patient(command))
    step = Step(
        "migrate down", f"take back {len(lying)}: {_describe(job, line)}", command, undo, timeout=job.app.timeout
    )
    wave = Wave(f"migrate {job.app.name} down", (SitePlan(job.site, (step,)),))
    notes = (f"{job.app.name}: these migrations are taken back: {', '.join(lying)}",)
    if shelf is None:
        return DatabaseRollback((wave,), notes, app=job.app.name)
    return DatabaseRollback((_present(job, shelf), wave), notes, shelf=shelf, app=job.app.name)


def _describe(job: Deployment, line: str) -> str:
    """Return a command as a plan shows it. One of Lockstitch's own texts is described instead."""
    return line if "\n" not in line.strip() else f"app by app, with the tool of `{job.app.migrate}`"


def _refuse_other_head(job: Deployment, shelf: DatabaseJob, by_site: Sequence[Facts]) -> None:
    """Raise CheckError if the newest migration of the database is not the one recorded for the release that serves.

    A run that was cut off may have taken migrations back already, and one too many would follow.
    """
    records = [e for facts in by_site for e in facts.host.journal if e.get("revision") == job.before]
    recorded_head = next((e["head_after"] for e in reversed(records) if e.get("head_after")), "")
    head = shelf.facts.server.head
    if recorded_head and head != recorded_head:
        raise CheckError(
            f"{job.app.name}: the newest migration in the database is {head or 'none'}, and the release that serves "
            f"was deployed with {recorded_head}: it is not known how many are to be taken back\nnothing was changed",
            hint="give --database none where the database is right already, or --database restore",
        )


def _restore(job: Deployment, shelf: DatabaseJob, by_site: Sequence[Facts]) -> DatabaseRollback:
    refuse_restore(shelf, swapping=True)
    backup = belonging(job, shelf, by_site)
    serving = shelf.engine.database(shelf.url)
    away = kept(shelf)
    notes = (
        f"{shelf.database.name}: {backup.name} is restored, taken {backup.at}, "
        f"newest migration {backup.head or 'not known'}: what was written since is not in it; "
        f"it stays in {away}",
        *room_notes(shelf, backup.name),
    )
    summary = (f"{serving} is {backup.name} now; what it was before is kept as {away}",)
    waves = (_present(job, shelf), beside(shelf, backup.name, refusing=False), swap(shelf))
    return DatabaseRollback(waves, notes, summary, shelf, job.app.name)


def _present(job: Deployment, shelf: DatabaseJob) -> Wave:
    """Dump the database as it is, before any of it is taken back."""
    name = steps.new_name(shelf, f"before-rollback-of-{job.app.name}")
    made = BackupLabel("before a rollback", job.app.name, job.before or "")
    return Wave(f"back up {shelf.database.name}", (SitePlan(shelf.site, (steps.dump(shelf, name, made),)),))


def belonging(job: Deployment, shelf: DatabaseJob, by_site: Sequence[Facts]) -> Backup:
    """Return the dump that belongs to the revision of `job`: the newest one made while it served, with the migrations
    that the database had when another revision was first deployed over it.

    If runs failed to leave the revision, it is the dump of the first of them: later ones may hold half of a migration.
    If the revision was left without a dump, because no migration was pending, it is the first dump of a later deploy:
    its migrations are still the same. Raises CheckError if that dump is missing or damaged.
    """
    head = next((known for facts in by_site if (known := _head(facts.host.journal, job.revision))), "")
    same = [b for b in shelf.facts.backups if (b.app, b.revision) == (job.app.name, job.revision)]
    mine = [b for b in same if b.good and (not head or b.head == head)]
    first = first_dump((facts.host.journal for facts in by_site), job.revision)
    if (clean := shelf.facts.find(first)) is not None and clean.good:
        return clean
    if mine:
        return mine[-1]
    order = {b.name: at for at, b in enumerate(shelf.facts.backups)}
    later = [name for facts in by_site for name in _after(facts.host.journal, job.revision)[:1]]
    later.sort(key=lambda name: order.get(name, -1))
    dump = shelf.facts.find(later[0]) if later else None
    if dump is not None and dump.good:
        return dump
    lost = f": {later[0]} is not there any more" if later else ""
    raise CheckError(
        f"{job.app.name}: no dump belongs to {short(job.revision)}{lost}\nnothing was changed",
        hint="fab -H ENV backup.list, then backup.restore NAME by itself; or --database down, or none",
    )


def _head(journal: Sequence[Mapping[str, str]], revision: str) -> str:
    """Return the newest migration when a run, failed or not, first left a revision; empty if unknown."""
    return next((e["head_before"] for e in journal if e.get("before") == revision and e.get("head_before")), "")


def _after(journal: Sequence[Mapping[str, str]], revision: str) -> list[str]:
    """Return the dumps recorded with the good releases after the last deploy of a revision, oldest first."""
    good = [entry for entry in journal if entry.get("verdict") == "good"]
    at = [number for number, entry in enumerate(good) if entry.get("revision") == revision]
    over = [number - 1 for number, entry in enumerate(good) if entry.get("before") == revision]
    start = max(at[-1:] + over[-1:], default=len(good))
    return [entry["backup"] for entry in good[start + 1 :] if entry.get("backup")]
