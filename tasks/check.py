"""`fab check`, `fab facts`, `fab doctor`."""

from __future__ import annotations

from lockstitch.cli import FleetContext, fleet_task
from lockstitch.cli.task import WAY


@fleet_task(help={"only": "only these apps, with commas", "skip": "leave these checks out, with commas", **WAY})
def check(
    c: FleetContext,
    only: str = "",
    skip: str = "",
    json: bool = False,
    serial: bool = False,
    parallel: int = 0,
    timeout: float = 0.0,
) -> None:
    """
    Check what a deploy will need of every host: what `checks` in the inventory declares, and what its apps imply.

    Clock, disk, memory, load, pending reboot; tools and their versions, environment variables, ports, TLS
    certificates, web addresses, Redis, units at boot; of each app its repository, folders, checkout, queues and
    database. Read-only. What cannot be judged is a warning. docs/checks.md explains each.

        fab -H prod check
        fab -H prod:backend check --only api --skip load,memory
        fab -H web1.example.com check --json

    Exit codes: 0 no check failed, 2 no such check or app, 3 a host could not be reached, 7 a check failed.
    """
    from lockstitch.cli.checks import show_checks
    from lockstitch.cli.fanout import way
    from lockstitch.cli.session import Session

    with Session(c, json=json) as session:
        show_checks(session, only, skip, way(serial=serial, parallel=parallel, timeout=timeout))


@fleet_task(help={**WAY})
def facts(c: FleetContext, json: bool = False, serial: bool = False, parallel: int = 0, timeout: float = 0.0) -> None:
    """
    Show what every host is: system, kernel, uptime, CPUs, load, memory, disks, clock, programs, pending reboot.

    The clock is compared with this machine's; what that may be wrong by is said with it.

        fab -H prod facts
        fab -H web1.example.com,web2.example.com facts --json

    Exit codes: 0 shown, 3 a host could not be reached, 7 a host did not answer.
    """
    from lockstitch.cli.checks import show_facts
    from lockstitch.cli.fanout import way
    from lockstitch.cli.session import Session

    with Session(c, json=json) as session:
        show_facts(session, way(serial=serial, parallel=parallel, timeout=timeout))
