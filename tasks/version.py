"""`fab version`."""

from __future__ import annotations

from lockstitch import cli


@cli.fleet_task(alone=True)
def version(c: cli.FleetContext) -> None:
    """
    Show the versions of Lockstitch and what it runs on.

    `fab --version` is answered by Fabric before it reads a project, so it cannot name Lockstitch.

        fab version
    """
    cli.selection.show_version()
