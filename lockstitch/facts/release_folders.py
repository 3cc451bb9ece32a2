"""Release folders of a site in the order of its journal, and folders that no journal line mentions. Pure."""

from __future__ import annotations

from lockstitch.facts.site import Facts
from lockstitch.model.release import Release, is_release_id, stamp

# What is being made, and what could not be removed: both are told when they are met.
_OURS = (".part", ".gone")
_SHOWN = 5


def recorded(facts: Facts) -> tuple[Release, ...]:
    """Return the releases whose folders exist, oldest first, including those of runs that were cut off before they
    recorded one."""
    known = {release.id: release for release in facts.releases}
    order: dict[str, float] = {}
    for at, entry in enumerate(facts.host.journal):
        order.setdefault(entry.get("release", ""), at)
    for at, run in facts.host.begun:
        order.setdefault(stamp(run), at - 0.5)
    there = {n: order.get(n, order.get(stamp(n))) for n in facts.place.folders if is_release_id(n)}
    names = [name for _, name in sorted((at, name) for name, at in there.items() if at is not None)]
    return tuple(known.get(name, Release(name, "")) for name in names)


def unrecorded_folders(facts: Facts) -> tuple[str, ...]:
    """Return the names among the releases that no record of this host mentions: they are never removed."""
    known = {release.id for release in (*recorded(facts), *facts.releases)}
    return tuple(name for name in facts.place.folders if name not in known and not name.endswith(_OURS))


def remarks(facts: Facts) -> tuple[str, ...]:
    """Return sentences about damaged journals and unknown folders."""
    layout, names = facts.site.layout, unrecorded_folders(facts)
    damage = (
        f"its journal {layout.journal} is damaged ({facts.host.damaged} lines are no records): what is whole counts"
    )
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    foreign = f"in no record of this host, and left alone in {layout.releases}: {shown}"
    return (*([damage] if facts.host.damaged else []), *([foreign] if names else []))


def taken_ids(facts: Facts) -> frozenset[str]:
    """Return the ids that a new release may not have."""
    return frozenset((*facts.place.folders, *(entry.get("release", "") for entry in facts.host.journal)))
