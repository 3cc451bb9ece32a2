"""`fab deploy` and `fab plan`."""

from __future__ import annotations

from lockstitch import cli

_HELP = {
    "ref": "branch, tag or commit to deploy, for every app (default: each app's `ref` in the inventory)",
    "only": "deploy only these apps, with commas: --only api,webapp",
    "tag-before": "first tag the running revision with this name, in each host's clone and at origin",
    "message": "why, in a few words; kept in the journal, the lock and the tag",
    "force": "deploy also where the revision is already running",
    "discard-changes": "go on over changes in in-place checkouts; they are moved aside on the host",
    "skip-checks": "go on although these checks fail, with commas; recorded with the run",
    "pause": "time after each wave, which metric gates judge: 10m (default: `rollout.pause` of the inventory)",
    "blind-gates": "go on although these metric gates cannot be judged, with commas; recorded with the run",
}
_WATCH = {
    "watch": "watch the release afterwards, as `fab watch` does",
    "detach": "with --watch: in a process of its own, which outlives this terminal",
}


@cli.session_task(asks_all=True, options=cli.CHANGE, help={**_HELP, **_WATCH})
def deploy(
    session: cli.Session,
    ref: str = "",
    only: str = "",
    tag_before: str = "",
    force: bool = False,
    discard_changes: bool = False,
    skip_checks: str = "",
    pause: str = "",
    blind_gates: str = "",
    watch: bool = False,
    detach: bool = False,
) -> None:
    """
    Deploy in waves behind gates, back on a failure.

    Deploy a fleet: survey, plan, lock, prepare, switch in waves behind gates, and go back if anything fails.

    Every host is asked first; the plan made from their answers is shown before anything changes. New code is built,
    tested and checked (with layout `releases` where users cannot see it), and switched wave by wave; after each wave
    the service must be seen to run it, and its health URL must answer. If a step or gate fails, every host goes back.
    What `checks` in the inventory declares is asked first: a check that fails refuses, unless --skip-checks names it.
    Metric gates judge the pause after each wave: the new hosts beside the old ones (docs/metrics.md).

        fab -H prod deploy
        fab -H prod:backend deploy --ref v1.4.2 --tag-before before-v1.4.2 --message "faster search"
        fab -H prod deploy --pause 15m --watch --detach
        fab --dry -H prod deploy        the plan only; nothing is changed

    Exit codes: 0 done, 2 usage, 3 unreachable, 4 locked, 5 failed and put back, 6 a person is needed,
    7 a check or a blind gate refused, 130 interrupted.
    """
    cli.watch.expect_watch(session, asked=watch, detach=detach)
    cli.deploy.deploy(
        session,
        ref,
        only,
        tag_before=tag_before,
        force=force,
        discard_changes=discard_changes,
        skip_checks=skip_checks,
        pause=pause,
        blind_gates=blind_gates,
    )
    cli.watch.watch_after(session, only, asked=watch, detach=detach)


@cli.session_task(asks_all=True, options=["message", "json", "commands"], dry=True, help=_HELP)
def plan(
    session: cli.Session,
    ref: str = "",
    only: str = "",
    tag_before: str = "",
    force: bool = False,
    discard_changes: bool = False,
    skip_checks: str = "",
    pause: str = "",
    blind_gates: str = "",
) -> None:
    """
    Show what `deploy` would do, and change nothing.

    Show what `deploy` would do, made from what is on the hosts now. Nothing is changed.

        fab -H prod plan --ref v1.4.2
        fab -H prod plan --commands     with every command that would be sent
    """
    cli.deploy.deploy(
        session,
        ref,
        only,
        tag_before=tag_before,
        force=force,
        discard_changes=discard_changes,
        skip_checks=skip_checks,
        pause=pause,
        blind_gates=blind_gates,
    )
