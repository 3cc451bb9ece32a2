"""`fab measure`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(
    takes="name",
    needs="measure",
    options=("message", *cli.FANOUT),
    help={
        "name": "only these measures, with commas",
        "compare": "compare with this run, instead of the last good release",
        "really": "more than 100 requests, where the environment is protected",
    },
)
def measure(session: cli.Session, name: str = "", only: str = "", compare: str = "", really: bool = False) -> None:
    """
    Measure what the apps declare, and judge it.

    Take what `measure` in the inventory declares, one measure after the other, and judge it: pass, fail, few, unclear
    or blind, with the counts or the interval that decide.

    Requests follow a fixed schedule: each counts from when it was meant to begin, so a server that stalls hides
    nothing.
    Every result is recorded with this run and with the release that serves; a later release is compared with it.
    docs/measure.md explains each kind.

        fab -H prod measure
        fab -H prod measure health,bundle --json
        fab -H prod:web1.example.com measure --only api --really

    Exit codes: 0 each passes, 2 there is no such measure, 3 a host could not be reached, 7 one fails or is not decided.
    """
    cli.measures.show_measures(session, name, only, compare, really=really)
