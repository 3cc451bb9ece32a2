"""`fab queue.status`, `queue.restart`, `queue.failed`, `queue.retry`."""

from __future__ import annotations

from invoke.collection import Collection

from lockstitch.cli import FleetContext, fleet_task

_ONLY = "only these apps, with commas"


@fleet_task(help={"only": _ONLY, "json": "print it as JSON"})
def status(c: FleetContext, only: str = "", json: bool = False) -> None:
    """
    Show each host's workers and the code they run, how many jobs wait and failed, and Horizon where it is.

        fab -H prod queue.status

    Exit codes: 0 shown, 2 no app has queues, 3 a host is unreachable, 7 an app could not be asked.
    """
    from lockstitch.cli.apps import show_queues
    from lockstitch.cli.session import Session

    with Session(c, json=json) as session:
        show_queues(session, only)


@fleet_task(help={"only": _ONLY})
def restart(c: FleetContext, only: str = "") -> None:
    """
    Tell every worker to end after its job; whoever runs them starts them again. Waits until they have.

        fab -H prod queue.restart

    Exit codes: 0 done, 2 no app has queues, 3 a host is unreachable, 7 they did not come back.
    """
    from lockstitch.cli.apps import queue_command
    from lockstitch.cli.session import Session

    with Session(c) as session:
        queue_command(session, only, "queue.restart", lambda queues: queues.restart)


@fleet_task(help={"only": _ONLY})
def failed(c: FleetContext, only: str = "") -> None:
    """
    List the failed jobs, asked once of each app.

        fab -H prod queue.failed
    """
    from lockstitch.cli.apps import queue_command
    from lockstitch.cli.session import Session

    with Session(c) as session:
        queue_command(session, only, "queue.failed", lambda queues: queues.failed, once=True)


@fleet_task(takes="ids", help={"ids": "ids of failed jobs, with commas, or `all`", "only": _ONLY})
def retry(c: FleetContext, ids: str = "", only: str = "") -> None:
    """
    Put failed jobs back on their queue, by one host of each app.

        fab -H prod queue.retry all
        fab -H prod queue.retry 12,15

    Exit codes: 0 done, 2 no job is named, 3 a host is unreachable, 7 the app refused.
    """
    from lockstitch.cli.apps import queue_retry
    from lockstitch.cli.session import Session

    with Session(c) as session:
        queue_retry(session, only, ids)


namespace = Collection("queue", status, restart, failed, retry)
