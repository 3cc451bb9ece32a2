"""The value Fleet: the hosts of one environment that are meant, in the order of its groups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lockstitch.errors import UsageError
from lockstitch.inventory.model import App, Group, Inventory
from lockstitch.inventory.validation import did_you_mean
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Fleet:
    """The selected part of one environment.

    `cells` are (group, host): a host in two groups can be meant as a member of one of them, and then only that
    group's apps are. `narrowed` are the apps that are meant; None is all of them.
    """

    inventory: Inventory
    cells: tuple[tuple[str, Host], ...]
    narrowed: tuple[str, ...] | None = None

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Every host that is meant, once. Where it is narrowed to apps: those that run one of them."""
        return tuple(dict.fromkeys(host for group in self.groups for host in group.hosts))

    @property
    def groups(self) -> tuple[Group, ...]:
        """The inventory's groups, each with only the hosts and apps that are meant; none is empty."""
        groups = []
        for group in self.inventory.groups:
            hosts = tuple(host for name, host in self.cells if name == group.name)
            apps = tuple(app for app in group.apps if self.narrowed is None or app in self.narrowed)
            if hosts and (apps or self.narrowed is None):
                groups.append(replace(group, hosts=hosts, apps=apps))
        return tuple(groups)

    @property
    def apps(self) -> tuple[str, ...]:
        """The names of the apps that are meant, in the order they are deployed."""
        return tuple(dict.fromkeys(app for group in self.groups for app in group.apps))

    def sites(self) -> tuple[tuple[Host, App], ...]:
        """Groups in the order written; in a group its apps in order, each over its hosts. Every pair once."""
        pairs = [(host, app) for group in self.groups for app in group.apps for host in group.hosts]
        return tuple((host, self.inventory.app(app, host.name)) for host, app in dict.fromkeys(pairs))

    def only(self, apps: Iterable[str]) -> Fleet:
        """The part of it that runs these apps."""
        names = tuple(dict.fromkeys(apps))
        for app in names:
            if app not in self.apps:
                where = "on the selected hosts" if app in self.inventory.apps else f"in {self.inventory.name}"
                raise UsageError(f"there is no app {app} {where}{did_you_mean(app, self.apps)}")
        return replace(self, narrowed=names)
