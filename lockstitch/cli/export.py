"""`history.export`: one archive with all that is known of a run, without secrets."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from lockstitch.cli.fanout import known_secrets
from lockstitch.cli.history import run_record
from lockstitch.cli.run_events import ask_sites, fact_of, no_record, sites_of
from lockstitch.cli.session import Session, file_named
from lockstitch.engine.redact import redacted
from lockstitch.engine.runbooks.attachments import signed_files
from lockstitch.errors import CheckError, UsageError
from lockstitch.facts.history import RunFacts, run_probe
from lockstitch.model.format import sized
from lockstitch.report.export import archive, attachment_files, run_files
from lockstitch.report.history import run_text
from lockstitch.report.release_report_events import run_report
from lockstitch.report.release_report_md import report_md
from lockstitch.report.release_report_page import report_page
from lockstitch.text import listed

RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
# No report is as large.
_LARGEST = 20 << 20


def export_run(session: Session, run: str, to: str) -> None:
    """Write the archive of a run into a new file. Raises UsageError where the file is there already."""
    fleet, file = session.fleet(""), file_named("--to", to or f"{run}.tar.gz")
    if not RUN.fullmatch(run):
        raise UsageError(
            f"{run!r} is no run; nothing was written", hint=f"fab -H {fleet.inventory.name} history lists them"
        )
    replies = ask_sites(session, fleet, {site: run_probe(site, run) for site in sites_of(fleet)})
    facts_of = {site: fact_of(reply, RunFacts()) for site, reply in replies.items()}
    away = [f"{site}: {reply.error.message}" for site, reply in replies.items() if reply.error]
    record, known = run_record(session, run, facts_of)
    is_runbook = any(event.get("event") == "runbook" for event in known.events)
    if record.empty and not is_runbook:
        raise no_record(fleet, run, away)
    masked = partial(redacted, secrets=known_secrets(session.c.selection))
    unread: list[str] = []
    reports = _reports(session.runs / run, unread)
    signed = signed_files(session.runs, run)
    lost = [f"{each.name} of {each.stage}: {each.problem}" for each in signed if each.problem]
    missing = (*known.notes, *away, *unread, *lost)
    shown = report_md(report_page(run_report(known))) if is_runbook else run_text(record, datetime.now(UTC))
    texts = run_files(replace(known, notes=missing), facts_of, reports, shown, masked)
    files: dict[str, str | bytes] = {**texts, **attachment_files(signed)}
    content = archive(run, files)
    if not session.dry:
        _write(file, content)
    session.answer(
        lambda: {"run": run, "path": str(file), "files": list(files), "missing": list(missing)},
        lambda: f"{file}{' would have' if session.dry else ':'} {sized(len(content))}, {', '.join(files)}",
    )
    if missing:
        raise CheckError(
            listed([f"{file} lacks something of run {run}:", *missing]), hint="see to these hosts and files"
        )


def _reports(folder: Path, unread: list[str]) -> dict[str, str]:
    """Return the reports beside the record of a run, by name; `unread` gets what could not be read."""
    reports = {}
    with suppress(FileNotFoundError):
        for path in sorted(folder.iterdir()):
            if path.name == "events.jsonl" or path.suffix not in (".html", ".md", ".json") or not path.is_file():
                continue
            try:
                if path.stat().st_size > _LARGEST:
                    raise OSError(0, f"it is larger than {sized(_LARGEST)}")
                reports[path.name] = path.read_text(encoding="utf-8", errors="replace")
            except OSError as error:
                unread.append(f"{path} is left out: {error.strerror}")
    return reports


def _write(file: Path, data: bytes) -> None:
    """Write a new file, whole or not at all; nobody else reads it."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{file} is there already; nothing was written", hint="name another one with --to") from None
    except OSError as error:
        raise CheckError(f"{file} cannot be written: {error.strerror}") from error
    try:
        with open(descriptor, "wb") as target:
            target.write(data)
    except OSError as error:
        file.unlink(missing_ok=True)
        raise CheckError(f"{file} cannot be written: {error.strerror}") from error
