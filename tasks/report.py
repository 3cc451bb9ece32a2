"""`fab report` and `fab report.note`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(
    takes="run",
    default=True,
    options=["json"],
    help={
        "run": "of this run; without it of the newest deploy or rollback",
        "format": "md, html or json",
        "output": "write it into this file; - is stdout",
        "day": "every run of the last 24 hours, in one summary",
        "send": "send that summary to the channels of `day` in `notify`",
    },
)
def report(
    session: cli.Session, run: str = "", format: str = "md", output: str = "", day: bool = False, send: bool = False
) -> None:
    """
    Report what a run changed, and how it went.

    Report one run for those who were not there: what changed, the timeline against the plan, gates before and after,
    smoke and measurements beside the last release's, failures, the rollback and its reason, the watch, and what people
    add with `report.note`.

    It is Markdown on stdout. As HTML it is one file without scripts, beside the record of the run or at `--output`.
    docs/reports.md explains each part. Changes no host.

        fab -H prod report
        fab -H prod report 20261124T130312Z-b7b0 --output report.md
        fab -H prod report --format html --output report.html
        fab -H prod report --day --send
        fab -H prod report --format json

    Exit codes: 0 shown, 2 usage, 7 there is no such run, a record cannot be read, or a channel did not take the day.
    """
    cli.report.show(session, run, format=format, output=output, day=day, send=send)


@cli.session_task(
    takes="text",
    options=["json"],
    help={
        "text": "what is added",
        "run": "to the report of this run; without it of the newest deploy or rollback",
        "field": "note, issue, satisfaction or lesson",
    },
)
def note(session: cli.Session, text: str, run: str = "", field: str = "note") -> None:
    """
    Add a text to the report of a run.

    Add what only a person knows to the report of a run: a note, an issue, how satisfied users are, or a lesson learned.

    It is recorded with your name and the time. What looks like a secret is masked.

        fab -H prod report.note 'the queue was full before we began'
        fab -H prod report.note '4.5 of 5, 12 answers' --field satisfaction
        fab -H prod report.note 'rehearse the migration on staging' --field lesson --run 20261124T130312Z-b7b0

    Exit codes: 0 recorded, 2 usage, 7 there is no such run, or its record cannot be written.
    """
    cli.report.add_note(session, text, run, field)


namespace = cli.Collection("report", report, note)
