"""Pure: which backup belongs to which release, by what the hosts' journals say of their releases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lockstitch.databases.backup import NAME, Backup
from lockstitch.facts.site import Facts, Survey
from lockstitch.inventory import Fleet

Journal = Iterable[Mapping[str, str]]


def held_backups(survey: Survey, backups: Iterable[Backup] = ()) -> dict[str, str]:
    """The backups that releases still on a host were deployed over, by name, and whose they are.

    Where a journal is damaged, a line that named one may be lost: all `backups` of its app are held.
    """
    held: dict[str, str] = {}
    found = tuple(backups)
    for site, facts in survey.facts.items():
        there = _there(facts)
        if facts.host.damaged:
            held |= {b.name: f"the journal of {site} is damaged: it may be needed" for b in found if b.app == site.app}
        for entry in facts.host.journal:
            name = entry.get("backup", "")
            if name and entry.get("release", "") in there:
                held[name] = f"release {entry['release']} of {site}"
    for app, name in _first_dumps(survey):
        held.setdefault(name, f"{app}, whose migration failed after it")
    return held


def first_dump(journals: Iterable[Journal], before: str) -> str:
    """The dump made before the first of the runs that failed on their way from a revision, since it was last deployed;
    of several hosts' journals, one that none of them has after another. Empty where no run failed after a dump.

    Those made before later tries may hold half of a migration. Names begin with the time of whoever deployed, which
    tells nothing of their order.
    """
    found = [tries for journal in journals if (tries := _tries(journal, before))]
    later = {name for tries in found for name in list(tries)[1:]}
    firsts = {name: at for tries in found for name, at in list(tries.items())[:1]}
    return min(firsts, key=lambda name: (name in later, firsts[name], name), default="")


def _tries(journal: Journal, before: str) -> dict[str, str]:
    """The dumps made before each of these runs, oldest first, with when the host recorded that."""
    tries: dict[str, str] = {}
    for entry in journal:
        name = entry.get("backup", "")
        if entry.get("verdict") == "bad" and entry.get("before") == before and NAME.fullmatch(name):
            tries.setdefault(name, entry.get("at", ""))
        elif entry.get("verdict") == "good" and entry.get("revision") == before:
            tries = {}
    return tries


def first_dumps(survey: Survey) -> dict[str, str]:
    """By app the first dump of the tries that failed to leave the revision that stands now."""
    return dict(_first_dumps(survey))


def _first_dumps(survey: Survey) -> Iterator[tuple[str, str]]:
    """One for each app and revision that stands somewhere."""
    standing: dict[tuple[str, str], list[Journal]] = {}
    for site, facts in survey.facts.items():
        if facts.place.revision:
            standing.setdefault((site.app, facts.place.revision), []).append(facts.host.journal)
    yield from ((app, name) for (app, before), each in standing.items() if (name := first_dump(each, before)))


def running(fleet: Fleet, survey: Survey) -> dict[str, tuple[str, str]]:
    """For each database the app that has it and the revision that serves, where all hosts stand on one. Not where one
    could not be asked, or read."""
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
    """The releases that can be gone back from or to: the folders, or what a checkout's journal still tells of."""
    if not facts.site.layout.in_place:
        return set(facts.place.folders)
    good = [release.id for release in facts.releases if release.verdict in ("good", "left")]
    return set(good[-_KEPT_IN_PLACE:])


# A checkout can go back to any revision; for so many releases the dump they were deployed over stays as well.
_KEPT_IN_PLACE = 5
