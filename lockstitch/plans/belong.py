"""Pure: which backup belongs to which release, by what the hosts' journals say of their releases."""

from __future__ import annotations

from lockstitch.facts import Facts, Survey


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


def _there(facts: Facts) -> set[str]:
    """The releases that can be gone back from or to: the folders, or what a checkout's journal still tells of."""
    if not facts.site.layout.in_place:
        return set(facts.place.folders)
    good = [release.id for release in facts.releases if release.verdict in ("good", "left")]
    return set(good[-_KEPT_IN_PLACE:])


# A checkout can go back to any revision; for so many releases the dump they were deployed over stays as well.
_KEPT_IN_PLACE = 5
