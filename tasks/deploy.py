"""`fab deploy` and `fab plan`."""

from __future__ import annotations

from lockstitch.cli import FleetContext, fleet_task

_HELP = {
    "ref": "branch, tag or commit to deploy, for every app (default: each app's `ref` in the inventory)",
    "only": "deploy only these apps, with commas: --only api,webapp",
    "tag-before": "first tag the running revision with this name, in each host's clone and at origin",
    "message": "why, in a few words; kept in the journal, the lock and the tag",
    "yes": "do not ask, where the environment is protected",
    "json": "print the outcome as JSON on stdout; progress goes to stderr",
    "force": "deploy also where the revision is already running",
    "discard-changes": "go on over changes in in-place checkouts; they are moved aside on the host",
    "skip-checks": "go on although these checks say no, with commas; recorded with the run",
    "commands": "show with the plan every command that is sent",
}


@fleet_task(help=_HELP)
def deploy(
    c: FleetContext,
    ref: str = "",
    only: str = "",
    tag_before: str = "",
    message: str = "",
    yes: bool = False,
    json: bool = False,
    force: bool = False,
    discard_changes: bool = False,
    skip_checks: str = "",
    commands: bool = False,
) -> None:
    """
    Deploy a fleet: survey, plan, lock, prepare, switch in waves behind gates, and go back if anything fails.

    Every host is asked first; the plan made from their answers is shown before anything changes. New code is built,
    tested and checked (with layout `releases` where users cannot see it), and switched wave by wave; after each wave
    the service must be seen to run it, and its health URL must answer. If a step or gate fails, every host goes back.
    What `checks` in the inventory declares is asked first: a check that fails refuses, unless --skip-checks names it.

        fab -H prod deploy
        fab -H prod:backend deploy --ref v1.4.2 --tag-before before-v1.4.2 --message "faster search"
        fab --dry -H prod deploy        the plan only; nothing is changed

    Exit codes: 0 done, 2 usage, 3 unreachable, 4 locked, 5 failed and put back, 6 a person is needed,
    7 a check refused, 130 interrupted.
    """
    from lockstitch.cli.session import Session

    with Session(c, json=json, commands=commands) as session:
        how = {"force": force, "discard": discard_changes}
        session.carry_out(
            lambda: session.plan_deploy(ref, only, message, tag_before=tag_before, skip=skip_checks, **how), yes=yes
        )


@fleet_task(help={k: v for k, v in _HELP.items() if k != "yes"})
def plan(
    c: FleetContext,
    ref: str = "",
    only: str = "",
    tag_before: str = "",
    message: str = "",
    json: bool = False,
    force: bool = False,
    discard_changes: bool = False,
    skip_checks: str = "",
    commands: bool = False,
) -> None:
    """
    Show what `deploy` would do, made from what is on the hosts now. Nothing is changed.

        fab -H prod plan --ref v1.4.2
        fab -H prod plan --commands     with every command that would be sent
    """
    from lockstitch.cli.session import Session

    with Session(c, json=json, commands=commands, dry=True) as session:
        how = {"force": force, "discard": discard_changes}
        made = session.plan_deploy(ref, only, message, tag_before=tag_before, skip=skip_checks, **how)
        session.show_plan(made)
