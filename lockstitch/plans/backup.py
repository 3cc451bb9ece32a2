"""Pure: the plans of `backup`, `backup.verify`, `backup.prove` and `backup.prune`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lockstitch.databases.backup import MODE, NAME, Backup, refuse_label
from lockstitch.databases.retention import doomed
from lockstitch.errors import CheckError, UsageError
from lockstitch.facts.site import Facts, Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.folder import folder_hint
from lockstitch.model.format import sized
from lockstitch.model.plan import Plan, RunKind, SitePlan, Step, Wave
from lockstitch.plans import database_steps as steps
from lockstitch.plans.database_steps import BackupLabel, DatabaseJob, record
from lockstitch.plans.ending import unlock_ending, with_endings
from lockstitch.text import listed


def backup(
    environment: str, shelves: Sequence[DatabaseJob], label: str, running: Mapping[str, tuple[str, str]] | None = None
) -> Plan:
    """Make the plan that dumps these databases at once.

    `running` are the app and the revision that each one serves. Raises CheckError with every problem.
    """
    refuse_label(label)
    refuse(shelves)
    units = []
    for shelf in shelves:
        app, revision = (running or {}).get(shelf.database.name, ("", ""))
        units.append(
            SitePlan(shelf.site, (steps.dump(shelf, steps.new_name(shelf, label), BackupLabel(label, app, revision)),))
        )
    notes = [note for shelf in shelves for note in dump_notes(shelf)]
    names = [steps.new_name(shelf, label) for shelf in shelves]
    endings = [(s, [steps.record(s, "backup", label, name=name)]) for s, name in zip(shelves, names, strict=True)]
    waves = [Wave("dump", tuple(units), preflight=True)]
    summary = [f"made {name}" for name in names]
    then = f"backup.prove {names[0]}"
    return database_plan("backup", environment, shelves, waves, endings, notes, label, summary=summary, then=then)


def verify(environment: str, chosen: Sequence[tuple[DatabaseJob, str]]) -> Plan:
    """Make the plan that compares backups with their checksums and reads their dumps."""
    shelves = [shelf for shelf, _ in chosen]
    refuse_unready(shelves)
    units = [SitePlan(shelf.site, (steps.check(shelf, name),)) for shelf, name in chosen]
    summary = [f"{name}: every file is as it was dumped, and can be read" for _, name in chosen]
    then = f"backup.prove {chosen[0][1]}"
    waves = [Wave("verify", tuple(units), preflight=True)]
    return database_plan("verify", environment, shelves, waves, [], [], summary=summary, then=then)


def prove(environment: str, chosen: Sequence[tuple[DatabaseJob, str]]) -> Plan:
    """Make the plan that restores backups into scratch databases, compares every table's rows, and records it."""
    shelves = [shelf for shelf, _ in chosen]
    refuse_unready(shelves)
    for shelf in shelves:
        if not shelf.prove:
            raise UsageError(
                f"{shelf.database.name} has no server to prove backups on",
                hint="write prove: {url: env:SCRATCH_DATABASE_URL} under it in the inventory",
            )
    units, endings = [], []
    for shelf, name in chosen:
        beside = shelf.beside(shelf.proving)
        made = steps.scratch(shelf, name, beside, shelf.prefix(shelf.proving))
        restored = steps.restore(shelf, name, beside, url=shelf.prove, owners=False)
        gate = steps.rows(shelf, name, beside, shelf.prove)
        did = (steps.reach(shelf), steps.check(shelf, name), made, restored)
        units.append(SitePlan(shelf.site, did, (gate,)))
        last = [steps.prove(shelf, name), steps.drop_scratch(shelf, beside), steps.record(shelf, "proof", name=name)]
        endings.append((shelf, last))
    summary = [f"{name} is proven: restored, every table with the rows it was dumped with" for _, name in chosen]
    notes = [note for shelf, name in chosen for note in room_notes(shelf, name)]
    waves = [Wave("restore", tuple(units), preflight=True)]
    return database_plan("prove", environment, shelves, waves, endings, notes, summary=summary)


