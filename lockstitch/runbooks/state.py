"""State of a run of a runbook, as the events of its record say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from lockstitch.errors import ExitCode
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.runbooks.settings import Stage
from lockstitch.runbooks.signoff import SignOff

# The one who has ended a stage that stands in for evidence which was found; no person has such a name.
FOUND_ITSELF = "(evidence)"
# `began` without an end: it runs, or it was cut off.
StageState = Literal["open", "began", "done", "failed", "skipped", "undone", "undo began", "undo failed"]
# These ends of a command say that nothing is changed any more; after the others the hosts may need a person.
UNCHANGED = frozenset({2, 3, 4, 5, 7, 130})


@dataclass(frozen=True)
class CommandRecord:
    """One command of a stage: as typed, the id of its run, its times in UTC, and its exit code (None: no end is
    known). `changed`: it may have left a change on the hosts (None: as its exit code says);
    `is_retry`: one before it, in its place, may have."""

    line: str
    run: str
    began: str
    ended: str = ""
    code: int | None = None
    changed: bool | None = None
    is_retry: bool = False

    @property
    def is_to_undo(self) -> bool:
        """Tell whether it may have left a change on the hosts, or one before it."""
        return self.is_retry or (self.code not in UNCHANGED if self.changed is None else self.changed)


@dataclass(frozen=True)
class StageRecord:
    """State of one stage. `reason` is why it failed or was skipped, or the note of who confirmed it; `late` seconds
    lie between the time that it was due and its beginning. `code` is that of the failure."""

    name: str
    state: StageState = "open"
    began: str = ""
    ended: str = ""
    by: str = ""
    reason: str = ""
    code: int = 0
    late: float = 0.0
    commands: tuple[CommandRecord, ...] = ()
    undo: tuple[CommandRecord, ...] = ()
    undo_began: str = ""
    undo_ended: str = ""

    def is_done(self, number: int, line: str) -> bool:
        """Tell whether the command at a place has ended well, and is still the one that stands there."""
        return number < len(self.commands) and (self.commands[number].line, self.commands[number].code) == (line, 0)

    @property
    def is_over(self) -> bool:
        """Tell whether the run goes on with the next stage."""
        return self.state in ("done", "skipped")

    @property
    def is_to_undo(self) -> bool:
        """Tell whether it has changed something that is still there, or may have."""
        if self.state in ("undo began", "undo failed") or (self.state == "done" and not self.commands):
            return True
        return self.state in ("began", "failed", "skipped", "done") and any(each.is_to_undo for each in self.commands)


@dataclass(frozen=True)
class RunbookRun:
    """One run of a runbook. `values` fill `{name}` in texts and commands; `revisions` are those of the apps when it
    began. `events` are all of its record, for sign-offs and evidence."""

    run: str
    runbook: str
    environment: str
    by: str
    began: str
    ref: str = ""
    digest: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    revisions: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, StageRecord] = field(default_factory=dict)
    outside_window: tuple[Mapping[str, Any], ...] = ()
    end: str = ""
    ended: str = ""
    events: tuple[Mapping[str, Any], ...] = ()

    def stage(self, name: str) -> StageRecord:
        """Return the state of a stage, which may not have begun."""
        return self.stages.get(name, StageRecord(name))

    @property
    def is_planned(self) -> bool:
        """Tell whether it has been told that it begins: what it releases is known."""
        return any(event.get("event") == "plans" for event in self.events)

    def signoffs(self, name: str) -> tuple[SignOff, ...]:
        """Return the sign-offs of a stage, oldest first."""
        return tuple(
            SignOff(str(event.get("text")), str(event.get("signature")))
            for event in self.events
            if event.get("event") == "signed" and event.get("stage") == name
        )

    def is_signed(self, name: str) -> bool:
        """Tell whether somebody has signed a stage since it was opened last; whether that holds is judged elsewhere."""
        ours = [event for event in self.events if event.get("stage") == name]
        return any(event.get("event") == "signed" for event in ours[-1:])

    def evidence(self) -> tuple[Mapping[str, Any], ...]:
        """Return what was found of each need at last: its `name`, `result` and `reason`."""
        needs = [each for event in self.events if event.get("event") == "evidence" for each in event["known"]]
        return tuple({str(each["name"]): each for each in needs}.values())

    def is_found(self, name: str) -> bool:
        """Tell whether nobody has signed a stage, since what it stands in for was shown."""
        return self.stage(name).by == FOUND_ITSELF

    def next_stage(self, stages: Iterable[Stage]) -> Stage | None:
        """Return the first stage that is not over; None where all are."""
        return next((stage for stage in stages if not self.stage(stage.name).is_over), None)

    def due(self, stage: Stage, stages: Sequence[Stage]) -> datetime | None:
        """Return the time before which a stage does not begin, by its `after`; None where it has none, or has begun."""
        after, names = stage.settings.after, [each.name for each in stages]
        if after is None or self.stage(stage.name).state != "open":
            return None
        before = [after.stage] if after.stage else names[: names.index(stage.name)][::-1]
        ends = [self.stage(name).ended for name in before if self.stage(name).state == "done"]
        return datetime.fromisoformat(ends[0] if ends else self.began) + timedelta(seconds=after.seconds)

    def skipped(self) -> tuple[StageRecord, ...]:
        """Return the stages that were skipped, in the order of their skips, also if they were undone since."""
        skips: dict[str, StageRecord] = {}
        for event in self.events:
            if event.get("event") == "stage" and event.get("state") == "skipped":
                name = str(event["stage"])
                skips[name] = _staged(StageRecord(name), event)
        return tuple(skips.values())

    def to_undo(self, stages: Iterable[Stage]) -> tuple[Stage, ...]:
        """Return the stages that are to be undone, the last one that began first."""
        changed = [stage for stage in stages if stage.undo and self.stage(stage.name).is_to_undo]
        return tuple(sorted(changed, key=lambda stage: self.stage(stage.name).began, reverse=True))


def runbook_run(events: Iterable[Mapping[str, Any]]) -> RunbookRun:
    """Return the state that events add up to. Raises ValueError where they are not of a runbook."""
    lines = tuple(events)
    first = next(iter(lines), {})
    if first.get("event") != "runbook":
        raise ValueError("the record does not begin with that of a runbook")
    stages: dict[str, StageRecord] = {}
    end = ended = ""
    revisions: Mapping[str, str] = {}
    for event in lines[1:]:
        kind, name = event.get("event"), str(event.get("stage", ""))
        record = stages.get(name, StageRecord(name))
        if kind == "stage":
            stages[name] = _staged(record, event)
        elif kind == "command":
            stages[name] = _commanded(record, event)
        elif kind == "plans":
            revisions = event["revisions"]
        elif kind == "runbook end":
            end, ended = str(event.get("state")), str(event["at"])
    texts = {key: str(first.get(key) or "") for key in ("run", "runbook", "environment", "by", "ref", "digest")}
    return RunbookRun(
        **texts,
        began=str(first["at"]),
        values=first.get("values") or {},
        revisions=revisions,
        stages=stages,
        outside_window=tuple(event for event in lines if event.get("event") == "outside window"),
        end=end,
        ended=ended,
        events=lines,
    )


def _staged(record: StageRecord, event: Mapping[str, Any]) -> StageRecord:
    state, at, by = event.get("state"), str(event["at"]), str(event.get("by") or "")
    reason, code = str(event.get("reason") or ""), int(event.get("code") or 0)
    match state:
        case "began":
            if record.state in ("failed", "began"):
                # It goes on: commands that are done stay so.
                return replace(record, state="began", ended="", reason="", code=0)
            return StageRecord(record.name, "began", began=at, by=by, late=float(event.get("late") or 0))
        case "done" | "skipped" | "failed":
            return replace(record, state=state, began=record.began or at, ended=at, by=by, reason=reason, code=code)
        case "open":
            return StageRecord(record.name, reason=reason)
        case "undo began":
            return replace(record, state=state, undo_began=at, undo_ended="", by=by)
        case "undone" | "undo failed":
            return replace(record, state=state, undo_ended=at, reason=reason, code=code)
    raise ValueError(f"{state!r} is no state of a stage")


def _commanded(record: StageRecord, event: Mapping[str, Any]) -> StageRecord:
    known = list(record.undo if event.get("undo") else record.commands)
    number, at = int(event["number"]), str(event["at"])
    if event.get("state") == "began":
        is_retry = any(each.is_to_undo for each in known[number:])
        known[number:] = [CommandRecord(str(event["line"]), str(event["run"]), at, is_retry=is_retry)]
    else:
        known[number] = replace(known[number], ended=at, code=int(event["code"]), changed=event.get("changed"))
    return replace(record, undo=tuple(known)) if event.get("undo") else replace(record, commands=tuple(known))


def failed_code(code: int) -> ExitCode:
    """Return the exit code of a runbook whose command ended so: the command's own, where it is one of ours."""
    return ExitCode(code) if code in set(ExitCode) and code != ExitCode.DONE else ExitCode.CHECK_SAID_NO
