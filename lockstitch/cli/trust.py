"""`trust`: the host keys of a selection, shown and recorded."""

from __future__ import annotations

import sys

from lockstitch.cli.confirmation import asked
from lockstitch.cli.context import FleetContext, remote_for
from lockstitch.errors import UsageError
from lockstitch.model.host import Host
from lockstitch.remote.ssh import HostKey, Trust
from lockstitch.report.text import table


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
                    _trust(trust, hop, yes=yes, dry=c.dry)
    finally:
        remote.close()


def _trust(trust: Trust, host: Host, *, yes: bool, dry: bool) -> None:
    keys = trust.fetch_keys(host)
    rows = [(host.name, key.kind, key.fingerprint, _standing(key)) for key in keys]
    print(table(("HOST", "TYPE", "FINGERPRINT", "KNOWN_HOSTS SAYS"), rows))
    for key in keys:
        if _standing(key) == "revoked":
            raise UsageError(f"{host.name}: its key is marked as revoked, so it is not recorded")
    new = [key for key in keys if _standing(key) != "trusted"]
    if dry or not new or not _agreed(host.name, yes=yes):
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
            "there is no terminal to compare fingerprints on", hint="fab -H ENV trust --yes, if they are right"
        )
    question = f"are these the fingerprints of {host}? type yes to record them: "
    return asked(lambda: print(question, end="", flush=True)).lower() == "yes"
