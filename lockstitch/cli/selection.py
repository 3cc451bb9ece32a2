"""What a selection means, and the host keys of it."""

from __future__ import annotations

import sys
from typing import Any

from lockstitch.cli import FleetContext, remote_for
from lockstitch.errors import UsageError
from lockstitch.inventory import Selection
from lockstitch.model.host import Address, Host
from lockstitch.remote.ssh import HostKey, Trust
from lockstitch.report import json_text, table

_HEADINGS = ("ENVIRONMENT", "GROUP", "HOST", "ADDRESS", "THROUGH", "APPS")


def show_hosts(selection: Selection, *, json: bool) -> None:
    """Print every selected host: as a table, or as JSON."""
    found = _hosts(selection)
    if json:
        print(json_text(found, 2))
        return
    rows = [[", ".join(v) if isinstance(v, list) else str(v or "-") for v in host.values()] for host in found]
    print(table(_HEADINGS, rows))


def _hosts(selection: Selection) -> list[dict[str, Any]]:
    found = [
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
    return found + plain


def _address(address: Address) -> str:
    user = f"{address.user}@" if address.user else ""
    port = f":{address.port}" if address.port else ""
    return f"{user}{address.hostname or address.name}{port}"


def trust_hosts(c: FleetContext, *, yes: bool) -> None:
    """Show what each host offers, ask, and record it; gateways come before what lies behind them."""
    remote = remote_for(c)
    try:
        trust = Trust(remote.network)
        seen: set[str] = set()
        for host in c.hosts:
            for hop in trust.hops(host):
                if hop.name not in seen:
                    seen.add(hop.name)
                    _trust(trust, hop, yes=yes)
    finally:
        remote.close()


def _trust(trust: Trust, host: Host, *, yes: bool) -> None:
    keys = trust.fetch_keys(host)
    rows = [(host.name, key.kind, key.fingerprint, _standing(key)) for key in keys]
    print(table(("HOST", "TYPE", "FINGERPRINT", "KNOWN_HOSTS SAYS"), rows))
    for key in keys:
        if _standing(key) == "revoked":
            raise UsageError(f"{host.name}: its key is marked as revoked, so it is not recorded")
    new = [key for key in keys if _standing(key) != "trusted"]
    if not new or not _agreed(host.name, yes=yes):
        return
    for key in new:
        trust.record(host, key.key, replace=_standing(key) == "changed")
    print(f"{host.name}: recorded {len(new)} keys")


def _standing(key: HostKey) -> str:
    return str(key.standing.verdict)


def _agreed(host: str, *, yes: bool) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal to compare fingerprints on", hint="fab -H … trust --yes, if they are right"
        )
    print(f"are these the fingerprints of {host}? type yes to record them: ", end="", flush=True)
    return sys.stdin.readline().strip().lower() == "yes"
