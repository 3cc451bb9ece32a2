"""`fab rollback`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(
    asks_all=True,
    options=cli.CHANGE,
    help={
        "tag": "git tag to go back to; it must be in every host's clone",
        "to": "revision (full or short commit id) to go back to",
        "database": "what becomes of the database: none (unasked where no migration lies between), down, restore",
        "settings": "what becomes of settings that have changed since: keep, or back to what they were",
        "only": "roll back only these apps, with commas",
        "message": "why, in a few words; kept in the journal and the lock",
        "force": "do it again also where that revision is already running",
        "watch": "watch what serves then for so long, such as 10m",
        "discard-changes": "go on over changes in in-place checkouts; they are moved aside on the host",
    },
)
def rollback(
    session: cli.Session,
    tag: str = "",
    to: str = "",
    database: str = "",
    settings: str = "",
    only: str = "",
    force: bool = False,
    discard_changes: bool = False,
    watch: str = "",
) -> None:
    """
    Take a fleet back to a release, a tag, a revision.

    Take a fleet back to a tag, a revision, or (with neither) each host's last good release before the current one.

    It needs nothing but the hosts: their own clones and journals, so it works with the git server down. It is a plan
    like a deploy's: locked, in waves, behind gates, and put back if it fails.

    Where migrations lie between the two revisions you are told which, and asked what becomes of them: `none` leaves
    the database as it is, `down` takes them back with the app's `migrate_down`, `restore` restores the dump that
    belongs to the release you go back to. Both dump the database as it is first. Where settings of `env_file` have
    changed since that release was good, you are told which, and asked too: `keep` or `back`.

        fab rollback --tag phase1-pre-deploy        the default environment of fabric.yaml
        fab -H prod:backend rollback
        fab -H prod rollback --to 1a2b3c4d --only api
        fab -H prod rollback --database down

    Exit codes: those of deploy.
    """
    cli.watch.expect_watch(session, asked=bool(watch), for_=watch)
    cli.deploy.rollback(
        session,
        only,
        tag=tag,
        to=to,
        database=database,
        settings=settings,
        force=force,
        discard_changes=discard_changes,
    )
    cli.watch.watch_after(session, only, asked=bool(watch), for_=watch)
