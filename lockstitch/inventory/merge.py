"""Settings of each app on each host: an app's own, its group's and its host's, merged. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lockstitch.inventory.yaml_tree import YamlNode, merged
from lockstitch.model.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Placement:
    """One app on one host by way of one group; `tree` is the app with everything that differs there."""

    group: str
    host: str
    app: str
    tree: YamlNode


def name_of(host: YamlNode) -> str:
    """The name of an entry of a group's hosts."""
    name = host.content if isinstance(host.content, str) else host.get("name").content
    return name if isinstance(name, str) else ""


def described(tree: YamlNode) -> dict[str, YamlNode]:
    """Every host that is described somewhere, with its description. Elsewhere its name alone stands for it."""
    entries = [host for group in tree.get("groups").entries.values() for host in group.get("hosts").items]
    placements: dict[str, YamlNode] = {}
    for entry in entries:
        if entry.entries:
            placements.setdefault(name_of(entry), entry)
    return placements


def placements(tree: YamlNode) -> Iterator[Placement]:
    """Every app on every host, in the order of groups, their apps and their hosts."""
    apps, hosts = tree.get("apps").entries, described(tree)
    for name, group in tree.get("groups").entries.items():
        listed = [item.content for item in group.get("apps").items if isinstance(item.content, str)]
        for app in (app for app in dict.fromkeys(listed) if app in apps):
            here = _over(apps[app], group, app)
            for host in dict.fromkeys(map(name_of, group.get("hosts").items)):
                yield Placement(name, host, app, _over(here, hosts[host], app) if host in hosts else here)


def _over(base: YamlNode, place: YamlNode, app: str) -> YamlNode:
    """An app with a group's or a host's `env`, then its `override`, merged over it."""
    env, override = place.get("env"), place.get("override", app)
    if env.entries:
        base = merged(base, replace(base, content={"env": env}))
    return merged(base, override) if override.entries else base
