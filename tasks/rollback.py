"""`fab rollback`."""

from __future__ import annotations

from lockstitch.cli import FleetContext, fleet_task


@fleet_task(
    help={
        "tag": "git tag to go back to; it must be in every host's clone",
        "to": "revision (full or short commit id) to go back to",
        "database": "what becomes of the database: none (unasked where no migration lies between), down, restore",
        "only": "roll back only these apps, with commas",
        "message": "why, in a few words; kept in the journal and the lock",
        "yes": "do not ask, where the environment is protected",
        "json": "print the outcome as JSON on stdout; progress goes to stderr",
        "force": "do it again also where that revision is already running",
        "discard-changes": "go on over changes in in-place checkouts; they are moved aside on the host",
        "commands": "show with the plan every command that is sent",
    }
)
def rollback(
    c: FleetContext,
    tag: str = "",
    to: str = "",
    database: str = "",
    only: str = "",
    message: str = "",
    yes: bool = False,
    json: bool = False,
    force: bool = False,
    discard_changes: bool = False,
    commands: bool = False,
) -> None:
    """
    Take a fleet back to a tag, a revision, or (with neither) each host's last good release before the current one.

    It needs nothing but the hosts: their own clones and journals, so it works with the git server down. It is a plan
    like a deploy's: locked, in waves, behind gates, and put back if it fails.

    Where migrations lie between the two revisions you are told which, and asked what becomes of them: `none` leaves
    the database as it is, `down` takes them back with the app's `migrate_down`, `restore` restores the dump that
    belongs to the release you go back to. Both dump the database as it is first.

        fab rollback --tag phase1-pre-deploy        the default environment of fabric.yaml
        fab -H prod:backend rollback
        fab -H prod rollback --to 1a2b3c4d --only api
        fab -H prod rollback --database down

    Exit codes: those of deploy.
    """
    from lockstitch.cli.session import Session

    with Session(c, json=json, commands=commands) as session:
        wanted = session.rollback_wanted(tag, to)
        how = {"force": force, "discard": discard_changes}
        session.carry_out(lambda: session.plan_rollback(wanted, database, only, message, **how), yes=yes)
