"""`hosts`: what a selection means."""

from __future__ import annotations

from typing import Any

from lockstitch.cli.context import FleetContext
from lockstitch.inventory.selection import Selection
from lockstitch.model.host import Address
from lockstitch.report.text import table

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
