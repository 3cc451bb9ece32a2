"""The context of a task on a fleet: the selection, the settings of the project, and the way to the hosts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from lockstitch.errors import UsageError
from lockstitch.model.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from invoke.collection import Collection

    from lockstitch.cli.json_document import JsonDocument
    from lockstitch.inventory.model import Inventory
    from lockstitch.inventory.selection import Selection
    from lockstitch.model.host import Host
    from lockstitch.remote.routed import RoutedRemote
    from lockstitch.remote.ssh import SshRemote


@dataclass(frozen=True)
class ProjectSettings:
    """The `lockstitch:` section of `fabric.yaml`, and where the project is."""

    root: Path
    hosts: Path
    environment: str = ""

    @classmethod
    def of(cls, config: Any) -> ProjectSettings:
        """The settings of a `fab` that has loaded its project's configuration."""
        root = Path(getattr(config, "_project_prefix", None) or Path.cwd())
        section = config.get("lockstitch", None) or {}
        hosts, environment = section.get("hosts", "hosts"), section.get("environment", "")
        if not isinstance(hosts, str) or not isinstance(environment or "", str):
            raise UsageError("fabric.yaml: lockstitch: `hosts` and `environment` must be words")
        return cls(root, root / hosts, environment or "")


def runs_folder(config: Any, root: Path) -> Path:
    """Return the folder of the runs' records, one for each run."""
    return root / Path(str((config.get("lockstitch", None) or {}).get("runs", ".lockstitch/runs"))).expanduser()


class FleetContext(Context):
    """The `c` of a fleet task. `defaulted`: nothing was selected, so it is the default environment. `typed` are the
    words before the task that select hosts and say how they are reached; `collection` has every task."""

    selection: Selection
    settings: ProjectSettings
    document: JsonDocument
    dry: bool = False
    remainder: str = ""
    defaulted: bool = False
    typed: tuple[str, ...] = ()
    collection: Collection

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Every selected host once: those of environments, then those that were named plainly."""
        return hosts_of(self.selection)

    @property
    def root(self) -> Path:
        """The project's folder, where fabfile.py is."""
        return self.settings.root


class _Folder:
    """The inventories of the project; a project without any still works with plain hosts."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> Sequence[str]:
        # Start-up: `fab --list` needs no inventory.
        from lockstitch.inventory.load import environments

        return environments(self._path) if self._path.exists() else []

    def load(self, name: str) -> Inventory:
        # Start-up: as above.
        from lockstitch.inventory.load import load

        return load(self._path, name)


def select(settings: ProjectSettings, typed: str) -> tuple[Selection, bool]:
    """Return the selection that -H means, or without it the default environment; and whether it is the default."""
    # Start-up: as above.
    from lockstitch.inventory.selection import select as select_of

    if typed:
        return select_of(_Folder(settings.hosts), typed), False
    if not settings.environment:
        raise UsageError("no hosts are selected", hint="fab -H ENV …, or `lockstitch: {environment: …}` in fabric.yaml")
    return select_of(_Folder(settings.hosts), settings.environment), True


def hosts_of(selection: Selection) -> tuple[Host, ...]:
    """Every host of a selection once."""
    of_fleets = [host for fleet in selection.fleets for host in fleet.hosts]
    return tuple(dict.fromkeys([*of_fleets, *map(plain_host, selection.plain)]))


def plain_host(name: str) -> Host:
    """The Host that is meant by `user@host:port`, with all else from `~/.ssh/config`."""
    # Start-up: `fab --list` needs no hosts.
    from lockstitch.model.host import Host
    from lockstitch.remote.ssh.route import parse_address

    return Host(name, parse_address(name))


def typed_names(selection: Selection) -> dict[str, str]:
    """Return how each host is written after -H, by its name."""
    return {host.name: f"{fleet.inventory.name}:{host.name}" for fleet in selection.fleets for host in fleet.hosts}


def remote_for(c: FleetContext) -> RoutedRemote[SshRemote]:
    """The way to the hosts, with all that the command line said about connecting; and to this machine."""
    # Start-up: as above.
    from lockstitch.remote.routed import RoutedRemote
    from lockstitch.remote.ssh import SshRemote

    return RoutedRemote(SshRemote(c.config, typed=typed_names(c.selection), root=c.root))
