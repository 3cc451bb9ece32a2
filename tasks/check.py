"""`fab check` and `fab facts`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(options=cli.FANOUT, help={"skip": "leave these checks out, with commas"})
def check(session: cli.Session, only: str = "", skip: str = "") -> None:
    """
    Check what a deploy will need of every host.

    Check what a deploy will need of every host: what `checks` in the inventory declares, and what its apps imply.

    Clock, disk, memory, load, pending reboot; tools and their versions, environment variables, ports, TLS
    certificates, web addresses, Redis, units at boot; of each app its repository, folders, checkout, queues, database,
    service and health. Read-only. What cannot be judged is a warning. docs/checks.md explains each.

        fab -H prod check
        fab -H prod:backend check --only api --skip load,memory
        fab -H web1.example.com check --json

    Exit codes: 0 no check failed, 2 no such check or app, 3 a host could not be reached, 7 a check failed.
    """
    cli.checks.show_checks(session, only, skip)


@cli.session_task(options=cli.FANOUT)
def facts(session: cli.Session) -> None:
    """
    Show system, memory, disks, clock of every host.

    Show what every host is: system, kernel, uptime, CPUs, load, memory, disks, clock, programs, pending reboot.

    The clock is compared with this machine's; what that may be wrong by is said with it.

        fab -H prod facts
        fab -H web1.example.com,web2.example.com facts --json

    Exit codes: 0 shown, 3 a host could not be reached, 7 a host did not answer.
    """
    cli.checks.show_facts(session)
