"""`fab init`."""

from __future__ import annotations

from lockstitch.cli import FleetContext, fleet_task
from lockstitch.cli.scaffold import FLAGS


@fleet_task(alone=True, iterable=["setting"], help={"directory": "it is made, or holds none of the files", **FLAGS})
def init(
    c: FleetContext,
    directory: str,
    environment: str = "",
    hosts: str = "",
    user: str = "",
    gateway: str = "",
    app: str = "",
    repository: str = "",
    ref: str = "",
    path: str = "",
    layout: str = "",
    service: str = "",
    setting: list[str] | None = None,
    health: str = "",
    protect: bool = True,
    git: bool = False,
    yes: bool = False,
) -> None:
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
    from lockstitch.__main__ import at_terminal, typed
    from lockstitch.cli.scaffold.init import begin
    from lockstitch.errors import UsageError
    from lockstitch.report import neutral

    if c.hosts:
        raise UsageError("init works on this machine, and on no host", hint=f"fab init {directory} --hosts …")
    said = {"environment": environment, "hosts": hosts, "user": user, "gateway": gateway, "app": app, "path": path}
    said |= {"repository": repository, "ref": ref, "layout": layout, "service": service, "health": health}
    ask = typed if at_terminal() and not yes else None
    print(neutral(begin(directory, said, setting or (), protect=protect, git=git, dry=c.dry, ask=ask)))
