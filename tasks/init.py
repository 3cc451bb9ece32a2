"""`fab init`."""

from __future__ import annotations

from typing import Any

from lockstitch import cli


@cli.fleet_task(
    alone=True,
    iterable=["group", "setting"],
    flags=cli.INIT_FLAGS,
    help={"directory": "it is made, or holds none of the files, or is a project"},
)
def init(c: cli.FleetContext, directory: str, **flags: Any) -> None:
    """
    Make a new operations repository.

    Fabfile, fabric.yaml, tasks and an inventory. Or another environment of one.

    What is not given is asked for on a terminal; elsewhere it is the default, and said. All is written or nothing, and
    nothing that is there is overwritten. `fab --dry init DIR` shows the inventory and writes nothing. Whoever has only
    installed the package types `python -m lockstitch init DIR`, which takes the same. In a project's folder only the
    inventory of an environment that it lacks is made; the app's settings are those of the environment it has.

        fab init ../operations
        fab init ../operations --group backend=api1,api2 --group frontend=web1 --app shop
        fab init . --environment staging --hosts staging1.example.com
        fab init ../operations --environment prod --hosts web1.example.com,web2.example.com --app shop
        fab init ../operations --service systemd --setting unit=shop --health http://localhost:8000/health

    Exit codes: 0 made, 2 something is in the way, or an answer cannot be.
    """
    cli.init.init_repository(c, directory, flags)
