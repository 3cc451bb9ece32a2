"""`fab service.status`, `service.start`, `service.stop`, `service.restart`, `service.reload`."""

from __future__ import annotations

from invoke.collection import Collection

from lockstitch.cli import FleetContext, fleet_task
from lockstitch.cli.task import WAY

_APP = "only these apps, with commas"
_CHANGES = {
    "app": _APP,
    "message": "why; kept in the journal and the lock",
    "yes": "do not ask, where the environment is protected",
    "json": "print the outcome as JSON on stdout; progress goes to stderr",
    "commands": "show with the plan every command that is sent",
    "serial": "one host after the other, whatever the rollout says",
    "parallel": "at most so many hosts at the same time, where the rollout says more",
    "timeout": "end a step on a host after so many seconds",
}


@fleet_task(takes="app", help={"app": _APP, **WAY})
def status(
    c: FleetContext,
    app: str = "",
    json: bool = False,
    serial: bool = False,
    parallel: int = 0,
    timeout: float = 0.0,
) -> None:
    """
    Show what each app's service says on each host.

    Running or not, since when, how many workers, the revision that lies there, and whether it comes up with the host.

        fab -H prod service.status
        fab -H prod:backend service.status api

    Exit codes: 0 all run and serve what lies there, 3 a host is unreachable, 7 one does not.
    """
    from lockstitch.cli.apps import show_services
    from lockstitch.cli.fanout import way
    from lockstitch.cli.session import Session

    how = way(serial=serial, parallel=parallel, timeout=timeout)
    with Session(c, json=json) as session:
        show_services(session, app, how)


@fleet_task(takes="app", help=_CHANGES)
def start(
    c: FleetContext,
    app: str = "",
    message: str = "",
    yes: bool = False,
    json: bool = False,
    commands: bool = False,
    serial: bool = False,
    parallel: int = 0,
    timeout: float = 0.0,
) -> None:
    """
    Start the services that do not run, in waves, each behind its app's gates.

        fab -H prod service.start
        fab -H prod service.start api,webapp

    Exit codes: 0 done, 2 usage, 3 unreachable, 4 locked, 5 failed and every service runs, 6 the hosts that are named
    need a person, 7 nothing is deployed there, 130 interrupted.
    """
    from lockstitch.cli.apps import change_services
    from lockstitch.cli.fanout import way
    from lockstitch.cli.session import Session

    how = way(serial=serial, parallel=parallel, timeout=timeout)
    with Session(c, json=json, commands=commands) as session:
        change_services(session, "start", app, how, message=message, yes=yes)


@fleet_task(takes="app", help=_CHANGES)
def stop(
    c: FleetContext,
    app: str = "",
    message: str = "",
    yes: bool = False,
    json: bool = False,
    commands: bool = False,
    serial: bool = False,
    parallel: int = 0,
    timeout: float = 0.0,
) -> None:
    """
    Stop services on all selected hosts at once, until `service.start`.

        fab -H prod service.stop webapp --message "the storage is moved"
        fab -H prod:api2.example.com service.stop

    Nobody serves these apps then. What was stopped stays stopped where another host fails.

    Exit codes: 0 done, 2 usage, or a service does not know how, 3 unreachable, 4 locked, 5 failed and all are stopped,
    6 one still runs, 7 nothing is deployed there, 130 interrupted.
    """
    from lockstitch.cli.apps import change_services
    from lockstitch.cli.fanout import way
    from lockstitch.cli.session import Session

    how = way(serial=serial, parallel=parallel, timeout=timeout)
    with Session(c, json=json, commands=commands) as session:
        change_services(session, "stop", app, how, message=message, yes=yes)


@fleet_task(takes="app", help=_CHANGES)
def restart(
    c: FleetContext,
    app: str = "",
    message: str = "",
    yes: bool = False,
    json: bool = False,
    commands: bool = False,
    serial: bool = False,
    parallel: int = 0,
    timeout: float = 0.0,
) -> None:
    """
    Restart services in waves, never all hosts of a group at once.

    The waves are those of the rollout. Each has its gates: the workers are younger than the restart, and the health URL
    answers.

        fab -H prod service.restart
        fab -H prod:backend service.restart api --message "new certificates"

    Where a gate says no, it is started once more, no further wave begins, and what was restarted stays so.

    Exit codes: 0 done, 2 usage, or a service does not know how, 3 unreachable, 4 locked, 5 failed and every service
    runs, 6 the hosts that are named need a person, 7 nothing is deployed there, 130 interrupted.
    """
    from lockstitch.cli.apps import change_services
    from lockstitch.cli.fanout import way
    from lockstitch.cli.session import Session

    how = way(serial=serial, parallel=parallel, timeout=timeout)
    with Session(c, json=json, commands=commands) as session:
        change_services(session, "restart", app, how, message=message, yes=yes)


@fleet_task(takes="app", help=_CHANGES)
def reload(
    c: FleetContext,
    app: str = "",
    message: str = "",
    yes: bool = False,
    json: bool = False,
    commands: bool = False,
    serial: bool = False,
    parallel: int = 0,
    timeout: float = 0.0,
) -> None:
    """
    Reload services as a deploy does: gracefully, in the rollout's waves.

        fab -H prod service.reload
        fab -H prod service.reload api

    Exit codes: as `service.restart`.
    """
    from lockstitch.cli.apps import change_services
    from lockstitch.cli.fanout import way
    from lockstitch.cli.session import Session

    how = way(serial=serial, parallel=parallel, timeout=timeout)
    with Session(c, json=json, commands=commands) as session:
        change_services(session, "reload", app, how, message=message, yes=yes)


namespace = Collection("service", status, start, stop, restart, reload)
