"""`fab status`, `fab history` and `fab history.export`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(asks_all=True, options=["json"])
def status(session: cli.Session, only: str = "") -> None:
    """
    Show what every host runs, and whether it serves.

    Show what every host runs: revision, release, tag, serving or not, healthy or not, since when, by whom, lock, disk.

    Hosts that differ from the others of their app are flagged. Ends with 7 when something does not serve or its health
    URL says no, with 3 when a host cannot be reached. What a run is changing now is told, and is no failure.

        fab -H prod status
        fab -H 'prod:web*' status --json
    """
    cli.status.show_status(session, only)


@cli.session_task(
    default=True,
    takes="run",
    options=["json"],
    help={
        "run": "the record of this run: what it did where, and how long each step took, beside the time before",
        "since": "what was done since: 2h, 3d, yesterday, tuesday (the last one), 2026-11-24, 2026-11-24T14:00",
        "until": "what was done until then; a day is meant with all its hours",
        "host": "only what was done on this host, or on those of a pattern such as web*",
        "by": "only what was done by whom this is part of the name",
        "limit": "how many lines; 30 without --since and --until, all with them",
        "stats": "how often releases were proven, how soon after their commits, how many failed, for how long; "
        "of 90 days without --since",
        "by_hand": "what run, put and the like did from this machine, from its own journal",
    },
)
def history(
    session: cli.Session,
    run: str = "",
    since: str = "",
    until: str = "",
    host: str = "",
    by: str = "",
    only: str = "",
    limit: int = 0,
    by_hand: bool = False,
    stats: bool = False,
) -> None:
    """
    Show what was done to the hosts, newest first.

    Show what was done, newest first, from the hosts' own journals.

    Deploys and rollbacks; services that were started, stopped and restarted; maintenance, reboots and upgrades; locks
    that were taken and broken; backups, proofs and restores. Times are local. With RUN the record of that one.

        fab -H prod history
        fab -H prod history --since tuesday --until tuesday     what happened last Tuesday
        fab -H prod history 20261124T130312Z-b7b0
        fab -H prod history --host api1.example.com --by ada --json
        fab -H prod history --by-hand --since 2h
        fab -H prod history --stats --since 30d

    Exit codes: 0 shown, 2 usage, 3 a host is unreachable, 7 a journal cannot be read, or there is no such run.
    """
    filters = {"since": since, "until": until, "host": host, "by": by, "limit": limit}
    cli.history.show(session, only, run, **filters, by_hand=by_hand, stats=stats)


@cli.session_task(
    takes="run", options=["json"], help={"run": "the run", "to": "the file (default: RUN.tar.gz in this folder)"}
)
def export(session: cli.Session, run: str = "", to: str = "") -> None:
    """
    Write all that is known of a run into one archive.

    What `history RUN` shows, its events, the output of its steps where this machine has it, the lines of the hosts'
    journals, and its reports, as a gzipped tar. Secrets are masked. A file that is there is not written over.

        fab -H prod history.export 20261124T130312Z-b7b0
        fab -H prod history.export 20261124T130312Z-b7b0 --to /tmp/incident.tar.gz

    Exit codes: 0 written, 2 usage, 7 there is no such run, or the archive lacks something that it names.
    """
    cli.export.export_run(session, run, to)


namespace = cli.Collection("history", history, export)
