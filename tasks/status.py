"""`fab status` and `fab history`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(asks_all=True, options=["json"])
def status(session: cli.Session, only: str = "") -> None:
    """
    Show what every host runs: revision, release, tag, serving or not, since when, by whom, lock, disk.

    Hosts that differ from the others of their app are flagged. Ends with 7 when something does not serve,
    with 3 when a host cannot be reached.

        fab -H prod status
        fab -H 'prod:web*' status --json
    """
    cli.status.show_status(session, only)


@cli.session_task(
    options=["json"],
    help={
        "limit": "how many lines",
        "by_hand": "what run, put, service.restart and the like did from this machine, from its own journal",
    },
)
def history(session: cli.Session, only: str = "", limit: int = 30, by_hand: bool = False) -> None:
    """
    Show what was deployed and rolled back, newest first, from the hosts' own journals.

        fab -H prod history
        fab -H prod history --limit 5 --json
        fab -H prod history --by-hand
    """
    cli.status.show_history(session, only, limit, by_hand=by_hand)