def prune(environment: str, shelves: Sequence[DatabaseJob], held: Mapping[str, str]) -> Plan:
    """Make the plan that removes the backups that no rule keeps. `held` are those that releases need, with the
    reason."""
    refuse_unready(shelves)
    units, endings, summary, notes = [], [], [], []
    for shelf in shelves:
        keep, future = shelf.database.keep, shelf.facts.future
        gone = tuple(b.name for b in doomed(shelf.facts.backups, keep, held, future))
        notes += [f"{b.name} is dated {b.at}, on its host it is {shelf.facts.now}: it is left alone" for b in future]
        if gone:
            units.append(SitePlan(shelf.site, (steps.remove(shelf, gone),)))
            summary += [f"removed {name}" for name in gone]
            endings.append((shelf, [steps.record(shelf, "prune", names=" ".join(gone))]))
    waves = [Wave("remove", tuple(units))] if units else []
    shelves, nothing = [shelf for shelf, _ in endings], "every backup is kept"
    return database_plan("prune", environment, shelves, waves, endings, notes, nothing=nothing, summary=summary)


def choose(shelves: Sequence[DatabaseJob], name: str) -> list[tuple[DatabaseJob, str]]:
    """Return the backup of that name with its database; without a name, the newest whole one of each database."""
    refuse_unreadable(shelves)
    if not name:
        chosen = [(s, newest.name) for s in shelves if (newest := s.facts.newest) is not None]
        if not chosen:
            some = any(shelf.facts.backups for shelf in shelves)
            none = "there is no backup that can be counted on" if some else "there is no backup yet"
            raise CheckError(none, hint=f"fab -H ENV backup{'.list' if some else ''}")
        return chosen
    for shelf in shelves:
        if shelf.facts.find(name) is not None:
            return [(shelf, name)]
    known = [b.name for s in shelves for b in s.facts.backups][-3:]
    raise UsageError(
        f"there is no backup {name}; the last ones: {', '.join(known) or 'none'}", hint="fab -H ENV backup.list"
    )


def refuse(shelves: Sequence[DatabaseJob]) -> None:
    """Raise CheckError with every problem that prevents a dump of these databases."""
    refuse_unready(shelves)
    problems = [f"{s.site}: {problem}" for s in shelves for problem in against_dump(s)]
    if problems:
        raise CheckError(listed([*problems, "nothing was begun"]))


def refuse_unready(shelves: Sequence[DatabaseJob]) -> None:
    """Raise CheckError where a backup directory cannot be used."""
    refuse_unreadable(shelves)
    problems = [f"{s.site}: {problem}" for s in shelves for problem in _against(s)]
    if problems:
        raise CheckError(listed([*problems, "nothing was begun"]), hint=_folders_hint(shelves))


def _folders_hint(shelves: Sequence[DatabaseJob]) -> str:
    hints = [folder_hint(shelf.facts.unwritable, MODE, shelf.site.host) for shelf in shelves]
    return "; ".join(dict.fromkeys(filter(None, hints)))


def refuse_unreadable(shelves: Sequence[DatabaseJob]) -> None:
    """Raise CheckError where a backup directory could not be read. Unknown content is not an empty directory."""
    problems = [f"{shelf.site}: unreadable: {why}" for shelf in shelves for why in shelf.facts.unreadable]
    if problems:
        raise CheckError(listed([*problems, "nothing was begun"]))


def dump_notes(shelf: DatabaseJob) -> Iterator[str]:
    """Yield notes for a person before a dump begins."""
    facts, server = shelf.facts, shelf.facts.server
    estimate = steps.estimate(shelf)
    if server.size is not None and estimate is not None and facts.free is not None:
        sizes = [f"{sized(server.size)} on disk", f"about {sized(estimate)} dumped", f"{sized(facts.free)} free"]
        yield f"{shelf.database.name}: {', '.join(sizes)} in {shelf.database.vault.directory}"
    if facts.free is None:
        yield f"{shelf.database.name}: how much is free in {shelf.database.vault.directory} is not told (df -P)"
    if differ := shelf.engine.versions(server.server, server.tool):
        yield f"{shelf.database.name}: {differ}"


