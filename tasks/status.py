"""`fab status` and `fab history`."""

from __future__ import annotations

from lockstitch.cli import FleetContext, fleet_task


@fleet_task(help={"only": "only these apps, with commas", "json": "print it as JSON"})
def status(c: FleetContext, only: str = "", json: bool = False) -> None:
    """
    Show what every host runs: revision, release, tag, serving or not, since when, by whom, lock, disk.

    Hosts that differ from the others of their app are flagged. Ends with 7 when something does not serve,
    with 3 when a host cannot be reached.

        fab -H prod status
        fab -H 'prod:web*' status --json
    """
    from lockstitch.cli.session import Session

    with Session(c, json=json) as session:
        session.show_status(only)


@fleet_task(
    help={
        "only": "only these apps, with commas",
        "limit": "how many lines",
        "by_hand": "what run, put, service.restart and the like did from this machine, from its own journal",
        "json": "print it as JSON",
    }
)
def history(c: FleetContext, only: str = "", limit: int = 30, by_hand: bool = False, json: bool = False) -> None:
    """
    Show what was deployed and rolled back, newest first, from the hosts' own journals.

        fab -H prod history
        fab -H prod history --limit 5 --json
        fab -H prod history --by-hand
    """
    from lockstitch.cli.fanout import show_by_hand
    from lockstitch.cli.session import Session

    with Session(c, json=json) as session:
        if by_hand:
            show_by_hand(session, limit)
        else:
            session.show_history(only, limit)
