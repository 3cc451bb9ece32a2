"""`fab lock.show`, `lock.take`, `lock.release`, `lock.break`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(options=["json"])
def show(session: cli.Session, only: str = "") -> None:
    """
    Show who holds which lock, since when and why.

        fab -H prod lock.show
    """
    cli.locks.show_locks(session, only)


@cli.session_task(options=["message"], help={"message": "why; whoever is kept out reads it"})
def take(session: cli.Session, only: str = "") -> None:
    """
    Lock a fleet by hand, so that nobody deploys.

    Hosts that are added later are locked too; `lock.release` frees it again.

        fab -H prod lock.take --message "freeze until Monday, ask Ada"
    """
    cli.locks.take_locks(session, only)


@cli.session_task()
def release(session: cli.Session, only: str = "") -> None:
    """
    Free the locks that you took with `lock.take`.

    Those of runs and of others stay.

        fab -H prod lock.release
    """
    cli.locks.release_locks(session, only)


@cli.session_task(name="break", options=["message", "yes"], help={"message": "why; it is recorded on each host"})
def break_(session: cli.Session, only: str = "") -> None:
    """
    Free locks, whoever holds them.

    Free locks whoever holds them. Recorded in each host's journal. First make sure that run is really dead.

        fab -H prod lock.break --message "CI job 4711 was killed"
    """
    cli.locks.free_locks(session, only)


namespace = cli.Collection("lock", show, take, release, break_)
