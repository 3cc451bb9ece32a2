"""A run of a runbook as text and as JSON: what was skipped first, then each stage with its times. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from lockstitch.model.format import span, when
from lockstitch.model.notice import Notice, NoticeEvent, NoticeLevel
from lockstitch.report.text import table
from lockstitch.runbooks.settings import RunbookSettings, Stage
from lockstitch.runbooks.signoff import SignOffState, Standing
from lockstitch.runbooks.state import RunbookRun, StageRecord
from lockstitch.text import oneline

_STANDINGS = {
    Standing.VALID: "valid",
    Standing.MISSING: "missing",
    Standing.VOID: "void",
    Standing.UNVERIFIED: "not verified",
}
_WORDS = {"open": "-", "began": "cut off", "undo began": "undo cut off"}
_NOTICES: Mapping[str, tuple[NoticeEvent, NoticeLevel]] = {
    "begun": ("begun", "info"),
    "waiting": ("waiting", "info"),
    "message": ("message", "info"),
    "outside": ("message", "warning"),
    "done": ("done", "info"),
    "failed": ("failed", "error"),
    "needs_person": ("needs_person", "critical"),
    "interrupted": ("interrupted", "warning"),
    "rolled_back": ("rolled_back", "warning"),
    "killed": ("killed", "critical"),
}
_RUNNING = {"began": "running", "undo began": "being undone"}


SignedStages = Mapping[str, SignOffState]


def runbook_text(
    run: RunbookRun, settings: RunbookSettings, owner: str, now: datetime, signed: SignedStages | None = None
) -> str:
    """Return where a run is. `owner` is who carries it out, in words; empty where nobody does. `signed` are the
    verdicts about sign-offs, where they were judged just now."""
    began, ago = when(run.began, now)
    ref = f" of {run.ref}" if run.ref else ""
    head = f"{run.runbook}{ref} on {run.environment}, run {run.run}, by {run.by}, began {began} ({ago})"
    due = _due(run, settings, now)
    rows = [_row(run.stage(stage.name), stage, owner, now, due.get(stage.name)) for stage in settings.stages]
    verdicts = [oneline(sentence) for name, state in (signed or {}).items() for sentence in _verdict(name, state)]
    needs = [oneline(f"needs {each['name']}: {each['result']}: {each['reason']}") for each in run.evidence()]
    lines = [
        *_first(run),
        oneline(head),
        *needs,
        "",
        table(("stage", "state", "risk", "by", "took", "planned", "note"), rows),
    ]
    lines += ["", *verdicts] if verdicts else []
    if run.end:
        lines += ["", f"{run.runbook} is {run.end}"]
    elif owner:
        lines += ["", f"it is being carried out, by {owner}"]
    return "\n".join(lines)


def due_text(due: datetime, now: datetime) -> str:
    """Return when a stage that is not due yet begins, by the clock of this machine, and in how long."""
    at, today = due.astimezone(), now.astimezone()
    day = "" if at.date() == today.date() else f"{at:%a %d %b} "
    return f"may begin at {day}{at:%H:%M:%S}, in {span(max(1.0, (due - now).total_seconds()))}"


def _due(run: RunbookRun, settings: RunbookSettings, now: datetime) -> Mapping[str, datetime]:
    """Return the time at which the next stage is due, by its name; nothing where none has to wait for a time."""
    stage = None if run.end else run.next_stage(settings.stages)
    due = run.due(stage, settings.stages) if stage else None
    return {stage.name: due} if stage and due and due > now else {}


def next_commands(run: RunbookRun, settings: RunbookSettings) -> tuple[str, ...]:
    """Return what can be typed next, the likeliest first; nothing where the run has ended."""
    fab = f"fab -H {run.environment} runbook."
    stages = settings.stages
    stage = run.next_stage(stages)
    if run.end:
        return ()
    if any(record.state.startswith("undo") for record in run.stages.values()):
        return (f"{fab}undo",)
    undo = (f"{fab}undo",) if run.to_undo(stages) else ()
    if stage is None:
        return f"{fab}resume", *undo
    record = run.stage(stage.name)
    skip = f'{fab}skip {stage.name} --reason "…"'
    if stage.settings.sign and run.is_signed(stage.name):
        return f"{fab}resume", skip, *undo
    if stage.settings.sign:
        return f"{fab}sign {stage.name}", f"{fab}resume", skip, *undo
    if stage.is_confirmed:
        return f"{fab}confirm {stage.name}", f"{fab}resume", skip, *undo
    return (f"{fab}resume", *((skip,) if record.state != "open" else ()), *undo)


def runbook_json(
    run: RunbookRun, settings: RunbookSettings, owner: str, now: datetime, signed: SignedStages | None = None
) -> dict[str, Any]:
    """Return the same as a document."""
    return {
        "run": run.run,
        "runbook": run.runbook,
        "environment": run.environment,
        "ref": run.ref or None,
        "revisions": dict(run.revisions),
        "by": run.by,
        "began": run.began,
        "ended": run.ended or None,
        "result": run.end or None,
        "owner": owner or None,
        "skipped": [{"stage": each.name, "by": each.by, "reason": each.reason} for each in run.skipped()],
        "outside_window": [{key: e.get(key) for key in ("stage", "by", "reason")} for e in run.outside_window],
        "evidence": [{key: each[key] for key in ("name", "result", "reason")} for each in run.evidence()],
        "stages": [
            {
                **_stage_json(run.stage(stage.name), stage, owner, now),
                "due": at.isoformat() if (at := _due(run, settings, now).get(stage.name)) else None,
                "sign_off": _signed_json((signed or {}).get(stage.name)),
            }
            for stage in settings.stages
        ],
        "next": list(next_commands(run, settings)),
    }


def runbook_notice(
    run: RunbookRun, event: str, text: str, facts: Mapping[str, str], roles: Mapping[str, str], at: str, key: str
) -> Notice:
    """Return a notice about a run, which carries who has which role. `event` is that of a notice, or `outside`; `key`
    tells the notices that belong together."""
    title = f"runbook {run.runbook} of {run.environment} {text}"
    about = [
        *facts.items(),
        ("ref", run.ref),
        ("by", run.by),
        *roles.items(),
        ("record", f"fab -H {run.environment} runbook.status {run.run}"),
    ]
    said = tuple((name, oneline(value)) for name, value in about if value)
    known, level = _NOTICES[event]
    revisions = tuple(run.revisions.items())
    return Notice(known, level, key, "runbook", run.environment, at, title, said, revisions)


def _verdict(name: str, state: SignOffState) -> Iterator[str]:
    """Yield the verdict about the sign-off of a stage, and what a person should know of it."""
    statement = state.statement
    said = f" by {state.signer}" if state.signer else ""
    said += f" at {statement.signed}" if statement else ""
    yield f"{name}: the sign-off{said} is {_STANDINGS[state.standing]}{f': {state.reason}' if state.reason else ''}"
    if statement and (statement.note or statement.file):
        file = f"{statement.file} (SHA-256 {statement.file_hash})" if statement.file else ""
        yield f"  {'; '.join(part for part in (statement.note, file) if part)}"
    yield from (f"! {name}: {remark}" for remark in state.remarks)


def _signed_json(state: SignOffState | None) -> dict[str, Any] | None:
    if state is None:
        return None
    statement = state.statement
    return {
        "standing": state.standing.value,
        "reason": state.reason or None,
        "signer": state.signer or None,
        "signed": statement.signed if statement else None,
        "expires": (statement.expires or None) if statement else None,
        "note": (statement.note or None) if statement else None,
        "file": (statement.file or None) if statement else None,
        "file_hash": (statement.file_hash or None) if statement else None,
        "remarks": list(state.remarks),
    }


def state_word(record: StageRecord, owner: str) -> str:
    """Return the state of a stage in a word, which depends on whether somebody carries it out."""
    words = _RUNNING if owner else _WORDS
    return words.get(record.state, _WORDS.get(record.state, record.state))


def _stage_json(record: StageRecord, stage: Stage, owner: str, now: datetime) -> dict[str, Any]:
    commands = [
        {"command": each.line, "run": each.run, "exit_code": each.code, "undo": undo}
        for undo, of in ((False, record.commands), (True, record.undo))
        for each in of
    ]
    return {
        "stage": stage.name,
        "state": "running" if owner and record.state == "began" else record.state,
        "risk": stage.settings.risk,
        "by": record.by or None,
        "began": record.began or None,
        "ended": record.ended or None,
        "seconds": _seconds(record.began, record.ended, now),
        "planned": stage.settings.expect.stage,
        "late": record.late,
        "reason": record.reason or None,
        "commands": commands,
    }


def _first(run: RunbookRun) -> Iterator[str]:
    """Yield what a reader must see before all else."""
    for record in run.skipped():
        yield oneline(f"! {record.name} was skipped by {record.by}: {record.reason}")
    for event in run.outside_window:
        yield oneline(f"! {event.get('stage')} began outside the window, by {event.get('by')}: {event.get('reason')}")


def _row(record: StageRecord, stage: Stage, owner: str, now: datetime, due: datetime | None) -> Sequence[str]:
    seconds = _seconds(record.began, record.ended, now) if record.state != "skipped" else None
    planned = stage.settings.expect.stage
    return [
        stage.name,
        state_word(record, owner),
        stage.settings.risk or "",
        record.by if record.state != "open" else "",
        span(seconds) if seconds is not None and (record.ended or owner) else "",
        span(planned) if planned else "",
        "; ".join([*_notes(record, stage, seconds), *([due_text(due, now)] if due else [])]),
    ]


def _notes(record: StageRecord, stage: Stage, seconds: float | None) -> Iterator[str]:
    if record.reason:
        yield record.reason
    if record.late >= 60:
        yield f"began {span(record.late)} late"
    expect = stage.settings.expect
    if expect.stage and seconds and seconds > expect.stage:
        yield f"took {span(seconds - expect.stage)} longer than planned"
    start = _seconds(record.ended, record.undo_began) if record.state.startswith("und") else None
    for what, real, planned in (
        ("its undo began after", start, expect.rollback_start),
        ("its undo took", _seconds(record.undo_began, record.undo_ended), expect.rollback),
    ):
        if real is not None and planned:
            yield f"{what} {span(real)} (planned {span(planned)})"


def _seconds(began: str, ended: str, now: datetime | None = None) -> float | None:
    """Return the seconds between two times of a record; until `now` where there is no second."""
    if not began or not (ended or now):
        return None
    end = datetime.fromisoformat(ended) if ended else now
    assert end is not None
    return max(0.0, (end - datetime.fromisoformat(began)).total_seconds())
