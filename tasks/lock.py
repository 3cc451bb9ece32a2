"""`fab lock.show`, `lock.take`, `lock.break`."""

from __future__ import annotations

from invoke.collection import Collection

from lockstitch.cli import FleetContext, fleet_task

_ONLY = "only these apps, with commas"


@fleet_task(help={"only": _ONLY, "json": "print it as JSON"})
def show(c: FleetContext, only: str = "", json: bool = False) -> None:
    """
    Show who holds which lock, since when and why.

        fab -H prod lock.show
    """
    from lockstitch.cli.locks import show_locks
    from lockstitch.cli.session import Session

    with Session(c, json=json) as session:
        show_locks(session, only)


@fleet_task(help={"message": "why; whoever is kept out reads it", "only": _ONLY})
def take(c: FleetContext, message: str = "", only: str = "") -> None:
    """
    Lock a fleet by hand, so that nobody deploys; `lock.break` frees it again.

        fab -H prod lock.take --message "freeze until Monday, ask Ada"
    """
    from lockstitch.cli.locks import take_locks
    from lockstitch.cli.session import Session

    with Session(c) as session:
        take_locks(session, only, message)


@fleet_task(
    name="break",
    help={
        "message": "why; it is recorded on each host",
        "only": _ONLY,
        "yes": "do not ask, where the environment is protected",
    },
)
def break_(c: FleetContext, message: str = "", only: str = "", yes: bool = False) -> None:
    """
    Free locks whoever holds them. Recorded in each host's journal. First make sure that run is really dead.

        fab -H prod lock.break --message "CI job 4711 was killed"
    """
    from lockstitch.cli.locks import free_locks
    from lockstitch.cli.session import Session

    with Session(c) as session:
        free_locks(session, only, message, yes=yes)


namespace = Collection("lock", show, take, break_)
