"""`fab hosts` and `fab trust`."""

from __future__ import annotations

from lockstitch import cli


@cli.fleet_task
def hosts(c: cli.FleetContext, json: bool = False) -> None:
    """
    List the selected hosts, without connecting.

    List the hosts that a selection means, without connecting to them.

        fab -H prod hosts
        fab -H 'prod:web*,!web3' hosts --json
    """
    cli.selection.show_hosts(c, json=json)


@cli.fleet_task(help={"yes": "record without asking: only where the fingerprints are known to be right"})
def trust(c: cli.FleetContext, yes: bool = False) -> None:
    """
    Record the keys of hosts, after a look at them.

    Show the host keys' fingerprints and, after a yes, record them in known_hosts.

    Compare them with what the hosts' console shows (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub).

        fab -H prod trust
    """
    cli.trust.trust_hosts(c, yes=yes)
