"""`fab service.status`, `service.start`, `service.stop`, `service.restart`, `service.reload`."""

from __future__ import annotations

from lockstitch import cli

_OPTIONS = (*cli.CHANGE, "serial", "parallel", "timeout")


@cli.session_task(takes="app", options=cli.FANOUT)
def status(session: cli.Session, app: str = "") -> None:
    """
    Show what each app's service says on each host.

    Running or not, since when, how many workers, the revision that lies there, and whether it comes up with the host.

        fab -H prod service.status
        fab -H prod:backend service.status api

    Exit codes: 0 all run and serve what lies there, 3 a host is unreachable, 7 one does not.
    """
    cli.apps.show_services(session, app)


@cli.session_task(takes="app", options=_OPTIONS, help=cli.ROLLOUT_HELP)
def start(session: cli.Session, app: str = "") -> None:
    """
    Start the services that do not run, in waves.

    Start the services that do not run, in waves, each behind its app's gates.

        fab -H prod service.start
        fab -H prod service.start api,webapp

    Exit codes: 0 done, 2 usage, 3 unreachable, 4 locked, 5 failed and every service runs, 6 the hosts that are named
    need a person, 7 nothing is deployed there, 130 interrupted.
    """
    cli.apps.change_services(session, "start", app)


@cli.session_task(takes="app", options=_OPTIONS, help=cli.ROLLOUT_HELP)
def stop(session: cli.Session, app: str = "") -> None:
    """
    Stop services on all selected hosts at once.

    Stop services on all selected hosts at once, until `service.start`.

        fab -H prod service.stop webapp --message "the storage is moved"
        fab -H prod:api2.example.com service.stop

    Nobody serves these apps then. What was stopped stays stopped where another host fails.

    Exit codes: 0 done, 2 usage, or a service does not know how, 3 unreachable, 4 locked, 5 failed and all are stopped,
    6 one still runs, 7 nothing is deployed there, 130 interrupted.
    """
    cli.apps.change_services(session, "stop", app)


@cli.session_task(takes="app", options=_OPTIONS, help=cli.ROLLOUT_HELP)
def restart(session: cli.Session, app: str = "") -> None:
    """
    Restart services in waves, never a whole group.

    Restart services in waves, never all hosts of a group at once.

    The waves are those of the rollout. Each has its gates: the workers are younger than the restart, and the health URL
    answers.

        fab -H prod service.restart
        fab -H prod:backend service.restart api --message "new certificates"

    Where a gate says no, it is started once more, no further wave begins, and what was restarted stays so.

    Exit codes: 0 done, 2 usage, or a service does not know how, 3 unreachable, 4 locked, 5 failed and every service
    runs, 6 the hosts that are named need a person, 7 nothing is deployed there, 130 interrupted.
    """
    cli.apps.change_services(session, "restart", app)


@cli.session_task(takes="app", options=_OPTIONS, help=cli.ROLLOUT_HELP)
def reload(session: cli.Session, app: str = "") -> None:
    """
    Reload services as a deploy does, in waves.

    Reload services as a deploy does: gracefully, in the rollout's waves.

        fab -H prod service.reload
        fab -H prod service.reload api

    Exit codes: as `service.restart`.
    """
    cli.apps.change_services(session, "reload", app)


namespace = cli.Collection("service", status, start, stop, restart, reload)
