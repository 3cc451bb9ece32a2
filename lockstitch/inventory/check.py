"""What no single key can show: names that point nowhere, hosts said twice, apps in each other's way. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lockstitch.inventory.merge import described, name_of
from lockstitch.inventory.nearest import did_you_mean
from lockstitch.inventory.yaml_tree import Problem, Tree

LOCAL = "local"


def across(tree: Tree) -> Iterator[Problem]:
    """All problems between the parts of an inventory. What has a wrong type is passed over: its model says so."""
    groups = tree.get("groups").entries
    for group in groups.values():
        yield from _apps(group, tree)
        yield from _twice(group.get("hosts").items, "host")
        yield from _twice(group.get("apps").items, "app")
        yield from _overrides(group, [group])
        for host in group.get("hosts").items:
            there = [g for g in groups.values() if name_of(host) in map(name_of, g.get("hosts").items)]
            yield from _overrides(host, there)
            yield from _host(host, groups, tree)
    yield from _databases(tree, groups)


def _apps(group: Tree, tree: Tree) -> Iterator[Problem]:
    apps = tree.get("apps").entries
    for app in group.get("apps").items:
        if isinstance(app.content, str) and app.content not in apps:
            yield app.problem(f"there is no app {app.content}{did_you_mean(app.content, apps)}")


def _twice(listed: list[Tree], what: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for entry in listed:
        name = name_of(entry)
        if name and name in seen:
            yield entry.problem(f"the {what} {name} is in this group twice")
        seen.add(name)


def _overrides(place: Tree, groups: list[Tree]) -> Iterator[Problem]:
    known = [str(app.content) for group in groups for app in group.get("apps").items]
    for app, override in place.get("override").entries.items():
        if app not in known:
            yield override.problem(f"no app {app} runs here{did_you_mean(app, known)}")


def _host(host: Tree, groups: dict[str, Tree], tree: Tree) -> Iterator[Problem]:
    name = name_of(host)
    if name in groups:
        yield host.problem(f"{name} is the name of a group as well: a selection could not tell them apart")
    first = described(tree).get(name, host)
    if host.entries and first.plain() != host.plain():
        yield host.problem(
            f"{name} is described differently on line {first.line} of {first.file}: "
            "describe it once, elsewhere write its name"
        )


def _databases(tree: Tree, groups: dict[str, Tree]) -> Iterator[Problem]:
    databases, apps = tree.get("databases").entries, tree.get("apps").entries
    hosts = [name_of(host) for group in groups.values() for host in group.get("hosts").items]
    for app in apps.values():
        wanted = app.get("database").content
        if isinstance(wanted, str) and wanted not in databases:
            yield app.get("database").problem(f"there is no database {wanted}{did_you_mean(wanted, databases)}")
        elif wanted is None and app.get("backup").content in ("before_migrate", "before_deploy"):
            yield app.get("backup").problem("it names no database: write database: NAME")
    for name, database in databases.items():
        if name in apps:
            yield database.problem(f"{name} is the name of an app as well: output could not tell them apart")
        for place, known in (("run_on", [*groups, *hosts, LOCAL]), ("offsite", hosts)):
            at = database.get(place) if place == "run_on" else database.get(place, "host")
            if isinstance(at.content, str) and at.content not in known:
                what = "group or host" if place == "run_on" else "host"
                yield at.problem(f"there is no {what} {at.content}{did_you_mean(at.content, known)}")