def room_notes(shelf: DatabaseJob, name: str) -> Iterator[str]:
    """Yield a note on the disk space that a restore needs on the database server, which SQL cannot tell."""
    dump = shelf.facts.find(name)
    if dump is not None and dump.size:
        yield f"{name} was dumped from {sized(dump.size)}: its server needs so much disk, and that is not looked at"


def _against(shelf: DatabaseJob) -> Iterator[str]:
    for tool in shelf.facts.missing:
        yield f"`{tool}` is not found on this host"
    yield from map(str, shelf.facts.unwritable)


def against_dump(shelf: DatabaseJob) -> Iterator[str]:
    """Yield the problems that prevent a dump of a database now."""
    facts, estimate = shelf.facts, steps.estimate(shelf)
    if facts.server.problem:
        yield facts.server.problem
    elif estimate is not None and facts.free is not None and facts.free < estimate + shelf.database.min_free:
        directory, spare = shelf.database.vault.directory, sized(shelf.database.min_free)
        yield (
            f"{sized(facts.free)} are free in {directory}, a dump of {sized(facts.server.size or 0)} takes about "
            f"{sized(estimate)}, and {spare} must stay free (min_free)"
        )


def database_plan(
    kind: RunKind,
    environment: str,
    shelves: Sequence[DatabaseJob],
    waves: Sequence[Wave],
    endings: Sequence[tuple[DatabaseJob, Sequence[Step]]],
    notes: Sequence[str],
    message: str = "",
    *,
    nothing: str = "",
    summary: Sequence[str] = (),
    then: str = "",
) -> Plan:
    """Make a plan of databases, with its records at the end. The locks are freed however it ends."""
    first = shelves[0] if shelves else None
    each = {shelf.site: shelf for shelf in shelves}.values()
    last = {shelf.site: tuple(each) for shelf, each in endings}
    plan = Plan(
        kind,
        environment,
        first.run if first else "",
        first.by if first else "",
        message,
        tuple(waves),
        notes=tuple(notes),
        empty_reason=nothing,
        summary=tuple(summary),
        next_command=f"fab -H {environment} {then or 'backup.list'}",
    )
    return with_endings(plan, [unlock_ending(s.site, s.run, s.facts.written, last.get(s.site, ())) for s in each])


JournalRows = Iterable[Mapping[str, str]]


def held_backups(survey: Survey, backups: Iterable[Backup] = ()) -> dict[str, str]:
    """Return the backups that must be kept for releases that are still on a host, by name, with the reason.

    A damaged journal may have lost a line that names one: then all `backups` of its app are kept.
    """
    held: dict[str, str] = {}
    candidates = tuple(backups)
    for site, facts in survey.facts.items():
        there = _there(facts)
        if facts.host.damaged:
            why = f"the journal of {site} is damaged: it may be needed"
            held |= {backup.name: why for backup in candidates if backup.app == site.app}
        for entry in facts.host.journal:
            name = entry.get("backup", "")
            if name and entry.get("release", "") in there:
                held[name] = f"release {entry['release']} of {site}"
    for app, name in _first_dumps(survey):
        held.setdefault(name, f"{app}, whose migration failed after it")
    return held


def first_dump(journals: Iterable[JournalRows], before: str) -> str:
    """Return the dump made before the first of the runs that failed to leave the revision `before`, since it was last
    deployed. Empty if no run failed after a dump.

    Dumps before later tries may hold half of a migration. Of several journals, the result is a dump that none of them
    lists after another: names begin with the time of the controller, which does not tell their order.
    """
    histories = [tries for journal in journals if (tries := _tries(journal, before))]
    later = {name for tries in histories for name in list(tries)[1:]}
    firsts = {name: at for tries in histories for name, at in list(tries.items())[:1]}
    return min(firsts, key=lambda name: (name in later, firsts[name], name), default="")


