"""`gates.try`: the runs that this machine has recorded, judged by the limits of today."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lockstitch.checks.past_runs import PastRun, app_limits, judge_run
from lockstitch.cli.session import Session
from lockstitch.engine.journal import record_files, records
from lockstitch.errors import ExitCode, UsageError
from lockstitch.report.past_runs import past_runs_json, past_runs_text


def try_gates(session: Session, only: str, runs: int) -> None:
    """Judge the newest so many runs with readings of these apps; ends with 7 where a record cannot be read."""
    fleet = session.fleet(only)
    limits = app_limits(fleet)
    if not limits:
        raise UsageError(f"no app of {fleet.inventory.name} has gates", hint="docs/metrics.md shows the first one")
    if runs < 1:
        raise UsageError(f"--runs {runs}: judge at least one run")
    judged: list[PastRun] = []
    unreadable: list[str] = []
    # The names of runs begin with their times.
    for file in _files(session.runs, unreadable):
        if len(judged) == runs:
            break
        events = _events(file, unreadable)
        if _environment(events) != fleet.inventory.name:
            continue
        if each := judge_run(file.parent.name, events, limits):
            judged.append(each)
    code = ExitCode.CHECK_SAID_NO if unreadable else ExitCode.DONE
    session.answer(
        lambda: past_runs_json(judged, unreadable, int(code)),
        lambda: past_runs_text(judged, unreadable, datetime.now(UTC)),
    )
    sys.exit(int(code))


def _files(runs: Path, unreadable: list[str]) -> list[Path]:
    try:
        return record_files(runs)
    except OSError as error:
        unreadable.append(f"{runs} is unreadable: {error.strerror}")
        return []


def _events(file: Path, unreadable: list[str]) -> list[Mapping[str, Any]]:
    try:
        lines, damaged = records(file)
    except OSError as error:
        unreadable.append(f"{file} is unreadable: {error.strerror}")
        return []
    if damaged:
        unreadable.append(f"{damaged} lines of {file} are no records, and are left out")
    return [line for line in lines if isinstance(line, dict)]


def _environment(events: list[Mapping[str, Any]]) -> str:
    """Return the environment of a run, or of its watch where it was made from another machine."""
    return next((str(event["environment"]) for event in events if event.get("environment")), "")
