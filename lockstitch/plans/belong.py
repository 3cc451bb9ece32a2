"""Pure: which backup belongs to which release, by what the hosts' journals say of their releases."""

from __future__ import annotations

from lockstitch.facts import Facts, Survey
from lockstitch.inventory import Fleet


def held_backups(survey: Survey) -> dict[str, str]:
    """The backups that releases still on a host were deployed over, by name, and whose they are."""
    held: dict[str, str] = {}
    for site, facts in survey.facts.items():
        there = _there(facts)
        for entry in facts.host.journal:
            name = entry.get("backup", "")
            if name and entry.get("release", "") in there:
                held[name] = f"release {entry['release']} of {site}"
    return held


def running(fleet: Fleet, survey: Survey) -> dict[str, tuple[str, str]]:
    """For each database the app that has it and the revision that serves, where all hosts stand on one."""
    standing: dict[str, set[tuple[str, str]]] = {}
    apps = {(host.name, app.name): app for host, app in fleet.sites()}
    for site, facts in survey.facts.items():
        database = apps[site.host, site.app].database
        if database and facts.place.revision:
            standing.setdefault(database, set()).add((site.app, facts.place.revision))
    return {database: each.pop() for database, each in standing.items() if len(each) == 1}


def _there(facts: Facts) -> set[str]:
    """The releases that can be gone back from or to: the folders, or what a checkout's journal still tells of."""
    if not facts.site.layout.in_place:
        return set(facts.place.folders)
    good = [release.id for release in facts.releases if release.verdict in ("good", "left")]
    return set(good[-_KEPT_IN_PLACE:])


# A checkout can go back to any revision; for so many releases the dump they were deployed over stays as well.
_KEPT_IN_PLACE = 5
