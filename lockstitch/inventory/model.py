"""The resolved inventory, as the engine uses it: groups of hosts, and each app as it is on each host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import cached_property

from lockstitch.databases.backup import BackupDirectory
from lockstitch.databases.engine import Engine
from lockstitch.databases.migrations import Migrating, migrating
from lockstitch.databases.retention import RetentionPolicy
from lockstitch.errors import UsageError
from lockstitch.evidence import Need
from lockstitch.evidence.forges import Forge
from lockstitch.flags.base import Flag
from lockstitch.inventory.app import BackupWhen, Health, MigrateTimeouts
from lockstitch.inventory.checks import AppChecks, HostChecks
from lockstitch.inventory.database import CheckSettings, OffsiteSettings
from lockstitch.inventory.metrics import GateSettings
from lockstitch.inventory.notify import NotifySettings
from lockstitch.inventory.schema import Rollout
from lockstitch.inventory.smoke import SmokeSettings
from lockstitch.inventory.validation import did_you_mean
from lockstitch.inventory.variables import EnvFile, Setting
from lockstitch.inventory.watch import RollbackRule, WatchStage
from lockstitch.measures.base import Measure
from lockstitch.metrics.base import Source
from lockstitch.model.hook import Hook
from lockstitch.model.host import Host
from lockstitch.model.layout import Layout, LayoutKind
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.services.base import Service
from lockstitch.services.maintenance import Maintenance, by_file


@dataclass(frozen=True)
class App:
    """One app as it is on one host. `settings` has those of the short forms too."""

    name: str
    layout_paths: Layout
    repository: str
    ref: str
    layout: LayoutKind
    path: str
    state: str | None
    user: str | None
    build: tuple[str, ...]
    test: tuple[str, ...]
    check: str | None
    migrate: str | None
    database: str | None
    backup: BackupWhen
    pending: str | None
    migrate_down: str | None
    migrations: tuple[str, ...]
    timeout: float
    shared: tuple[str, ...]
    keep: int
    settings: Mapping[str, Setting]
    env_file: EnvFile | None
    service: Service
    health: Health | None
    maintenance_page: str | None
    logs: tuple[str, ...]
    min_free: int
    checks: AppChecks = field(default_factory=AppChecks)
    gates: Mapping[str, GateSettings] = field(default_factory=dict)
    migrate_timeouts: MigrateTimeouts | None = None
    watch: tuple[WatchStage, ...] = ()
    rollback_on: Mapping[str, RollbackRule] = field(default_factory=dict)
    flags: Mapping[str, Flag] = field(default_factory=dict)
    smoke: SmokeSettings | None = None
    measure: Mapping[str, Measure] = field(default_factory=dict)

    @cached_property
    def env(self) -> Mapping[str, str]:
        """The environment of its commands that is no secret."""
        return {name: each.value for name, each in self.settings.items() if each.value is not None}

    @cached_property
    def secrets(self) -> Mapping[str, str]:
        """The secret part of that environment, and what its service needs, as references for `resolve_secret`."""
        own = {name: each.source for name, each in self.settings.items() if each.source is not None}
        return {**self.service.secrets(), **own}

    @cached_property
    def built(self) -> frozenset[str]:
        """The settings that are built into its code."""
        return frozenset(name for name, each in self.settings.items() if each.when == "build")

    @property
    def migrating(self) -> Migrating:
        """The tool that lists, counts and takes back its migrations."""
        return migrating(self.migrate, self.pending, self.migrate_down, self.migrations)

    @property
    def mode(self) -> Maintenance | None:
        """The way it is put into maintenance, by its service or by its web server; None where none is known."""
        return self.service.maintenance_mode() or (by_file(self.maintenance_page) if self.maintenance_page else None)


@dataclass(frozen=True)
class Database:
    """A database, and the host whose programs dump it and that holds its backups: one of `hosts`, the first where none
    has any yet.

    `url`, `prove` and `pooler` are references for `resolve_secret`; times are in seconds, sizes in bytes.
    """

    name: str
    engine: Engine
    url: str
    host: Host
    vault: BackupDirectory
    jobs: int
    keep: RetentionPolicy
    prove: str | None
    offsite: OffsiteSettings | None
    offsite_host: Host | None
    check: CheckSettings
    drain: float
    timeout: float
    min_free: int
    hosts: tuple[Host, ...] = ()
    pooler: str | None = None


@dataclass(frozen=True)
class Group:
    """A named list of hosts that run the same apps, and how they change."""

    name: str
    hosts: tuple[Host, ...]
    apps: tuple[str, ...]
    rollout: Rollout
    checks: HostChecks = field(default_factory=HostChecks)


@dataclass(frozen=True)
class Inventory:
    """One environment. `placed` holds every app by (its name, the host's name)."""

    name: str
    protect: bool
    groups: tuple[Group, ...]
    placed: Mapping[tuple[str, str], App]
    databases: Mapping[str, Database] = field(default_factory=dict)
    metrics: Mapping[str, Source] = field(default_factory=dict)
    hooks: tuple[Hook, ...] = ()
    notify: NotifySettings = field(default_factory=NotifySettings)
    duties: Mapping[str, str] = field(default_factory=dict)
    requires: tuple[Need, ...] = ()
    forge: Forge | None = None

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Every host once, in the order of the groups."""
        return tuple(dict.fromkeys(host for group in self.groups for host in group.hosts))

    @property
    def apps(self) -> tuple[str, ...]:
        """The names of the apps that are deployed somewhere, in the order they are deployed."""
        return tuple(dict.fromkeys(app for group in self.groups for app in group.apps))

    def app(self, name: str, host_name: str) -> App:
        """An app as it is on a host."""
        app = self.placed.get((name, host_name))
        if app is None:
            here = [app for app, host in self.placed if host == host_name]
            raise UsageError(f"no app {name} runs on {host_name}{did_you_mean(name, here)}")
        return app

    def group(self, name: str) -> Group:
        """A group by its name."""
        for group in self.groups:
            if group.name == name:
                return group
        known = [group.name for group in self.groups]
        raise UsageError(f"{self.name} has no group {name}{did_you_mean(name, known)}")
