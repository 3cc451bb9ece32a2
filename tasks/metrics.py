"""`fab metrics`, `fab gates` and `fab gates.try`."""

from __future__ import annotations

from lockstitch import cli

_LAST = "how long back, such as 10m or 1h"


@cli.session_task(needs="metrics", options=cli.FANOUT, help={"last": _LAST})
def metrics(session: cli.Session, only: str = "", last: str = "10m") -> None:
    """
    Read each metric source once, and show it.

    Read each metric source of the inventory once, and show what it understood.

    The first thing to type after writing `metrics:`: requests, errors and durations of each source on each host, and
    what to change where a log cannot be read. docs/metrics.md explains sources and gates.

        fab -H prod metrics
        fab -H prod metrics --last 1h --json

    Exit codes: 0 all were read, 2 there is no source, 3 a host could not be reached, 7 a source cannot be read.
    """
    cli.metrics.show_metrics(session, only, last)


@cli.session_task(needs="gates", default=True, options=cli.FANOUT, help={"last": _LAST})
def gates(session: cli.Session, only: str = "", last: str = "10m") -> None:
    """
    Judge the `gates` of every app now.

    Judge the `gates` of every app now: pass, fail, few, unclear or blind, with the counts that decide.

    What is judged is the time since each host took its release, at most `--last`. Where hosts run two releases, the
    newer one is judged, beside the hosts that run the other. Changes nothing.

        fab -H prod gates
        fab -H prod gates --only api --last 1h

    Exit codes: 0 none failed, 2 no app has gates, 3 a host could not be reached, 7 one failed or is blind.
    """
    cli.metrics.show_gates(session, only, last)


@cli.session_task(
    needs="gates", name="try", options=["json"], help={"runs": "how many runs, the newest ones that have readings"}
)
def try_(session: cli.Session, only: str = "", runs: int = 10) -> None:
    """
    Judge past runs with the limits of today.

    Judge the runs that this machine has recorded with the limits that the inventory has now: which would go back?

    The counts of each reading are judged anew, in the pauses of deploys and in watches. Counts of other requests than
    the gate counts now (another status, another duration of a percentile, another source) are not comparable, and such
    a run is not known. Asks no host.

        fab -H prod gates.try
        fab -H prod gates.try --runs 30 --only api

    Exit codes: 0 judged, 2 no app has gates, 7 a record of this machine cannot be read.
    """
    cli.past_runs.try_gates(session, only, runs)


namespace = cli.Collection("gates", gates, try_)
