"""`fab queue.status`, `queue.restart`, `queue.failed`, `queue.retry`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(needs="laravel", options=["json"])
def status(session: cli.Session, only: str = "") -> None:
    """
    Show workers, waiting and failed jobs.

    Show each host's workers and the code they run, how many jobs wait and failed, and Horizon where it is.

        fab -H prod queue.status

    Exit codes: 0 shown, 2 no app has queues, 3 a host is unreachable, 7 an app could not be asked.
    """
    cli.apps.show_queues(session, only)


@cli.session_task(needs="laravel", options=["yes"])
def restart(session: cli.Session, only: str = "") -> None:
    """
    Tell every worker to end after its job.

    Tell every worker to end after its job; whoever runs them starts them again. Waits until they have.

        fab -H prod queue.restart

    Exit codes: 0 done, 2 no app has queues, 3 a host is unreachable, 7 they did not come back.
    """
    cli.apps.queue_command(session, only, "queue.restart", lambda queues: queues.restart)


@cli.session_task(needs="laravel")
def failed(session: cli.Session, only: str = "") -> None:
    """
    List the failed jobs, once of each app.

        fab -H prod queue.failed
    """
    cli.apps.queue_command(session, only, "queue.failed", lambda queues: queues.failed, once=True, confirm=False)


@cli.session_task(
    needs="laravel", takes="ids", options=["yes"], help={"ids": "ids of failed jobs, with commas, or `all`"}
)
def retry(session: cli.Session, ids: str = "", only: str = "") -> None:
    """
    Put failed jobs back on their queue.

    Put failed jobs back on their queue, by one host of each app.

        fab -H prod queue.retry all
        fab -H prod queue.retry 12,15

    Exit codes: 0 done, 2 no job is named, 3 a host is unreachable, 7 the app refused.
    """
    cli.apps.queue_retry(session, only, ids)


namespace = cli.Collection("queue", status, restart, failed, retry)
