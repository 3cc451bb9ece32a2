"""`hosts` and `version`: what a selection means, and what answers."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from lockstitch import __version__
from lockstitch.cli.context import FleetContext
from lockstitch.inventory.selection import Selection
from lockstitch.model.host import Address
from lockstitch.report.text import table

_PROGRAMS = ("Fabric", "Paramiko", "Invoke")
_HEADINGS = ("ENVIRONMENT", "GROUP", "HOST", "ADDRESS", "THROUGH", "APPS")


def show_hosts(c: FleetContext, *, json: bool) -> None:
    """Print every selected host: as a table, or as JSON."""
    hosts = _hosts(c.selection)
    if json:
        c.document.answer = {"hosts": hosts}
        c.document.end(0)
        return
    rows = [[", ".join(v) if isinstance(v, list) else str(v or "-") for v in host.values()] for host in hosts]
    print(table(_HEADINGS, rows))


def show_version() -> None:
    """Print the versions of Lockstitch, of what it is made of, and of Python."""
    lines = [f"Lockstitch {__version__}", *(f"{name} {version(name.lower())}" for name in _PROGRAMS)]
    print("\n".join([*lines, f"Python {platform.python_version()}"]))


def _hosts(selection: Selection) -> list[dict[str, Any]]:
    in_fleets = [
        {
            "environment": fleet.inventory.name,
            "group": group.name,
            "host": host.name,
            "address": _address(host.address),
            "through": [_address(hop) for hop in host.gateways or ()],
            "apps": list(group.apps),
        }
        for fleet in selection.fleets
        for group in fleet.groups
        for host in group.hosts
    ]
    plain = [
        {"environment": "", "group": "", "host": name, "address": name, "through": [], "apps": []}
        for name in selection.plain
    ]
    return in_fleets + plain


def _address(address: Address) -> str:
    user = f"{address.user}@" if address.user else ""
    port = f":{address.port}" if address.port else ""
    return f"{user}{address.hostname or address.name}{port}"
