"""`fab smoke` and `fab smoke.clean`."""

from __future__ import annotations

from lockstitch import cli

_HELP = {
    "names": "only these steps, with commas, and those that they need",
    "only": "only steps with one of these tags, with commas: --only P0",
    "on": "through SSH to these hosts, with commas: each one's own web server answers",
    "junit": "write the results to this file as JUnit's XML, for CI",
    "app": "only these apps, with commas",
    "release": "the commit that must answer, where the app tells it",
    "really": "also the steps that do harm, where the environment is protected",
}


@cli.session_task(needs="smoke", default=True, takes="names", options=["json"], help=_HELP)
def smoke(
    session: cli.Session,
    names: str = "",
    only: str = "",
    on: str = "",
    junit: str = "",
    app: str = "",
    release: str = "",
    really: bool = False,
) -> None:
    """
    Judge the apps by requests as users make.

    Make the requests of `smoke` in the inventory, from this machine, and judge each answer: log in, upload, read back.

    Steps that do not need each other are all run, so the first failure hides none. What a step makes is taken away
    again, however it ends. docs/smoke.md: ten minutes to a first journey.

        fab -H prod smoke
        fab -H prod smoke login,upload
        fab -H prod smoke --only P0 --junit smoke.xml
        fab -H prod smoke --on api1.example.com        that host alone, before the balancer sends anyone there
        fab --dry -H prod smoke                        what would be sent; nothing is

    Exit codes: 0 all passed, 2 usage, or a secret cannot be had, 3 the host of --on is unreachable, 7 a step failed,
    was inconclusive or not run, or something that was made is still there, 130 interrupted.
    """
    cli.smoke.show_smoke(session, names, only, on, junit, app, release=release, really=really)


@cli.session_task(needs="smoke", options=["json"], help={"forget": "entries that a person has seen to, with commas"})
def clean(session: cli.Session, forget: str = "") -> None:
    """
    Take away what former smoke runs have left.

    Take away what runs of `smoke` from this machine have made and, killed or cut off, have not taken away.

    Each such thing stands in a ledger, `.lockstitch/smoke/`, since before it was made. Where its clean request needs a
    login, that step is run again. What cannot be taken away is named, and stays in the ledger.

        fab -H prod smoke.clean
        fab --dry -H prod smoke.clean                  what is in the ledgers
        fab -H prod smoke.clean --forget 20260101T120000Z-1a2b.upload

    Exit codes: 0 nothing is there any more, 2 usage, 7 something may still be there, 130 interrupted.
    """
    cli.smoke.clean(session, forget)


namespace = cli.Collection("smoke", smoke, clean)
