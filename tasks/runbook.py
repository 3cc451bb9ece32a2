"""`fab runbook`, `runbook.import`, `runbook.status`, `resume`, `confirm`, `skip`, `undo`, `end` and `print`."""

from __future__ import annotations

from lockstitch import cli

_RUN = "the run of a runbook (default: the newest of the environment)"
_OUTSIDE = "why a stage may begin outside the window; it is recorded and told"
_NO_WAIT = "end where a stage is not due yet, instead of waiting; runbook.resume goes on"
_YES = "do not ask, in any command, where the environment is protected"
_AGAIN = "run a command once more that was cut off, where nothing says whether it has ended"


@cli.session_task(
    default=True,
    takes="name",
    options=["yes", "json"],
    iterable=["set_"],
    help={
        "name": "the runbook: `release` is runbooks/release.yml",
        "ref": "the branch, tag or commit, for each command that takes one, and for {ref}",
        "set": "NAME=VALUE: a field that the runbook asks for; can be given several times",
        "outside_window": _OUTSIDE,
        "no_wait": _NO_WAIT,
        "yes": _YES,
    },
)
def runbook(
    session: cli.Session,
    name: str = "",
    ref: str = "",
    set_: list[str] | None = None,
    outside_window: str = "",
    no_wait: bool = False,
) -> None:
    """
    Run a runbook: its stages, in their order.

    It stops at a stage that fails, that a person must sign or confirm, or that may not begin outside the window. For
    one with `after` it waits. `runbook.resume` goes on from there, also after Ctrl-C. With `--dry` it shows the
    stages alone.

        fab -H prod runbook release --ref v1.4.2
        fab -H prod runbook hotfix --ref v1.4.3 --set severity=high

    Exit codes: 0 every stage is over; 2 usage; 7 a stage waits for a person or for the window, or is not due yet with
    `--no-wait`; 130 interrupted; else that of the command that failed.
    """
    cli.runbooks.begin(session, name, ref, set_ or [], outside_window, no_wait=no_wait)


@cli.session_task(takes="run", options=["json"], help={"run": _RUN})
def status(session: cli.Session, run: str = "") -> None:
    """
    Show where the run of a runbook is.

    What was skipped or begun outside the window stands first.

        fab -H prod runbook.status
    """
    cli.runbooks.status(session, run)


@cli.session_task(
    takes="run",
    options=["yes", "json"],
    help={"run": _RUN, "again": _AGAIN, "outside_window": _OUTSIDE, "no_wait": _NO_WAIT, "yes": _YES},
)
def resume(
    session: cli.Session, run: str = "", again: bool = False, outside_window: str = "", no_wait: bool = False
) -> None:
    """
    Go on with a runbook that has stopped.

    A stage that is over is not run again. A command that was cut off is looked up in the record of its run.

        fab -H prod runbook.resume

    Exit codes: those of `runbook`; 4 somebody else carries it out.
    """
    cli.runbooks.resume(session, run, again=again, outside_window=outside_window, no_wait=no_wait)


@cli.session_task(takes="stage", options=["json"], help={"stage": "the stage", "note": "what was seen", "run": _RUN})
def confirm(session: cli.Session, stage: str = "", note: str = "", run: str = "") -> None:
    """
    Confirm that the stage a person does is done.

        fab -H prod runbook.confirm sms --note "arrived after 4 s"
    """
    cli.runbooks.confirm(session, stage, run, note)


@cli.session_task(
    takes="stage",
    options=["json"],
    help={
        "stage": "the stage",
        "note": "what was seen; it is signed",
        "file": "a file, such as a report, whose SHA-256 is signed",
        "key": "the key that signs (default: that of git, else the one of yours that may sign)",
        "text": "print what is to be signed, and sign nothing",
        "signature": "take that text with its signature below, from a file, or from stdin as `-`",
        "run": _RUN,
    },
)
def sign(
    session: cli.Session,
    stage: str = "",
    note: str = "",
    file: str = "",
    key: str = "",
    text: bool = False,
    signature: str = "",
    run: str = "",
) -> None:
    """
    Sign a stage with your SSH key.

    What is signed is the run, the stage, the revision of each app, and where the stage says so the plan: a change of
    any of them voids it. Who may sign is in runbooks/allowed_signers (docs/sign-offs.md).

        fab -H prod runbook.sign qa --note "see ticket 12" --file report.pdf
        fab -H prod runbook.sign approve --text                     for somebody who signs elsewhere
        fab -H prod runbook.sign approve --signature approve.txt    that text, with its signature below

    Exit codes: 0 signed; 2 usage; 7 the signature would not count, and was not recorded.
    """
    cli.runbooks.sign(session, stage, run, note=note, file=file, key=key, text=text, signature=signature)


@cli.session_task(
    takes="stage", options=["json"], help={"stage": "the stage", "reason": "why; it is recorded", "run": _RUN}
)
def skip(session: cli.Session, stage: str = "", reason: str = "", run: str = "") -> None:
    """
    Leave out a stage, with a reason.

    The reason stands in the first lines of the status and of the report.

        fab -H prod runbook.skip sms --reason "the gateway is down, ticket 4711"
    """
    cli.runbooks.skip(session, stage, run, reason)


@cli.session_task(takes="run", options=["yes", "json"], help={"run": _RUN, "again": _AGAIN, "yes": _YES})
def undo(session: cli.Session, run: str = "", again: bool = False) -> None:
    """
    Undo the stages of a runbook, the last one first.

    Run the commands under `undo` of each stage that has changed something. With `--dry` it names the stages alone.

        fab -H prod runbook.undo
    """
    cli.runbooks.undo(session, run, again=again)


@cli.session_task(takes="run", options=["json"], help={"run": _RUN, "reason": "why; it is recorded"})
def end(session: cli.Session, run: str = "", reason: str = "") -> None:
    """
    Give up the run of a runbook, as it is.

        fab -H prod runbook.end --reason "v1.4.2 is not released"
    """
    cli.runbooks.end(session, run, reason)


@cli.session_task(
    name="print",
    takes="name",
    help={"name": "the runbook", "run": _RUN, "format": "`md` or `html`, one file that loads nothing"},
)
def print_(session: cli.Session, name: str = "", run: str = "", format: str = "md") -> None:
    """
    Print a runbook as a checklist, with its state.

    With the commit, date and author of its file. A value in it is never markup.

        fab -H prod runbook.print release --format html
    """
    cli.runbooks.print_checklist(session, name, run, format)


@cli.fleet_task(
    alone=True,
    takes="file",
    name="import",
    help={"file": "the Markdown file", "name": "the name of the runbook (default: that of the file)"},
)
def import_markdown(c: cli.FleetContext, file: str, name: str = "") -> None:
    """
    Make a draft of a runbook from a Markdown file.

    Headings become stages; fenced commands become `run` where they are ours or one of ours takes their place, else
    `tell`; checkboxes become `sign`. What is known to harm is never run: the draft says what to do instead. It is
    written to runbooks/NAME.yml, over nothing that is there; with `--dry` it is printed.

        fab runbook.import DEPLOYMENT.md --name release
        fab --dry runbook.import DEPLOYMENT.md

    Exit codes: 0 made, 2 the file cannot be read, has no steps, or the runbook is there already.
    """
    cli.runbook_import.import_runbook(c, file, name)


namespace = cli.Collection("runbook", runbook, status, resume, sign, confirm, skip, undo, end, print_, import_markdown)
