"""`fab follow.*` and `fab due`."""

from __future__ import annotations

from lockstitch import cli

_ID = "its id, as follow.list shows it; or a duty of the inventory"


@cli.session_task(
    takes="text",
    options=["json"],
    help={
        "text": "what is to be done",
        "due": "until when: 5d, 24h, or 2026-12-04 (the end of that day)",
        "owner": "who does it; you, if nobody is named",
        "link": "a page about it, such as an issue",
        "run": "the run that it follows; that of the newest release without it",
    },
)
def add(
    session: cli.Session, text: str, due: str = "5d", owner: str = "", link: str = "", run: str = "", only: str = ""
) -> None:
    """
    Add what is to be done after a run.

    Add what is to be done after a run, with an owner and a time. It is kept on the hosts, where colleagues see it.

        fab -H prod follow.add "update the runbook" --due 5d --owner ada
        fab -H prod follow.add "raise the limit" --due 2026-12-04 --link https://example.com/issues/7

    Exit codes: 0 kept, 2 usage, 3 a host is unreachable, 7 it could be kept nowhere.
    """
    cli.follow.add(session, text, only, run=run, owner=owner, due=due, link=link)


@cli.session_task(
    name="list",
    options=["json"],
    help={"run": "only those of this run", "everything": "those that are done, too"},
)
def list_(session: cli.Session, run: str = "", everything: bool = False, only: str = "") -> None:
    """
    Show what is to be done after runs.

    Show what is to be done after runs, the first due first. A deploy or rollback that failed, and a rollback that is
    done, make a post-mortem by themselves.

        fab -H prod follow.list
        fab -H prod follow.list --run 20261124T130312Z-b7b0 --everything

    Exit codes: 0 shown, 2 usage, 7 a host or a file cannot be read.
    """
    cli.follow.show(session, only, run, everything=everything)


@cli.session_task(takes="name", name="done", options=["json"], help={"name": _ID, "note": "what came of it"})
def complete(session: cli.Session, name: str, note: str = "", only: str = "") -> None:
    """
    Say that a follow-up, or a duty, is done.

        fab -H prod follow.done f-3a9c11
        fab -H prod follow.done runbook-review --note "two steps were out of date"

    Exit codes: 0 kept, 2 usage, 7 there is no such follow-up, or it could be kept nowhere.
    """
    cli.follow.complete(session, name, only, note)


@cli.session_task(options=["json"])
def due(session: cli.Session, only: str = "") -> None:
    """
    Show what is late, for a cron job.

    Show what is late: follow-ups and duties; certificates that end, backups that nobody has proven for a week, flags
    left half way and locks held for more than a day, checks that the release was made without.

        fab -H prod due
        fab -H prod due --json

    Exit codes: 0 nothing is late, 2 usage, 7 something is, or a host or a file cannot be read.
    """
    cli.due.show_due(session, only)


namespace = cli.Collection("follow", add, list_, complete)
