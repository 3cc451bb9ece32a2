"""`report` and `report.note`: what one run did, for those who were not there, and what people add to it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lockstitch.cli.fanout import known_secrets
from lockstitch.cli.follow import follow_up_list
from lockstitch.cli.notifications import send_day
from lockstitch.cli.output import unwritten
from lockstitch.cli.report_runs import ReportRuns
from lockstitch.cli.session import Session, file_named
from lockstitch.engine.journal import Journal
from lockstitch.engine.redact import redacted
from lockstitch.engine.runbooks.attachments import signed_files
from lockstitch.engine.watch_lock import watcher
from lockstitch.errors import CheckError, ExitCode, UsageError
from lockstitch.inventory.validation import did_you_mean
from lockstitch.report.notices import sent_json, sent_text
from lockstitch.report.release_report import NOTE_FIELDS, RunReport, report_json
from lockstitch.report.release_report_blocks import ReportPage
from lockstitch.report.release_report_day import DayReport, day_json, day_notice, day_page
from lockstitch.report.release_report_events import course_of, run_report
from lockstitch.report.release_report_fields import is_within
from lockstitch.report.release_report_html import report_html
from lockstitch.report.release_report_md import report_md
from lockstitch.report.release_report_page import report_page
from lockstitch.text import neutral

FORMATS = ("md", "html", "json")
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


def show(session: Session, run: str, *, format: str, output: str, day: bool, send: bool) -> None:
    """Show the report of a run or of a day, or write it into a file."""
    if format not in FORMATS:
        said = f"--format {format}: there is no such format{did_you_mean(format, FORMATS)}"
        raise UsageError(said, hint=f"one of {', '.join(FORMATS)}")
    if run and day:
        raise UsageError("a run or a day, not both", hint="leave out --day, or the run")
    if send and not day:
        raise UsageError("--send is about --day: how a run ends is told by `notify`", hint="docs/notifications.md")
    # Also for what fails from here on.
    session.json = session.document.asked = session.json or format == "json"
    session.notes_aside = True
    if day:
        show_day(session, format=format, output=output, send=send)
    else:
        show_report(session, run, format=format, output=output)


def show_report(session: Session, run: str, *, format: str, output: str) -> None:
    """Show the report of a run, else of the newest release of the environment."""
    runs = ReportRuns(session)
    runs.ask_hosts()
    recorded = runs.run(run or runs.newest())
    last = runs.release_before(recorded)
    compared = {str(event.get("before_run") or "") for event in recorded.events if event.get("event") == "measured"}
    others = {name: known for name in compared if name and (known := runs.known(name))}
    follow_ups, problems = follow_up_list(session, runs.fleet, recorded.run)
    recorded = replace(recorded, notes=tuple(dict.fromkeys((*recorded.notes, *runs.notes, *problems))))
    report = run_report(recorded, last, others, watcher(session.runs, recorded.run), follow_ups)
    report = replace(report, signed_files=signed_files(session.runs, recorded.run))
    file = session.runs / recorded.run / "report.html"
    _answer(session, {"report": report_json(report)}, report_page(report), format, output, file)


def _answer(session: Session, document: dict[str, Any], page: ReportPage, format: str, output: str, file: Path) -> None:
    """Print a report, or write it: HTML into `file`, anything into `output`, whose `-` is stdout."""
    text = report_html(page) if format == "html" else report_md(page)
    path = None if output == "-" else file_named("--output", output) if output else file if format == "html" else None
    if format == "json" and path is not None:
        raise UsageError("--output is for md and html; JSON is printed", hint="redirect it: --format json > FILE")
    if path is file and not session.dry:
        # Of a run that another machine has carried out there is no folder here.
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
    if path is not None and not session.dry:
        _write(path, text)
    has = "would have" if session.dry else "has"
    said = text.rstrip("\n") if path is None else f"{path} {has} the report: {page.title}"
    session.answer(
        lambda: {**document, "file": str(path) if path else None}, lambda: said if path is None else neutral(said)
    )


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.touch(0o640)
        draft.write_text(text, encoding="utf-8", errors="replace")
        draft.replace(path)
    except (OSError, ValueError) as error:
        with suppress(OSError, ValueError):
            draft.unlink(missing_ok=True)
        why = unwritten(error) if isinstance(error, OSError) else str(error)
        hint = "name another file: --output FILE; --output - prints it"
        raise CheckError(f"the report cannot be written: {why}: {path}", hint=hint) from error


def show_day(session: Session, *, format: str, output: str, send: bool) -> None:
    """Show what the runs of the environment did in the last 24 hours, and send it where that is asked for. Ends with 7
    where a record cannot be read, or a channel does not take it."""
    until, runs = datetime.now(UTC), ReportRuns(session)
    since, name = until - timedelta(days=1), runs.fleet.inventory.name
    runs.ask_hosts(since)
    known = [*runs.since(since, until)]
    reports: dict[bool, list[RunReport]] = {True: [], False: []}
    for each in known:
        recent = any(is_within(event, since, until) for event in course_of(each.events))
        reports[recent].append(run_report(each, process=watcher(session.runs, each.run)))
    problems = dict.fromkeys([*runs.notes, *(note for each in known for note in each.notes)])
    times = f"{since:{_TIME}}", f"{until:{_TIME}}"
    day = DayReport(name, *times, tuple(reports[True]), tuple(problems), tuple(reports[False]))
    sent = send_day(session, day_notice(day)) if send and not session.dry else []
    file = session.runs / f"day-{name}-{until:%Y-%m-%d}.html"
    _answer(session, {"day": day_json(day), **sent_json(sent)}, day_page(day), format, output, file)
    if sent and not session.json:
        session.note(sent_text(sent))
    if day.problems or any(problem for _, _, problem in sent):
        sys.exit(int(ExitCode.CHECK_SAID_NO))


def add_note(session: Session, text: str, run: str, field: str) -> None:
    """Add a text to the record of a run, else of the newest release of the environment."""
    if field not in NOTE_FIELDS:
        hint = f"one of {', '.join(NOTE_FIELDS)}"
        raise UsageError(f"--field {field}: there is no such field{did_you_mean(field, NOTE_FIELDS)}", hint=hint)
    if not text.strip():
        raise UsageError("there is no text to add; nothing was recorded", hint="fab -H ENV report.note 'what you know'")
    runs = ReportRuns(session)
    if not run:
        runs.ask_hosts()
    recorded = runs.run(run or runs.newest())
    known = redacted(text.strip(), known_secrets(session.c.selection))
    if session.dry:
        session.note(f"{NOTE_FIELDS[field]}: {known}: it would be added to run {recorded.run}")
        return
    with Journal(session.runs, recorded.run) as journal:
        journal.write("note", field=field, text=known, by=session.by)
    hidden = "; what looks like a secret is masked" if known != text.strip() else ""
    noted = {"run": recorded.run, "field": field, "text": known, "by": session.by}
    session.answer(lambda: noted, lambda: f"added to run {recorded.run}: {NOTE_FIELDS[field]}{hidden}")
