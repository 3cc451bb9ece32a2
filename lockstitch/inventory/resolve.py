"""Resolution of what was written into what the engine uses. Pure; problems that show only here are collected too."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from lockstitch.databases.backup import BackupDirectory
from lockstitch.databases.engine import engines
from lockstitch.databases.retention import RetentionPolicy
from lockstitch.inventory.app import AppSettings
from lockstitch.inventory.checks import HostChecks
from lockstitch.inventory.database import DatabaseSettings
from lockstitch.inventory.merge import Placement, placements
from lockstitch.inventory.model import App, Database, Group
from lockstitch.inventory.schema import Environment, HostSettings, Rollout
from lockstitch.inventory.settings import Settings
from lockstitch.inventory.ssh import SshSettings
from lockstitch.inventory.types import tidied
from lockstitch.inventory.validation import LOCAL, judged
from lockstitch.inventory.variables import merged_settings
from lockstitch.inventory.yaml_tree import Problem, YamlNode
from lockstitch.model.host import Address, Host, Limits
from lockstitch.model.layout import layout

Model = TypeVar("Model", bound=Settings)


def place(tree: YamlNode) -> tuple[dict[tuple[str, str], App], list[Problem]]:
    """Every app on every host, and what is wrong with how it is there."""
    placed: dict[tuple[str, str], App] = {}
    problems: list[Problem] = []
    for placement in placements(tree):
        settings, wrong = judged(AppSettings, placement.tree)
        problems += wrong
        if settings is None:
            continue
        app = _app(placement.app, settings)
        problems += _in_the_way(app, placement, placed)
        placed.setdefault((app.name, placement.host), app)
    return placed, problems


def _app(name: str, settings: AppSettings) -> App:
    known = {field: getattr(settings, field) for field in AppSettings.model_fields if field not in ("env", "secrets")}
    service = settings.service
    known["migrate"] = settings.migrate or service.migrate_line()
    known["settings"] = merged_settings(settings)
    if settings.layout == "releases":
        mine = [tidied(path) for path in settings.shared]
        usual = (path for path in service.shared() if path not in {path.rstrip("/") for path in mine})
        known["shared"] = (*usual, *mine)
    return App(name=name, layout_paths=layout(settings.layout, settings.path, settings.state), **known)


def _in_the_way(app: App, placement: Placement, placed: dict[tuple[str, str], App]) -> list[Problem]:
    """Tell whether an app is on the host already, or another app is in the same place."""
    key, tree, host = (app.name, placement.host), placement.tree, placement.host
    if key in placed:
        # Two groups may differ in settings and in rollout: it would be open which of them counts.
        return [tree.problem(f"two groups bring it to {host}: keep it in one of them")]
    for (name, other_host), other in placed.items():
        if other_host == host and name != app.name:
            if other.layout_paths.path == app.layout_paths.path:
                return [tree.get("path").problem(f"{name} has the same path on {host}: each app needs its own")]
            if _inside(app, other) or _inside(other, app):
                return [
                    tree.get("path").problem(
                        f"it and the path of {name} on {host} lie in each other: each app needs its own place"
                    )
                ]
            if other.layout_paths.state == app.layout_paths.state:
                return [tree.get("state").problem(f"{name} has the same state on {host}: each app needs its own")]
    return []


def _inside(app: App, other: App) -> bool:
    """Tell whether an app's path is in what another's releases are made of, where a deploy of that one may remove
    it."""
    at = other.layout_paths
    return not at.in_place and app.layout_paths.path.startswith(
        tuple(f"{part}/" for part in (at.releases, at.shared, at.current, at.clone))
    )


def resolve(environment: Environment, tree: YamlNode) -> tuple[tuple[Group, ...], list[Problem]]:
    """The groups with their hosts. A host in several groups is the same Host everywhere."""
    described = {
        h.name: h for g in reversed(environment.groups.values()) for h in reversed(g.hosts) if _is_described(h)
    }
    hosts: dict[str, Host] = {}
    groups: list[Group] = []
    problems: list[Problem] = []
    for group_name, group in environment.groups.items():
        for index, entry in enumerate(group.hosts):
            settings = described.get(entry.name, entry)
            made = _host(settings, group_name, [environment.ssh, group.ssh, settings.ssh])
            first = hosts.setdefault(entry.name, made)
            if dataclasses.replace(made, group=first.group) != first:
                where = tree.get("groups", group_name, "hosts").items[index]
                problems.append(where.problem(f"{entry.name} is in {first.group} with other ssh settings"))
        rollout = overlaid(Rollout, [environment.rollout, group.rollout])
        checks = overlaid(HostChecks, [environment.checks, group.checks])
        groups.append(Group(group_name, tuple(hosts[h.name] for h in group.hosts), group.apps, rollout, checks))
    return tuple(groups), problems


def _is_described(host: HostSettings) -> bool:
    return host.model_fields_set != {"name"}


def _host(host: HostSettings, group: str, ssh: Sequence[SshSettings]) -> Host:
    settings = overlaid(SshSettings, ssh)
    gateways = settings.gateway
    return Host(
        host.name,
        Address(host.name, host.address, host.port or settings.port, host.user or settings.user),
        group,
        None if gateways is None else tuple(Address(g.address, None, g.port, g.user) for g in gateways),
        settings.host_keys,
        settings.known_hosts,
        settings.identity_files,
        limits(settings),
    )


def limits(ssh: SshSettings) -> Limits:
    """The bounds of connections, as the engine takes them."""
    return Limits(
        connect_timeout=ssh.timeouts.connect,
        banner_timeout=ssh.timeouts.banner,
        auth_timeout=ssh.timeouts.auth,
        channel_timeout=ssh.timeouts.channel,
        keepalive_interval=ssh.keepalive.interval,
        keepalive_timeout=ssh.keepalive.timeout,
        connect_tries=ssh.tries,
        per_gateway=ssh.parallel.per_gateway,
        in_all=ssh.parallel.in_all,
    )


def overlaid(model: type[Model], layers: Sequence[Model]) -> Model:
    """The settings of the layers, what a later one says before what an earlier one does."""
    written = [layer for layer in layers if layer.model_fields_set] or layers[:1]
    if len(written) == 1:
        return written[0]
    said: dict[str, Any] = {}
    for layer in written:
        said = _deep(said, layer.model_dump(exclude_unset=True))
    return model.model_validate(said)


def _deep(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {
        k: _deep(under[k], v) if isinstance(v, dict) and isinstance(under.get(k), dict) else v for k, v in over.items()
    }
    return {**under, **both}


THIS_MACHINE = Host(LOCAL, Address(LOCAL), local=True)


def places(groups: Iterable[Group]) -> Mapping[str, Host]:
    """The host that each value of a `run_on` means: a host, the first one of a group, this machine."""
    hosts = {LOCAL: THIS_MACHINE}
    for group in groups:
        hosts |= {host.name: host for host in group.hosts}
    return {**hosts, **{group.name: group.hosts[0] for group in groups}}


def databases(environment: Environment, hosts: Mapping[str, Host], groups: Iterable[Group]) -> Mapping[str, Database]:
    """Every database by its name; that the hosts it names are there has been judged before."""
    of_groups = {group.name: group.hosts for group in groups}
    return {name: _database(name, settings, hosts, of_groups) for name, settings in environment.databases.items()}


def _database(
    name: str, settings: DatabaseSettings, hosts: Mapping[str, Host], groups: Mapping[str, tuple[Host, ...]]
) -> Database:
    offsite = settings.offsite
    return Database(
        name,
        engines()[settings.engine],
        settings.url,
        hosts[settings.run_on],
        BackupDirectory(settings.directory, name),
        settings.jobs,
        RetentionPolicy(**settings.keep.model_dump()),
        settings.prove.url if settings.prove else None,
        offsite,
        hosts[offsite.host] if offsite and offsite.host else None,
        settings.check,
        settings.drain,
        settings.timeout,
        settings.min_free,
        groups.get(settings.run_on, (hosts[settings.run_on],)),
        settings.pooler.url if settings.pooler else None,
    )
