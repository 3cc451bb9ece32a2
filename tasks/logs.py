"""`fab logs`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(
    takes="only",
    options=cli.FANOUT,
    help={
        "only": "these apps, with commas; all without it",
        "follow": "go on with what comes, until Ctrl-C",
        "since": "what was written since: 10m, 2h, 3d, or a time such as 2026-11-21T19:23",
        "grep": "only records in which this regular expression is found; a traceback is one record with its line",
        "lines": "the last so many lines of each app on each host; 50 without --since, all with it",
        "sudo": "read as root, through sudo without a password",
        "json": "each record as a line of JSON",
    },
)
def logs(
    session: cli.Session,
    only: str = "",
    follow: bool = False,
    since: str = "",
    grep: str = "",
    lines: int = -1,
    sudo: bool = False,
) -> None:
    """
    Show what the apps have logged, by time.

    Show what the apps of all selected hosts have logged, in the order of time: their files, and their services' logs.

    A file that is turned over while it is followed is followed on, and a host that is lost is tried again. What cannot
    be read is said once on stderr.

        fab -H prod logs
        fab -H prod logs api --since 10m --grep 'ERROR|Traceback'
        fab -H prod:backend logs api --follow

    Exit codes: 0 done, also where Ctrl-C ends --follow, 2 wrong options, 3 a host could not be reached, 7 nothing of an
    app can be read on a host.
    """
    cli.logs.show_logs(session, only, follow=follow, since=since, grep=grep, lines=lines, sudo=sudo)