def _tries(journal: JournalRows, before: str) -> dict[str, str]:
    """Return the dumps made before each of these runs, oldest first, with the time at which the host recorded them."""
    tries: dict[str, str] = {}
    for entry in journal:
        name = entry.get("backup", "")
        # One that another app's failure took back has its dump, and perhaps its migration, as well.
        if entry.get("verdict") in ("bad", "unknown") and entry.get("before") == before and NAME.fullmatch(name):
            tries.setdefault(name, entry.get("at", ""))
        elif entry.get("verdict") == "good" and entry.get("revision") == before:
            tries = {}
    return tries


def first_dumps(survey: Survey) -> dict[str, str]:
    """Return, by app, the first dump of the tries that failed to leave the current revision."""
    return dict(_first_dumps(survey))


def _first_dumps(survey: Survey) -> Iterator[tuple[str, str]]:
    """Yield app and dump for each current revision of an app."""
    standing: dict[tuple[str, str], list[JournalRows]] = {}
    for site, facts in survey.facts.items():
        if facts.place.revision:
            standing.setdefault((site.app, facts.place.revision), []).append(facts.host.journal)
    yield from ((app, name) for (app, before), each in standing.items() if (name := first_dump(each, before)))


def running(fleet: Fleet, survey: Survey) -> dict[str, tuple[str, str]]:
    """Return, by database, the app and revision that use it, where all hosts have the same one and all could be
    read."""
    asked = {(site.host, site.app) for site, facts in survey.facts.items() if not facts.place.unreadable}
    away = {app.database for host, app in fleet.sites() if (host.name, app.name) not in asked}
    standing: dict[str, set[tuple[str, str]]] = {}
    apps = {(host.name, app.name): app for host, app in fleet.sites()}
    for site, facts in survey.facts.items():
        database = apps[site.host, site.app].database
        if database and facts.place.revision:
            standing.setdefault(database, set()).add((site.app, facts.place.revision))
    return {database: each.pop() for database, each in standing.items() if len(each) == 1 and database not in away}


def _there(facts: Facts) -> set[str]:
    """Return the releases that a rollback can reach: those with a folder, or the recent ones in a checkout's
    journal."""
    if not facts.site.layout.in_place:
        return set(facts.place.folders)
    good = [release.id for release in facts.releases if release.verdict in ("good", "left")]
    return set(good[-_KEPT_IN_PLACE:])


# A checkout can go back to any revision; for so many releases the dump they were deployed over stays as well.
_KEPT_IN_PLACE = 5


def analyze(environment: str, shelves: Sequence[DatabaseJob]) -> Plan:
    """Make the plan that updates the planner's statistics of these databases. Raises CheckError with every problem; a
    database that cannot be dumped is not one."""
    refuse_unreadable(shelves)
    problems = [f"{s.site}: {s.facts.server.problem}" for s in shelves if not s.facts.server.server]
    problems += [
        f"{s.site}: {folder}: its lock and journal are there" for s in shelves for folder in s.facts.unwritable
    ]
    if problems:
        raise CheckError(listed([*problems, "nothing was begun"]), hint=_folders_hint(shelves))
    names = {shelf.site: shelf.engine.database(shelf.url) for shelf in shelves}
    units = [
        SitePlan(s.site, (s.step("analyze", f"analyze {names[s.site]}", s.command(s.engine.maintain)),))
        for s in shelves
    ]
    endings = [(shelf, [record(shelf, "analyze")]) for shelf in shelves]
    summary = [f"{name} is analyzed" for name in names.values()]
    waves = [Wave("analyze", tuple(units), preflight=True)]
    return database_plan("analyze", environment, shelves, waves, endings, [], summary=summary, then="database.check")
