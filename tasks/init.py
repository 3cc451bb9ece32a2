"""`fab init`."""

from __future__ import annotations

from typing import Any

from lockstitch import cli


@cli.fleet_task(
    alone=True, iterable=["setting"], flags=cli.INIT_FLAGS, help={"directory": "it is made, or holds none of the files"}
)
def init(c: cli.FleetContext, directory: str, **flags: Any) -> None:
    """
    Make a new operations repository: fabfile, fabric.yaml, tasks and an inventory.

    What is not given is asked for on a terminal; elsewhere it is the default, and said. All is written or nothing, and
    nothing that is there is overwritten. `fab --dry init DIR` shows the inventory and writes nothing. Whoever has only
    installed the package types `python -m lockstitch init DIR`, which takes the same.

        fab init ../operations
        fab init ../operations --environment staging --hosts web1.example.com,web2.example.com --app shop
        fab init ../operations --service systemd --setting unit=shop --health http://localhost:8000/health

    Exit codes: 0 made, 2 something is in the way, or an answer cannot be.
    """
    cli.init.init_repository(c, directory, flags)
