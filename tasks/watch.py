"""`fab watch`, `watch.list`, `watch.stop`."""

from __future__ import annotations

from lockstitch import cli

_RUN = "the run whose release is watched (default: the newest one)"


@cli.session_task(
    default=True,
    takes="run",
    options=["json"],
    help={
        "run": _RUN,
        "for": "how long, from now on, such as 24h (default: `watch` of the inventory, from the release on)",
        "every": "time between two readings, such as 5m (default with --for: a twelfth of that, at most 5m)",
        "detach": "go on in a process of its own, which outlives this terminal",
        "only": "only these apps, with commas",
    },
)
def watch(
    session: cli.Session, run: str = "", for_: str = "", every: str = "", detach: bool = False, only: str = ""
) -> None:
    """
    Watch a release, and take it back by its rules.

    Read the metric sources and the health of a release again and again, and take it back by `rollback_on`.

    It goes back at most once, by an ordinary rollback: never over a migration, a later run or a rollback; then a person
    is needed, and the command is printed. It holds no lock. A watch that was stopped or killed goes on where it was.

        fab -H prod watch                       the newest run
        fab -H prod watch 20261124T130312Z-b7b0 --for 24h --every 5m
        fab -H prod watch --detach

    Exit codes: 0 over, and nothing failed; 4 it is watched already; 5 the release was taken back; 6 its rollback needs
    a person; 7 something did not pass, or a later run came; 130 stopped.
    """
    cli.watch.watch(session, run, only, for_=for_, every=every, detach=detach)


@cli.session_task(name="list", options=["json"])
def list_(session: cli.Session) -> None:
    """
    List the watches of this machine.

        fab watch.list
    """
    cli.watch.list_watches(session)


@cli.session_task(takes="run", help={"run": "the run whose watch is to end"})
def stop(session: cli.Session, run: str = "") -> None:
    """
    End the watch of a run.

    Its record says until when it saw; `watch RUN` goes on from there.

        fab watch.stop 20261124T130312Z-b7b0
    """
    cli.watch.stop(session, run)


namespace = cli.Collection("watch", watch, list_, stop)
