"""The report of one run, made from the events of its record. Pure.

A record may be damaged, old or written by somebody else: what is of another type than expected counts as absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lockstitch.facts.follow_ups import FollowUp, follow_ups
from lockstitch.facts.run_events import FoundRun
from lockstitch.measures.record import numbers_in
from lockstitch.model.flag import value_words
from lockstitch.model.plan import Commit
from lockstitch.report.release_report import (
    NOTE_FIELDS,
    GateAnswered,
    GateSeries,
    GateShare,
    ReportedChange,
    ReportedFailure,
    ReportedMeasure,
    ReportedReason,
    ReportedSmoke,
    ReportedStage,
    ReportNote,
    RunReport,
)
from lockstitch.report.release_report_fields import (
    RecordLine,
    epoch_of,
    lasted,
    number_of,
    rows_of,
    site_of,
    text_of,
    texts_of,
)
from lockstitch.report.release_report_timeline import phases_of, with_last_times
from lockstitch.report.watch import watch_periods

# Sentences of the engine about the course of a run; the lines of hooks and warnings are not among them.
_REMARKS = ("answered ", "going on: ", "no further wave begins: ", "left out: ", "what has switched stays ")

_ADDED = ("measured", "note", "notified", "follow", "follow done")


def run_report(
    recorded: FoundRun,
    last: FoundRun | None = None,
    others: Mapping[str, FoundRun] | None = None,
    process: int | None = None,
    follows: Iterable[FollowUp] = (),
) -> RunReport:
    """Return the report of a run, compared with the release before (`last`). `others` are, by name, the runs that its
    measures are compared with; `process` watches it now, and `follows` are its follow-ups that hosts keep."""
    events = recorded.events
    began, outcome = _ends(events)
    said = [text_of(event, "text") for event in _named(events, "said")]
    commits = outcome.get("commits") or began.get("commits")
    plan_notes = texts_of(began, "notes")
    return RunReport(
        **_about(recorded, began, outcome),
        last_run=last.run if last else "",
        changes=_changes(began, outcome),
        commits={str(app): _commits(some) for app, some in commits.items()} if isinstance(commits, Mapping) else {},
        flags=tuple(_flags(outcome if outcome.get("flags") else began)),
        backups=tuple(
            f"{text_of(each, 'database')}@{text_of(each, 'host')} {text_of(each, 'name')}"
            for each in rows_of(outcome, "backups")
        ),
        phases=with_last_times(phases_of(events, _begin(events)), phases_of(last.events, None) if last else ()),
        rollback=text_of(next(_named(events, "back"), {}), "why"),
        remarks=tuple(line for line in said if line.startswith(_REMARKS)),
        gates=_gates(events),
        series=_series(events),
        smoke=_smoke(events, last),
        measures=_measures(events, others or {}),
        watches=watch_periods(events, process),
        failures=tuple(map(_failure, rows_of(outcome, "failures"))),
        actions=tuple(
            (site_of(each), text_of(each, "what"), text_of(each, "command")) for each in rows_of(outcome, "left")
        ),
        plan_notes=plan_notes,
        notes=tuple(note for note in texts_of(outcome, "notes") if note not in plan_notes),
        people=tuple(
            ReportNote(text_of(note, "field"), text_of(note, "text"), text_of(note, "at"), text_of(note, "by"))
            for note in _named(events, "note")
            if text_of(note, "field") in NOTE_FIELDS
        ),
        stages=_stages(events),
        outside_window=_reasons(_named(events, "outside window"), "stage", "by"),
        evidence=_reasons(
            (each for event in _named(events, "evidence") for each in rows_of(event, "known")), "name", "result"
        ),
        follow_ups=tuple({**follow_ups(events), **{each.id: each for each in follows}}.values()),
    )


def _ends(events: Sequence[RecordLine]) -> tuple[RecordLine, RecordLine]:
    """Return the first line of a run and its outcome; empty where there is none. A runbook has others than a plan."""
    if (first := next(_named(events, "runbook"), None)) is not None:
        end = next(_named(reversed(events), "runbook end"), None)
        began = {**first, "kind": f"runbook {text_of(first, 'runbook')}"}
        return began, {} if end is None else {**end, "result": text_of(end, "state")}
    return next(_named(events, "run"), {}), next(_named(reversed(events), "outcome"), {})


def _begin(events: Sequence[RecordLine]) -> float | None:
    """Return when a run began, in epoch seconds: with its first line, else with the first that has a time."""
    return epoch_of(_ends(events)[0]) or next((at for event in events if (at := epoch_of(event))), None)


def _about(recorded: FoundRun, began: RecordLine, outcome: RecordLine) -> dict[str, Any]:
    """Return what a run was, when, and how it ended."""
    events, course = recorded.events, course_of(recorded.events)
    ended = text_of(outcome or (course[-1] if course else {}), "at")
    seconds, first = number_of(outcome, "seconds"), _begin(events)
    if seconds is None and first is not None and (until := epoch_of({"at": ended})) is not None:
        seconds = lasted(first, until)
    code = number_of(outcome, "exit_code")
    return {
        "run": recorded.run,
        **{key: text_of(began, key) or text_of(outcome, key) for key in ("kind", "environment", "by", "message")},
        "began": text_of(began or (events[0] if events else {}), "at"),
        "ended": ended,
        "seconds": seconds,
        "result": text_of(outcome, "result"),
        "exit_code": None if code is None else int(code),
        "cut": not outcome,
        "source": recorded.source,
        "problems": _problems(recorded, began),
    }


def course_of(events: Iterable[RecordLine]) -> list[RecordLine]:
    """Return the events of a run without what may be added to its record at any time later."""
    return [event for event in events if event.get("event") not in _ADDED]


def _named(
    events: Iterator[RecordLine] | Sequence[RecordLine] | reversed[RecordLine], name: str
) -> Iterator[RecordLine]:
    return (event for event in events if event.get("event") == name)


def _problems(recorded: FoundRun, began: RecordLine) -> tuple[str, ...]:
    lacking = [] if began else ["the record does not have the beginning of this run: what it was to do is not known"]
    if began and "waves" not in began and any(_named(recorded.events, "wave")):
        lacking.append("the record does not have the plan: steps that were planned and not begun are not shown")
    return (*recorded.notes, *lacking)


def _changes(began: RecordLine, outcome: RecordLine) -> tuple[ReportedChange, ...]:
    """Return the changes, the same on several hosts as one."""
    same: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    # The outcome names host and app, the first line the site.
    for each in rows_of(began, "changes") or rows_of(outcome, "changes"):
        app, _, host = (text_of(each, "site") or site_of(each)).partition("@")
        key = (app, text_of(each, "from"), text_of(each, "to"))
        same.setdefault(key, []).append((host, text_of(each, "release")))
    refs = began.get("refs") or outcome.get("refs")
    return tuple(
        ReportedChange(
            app,
            tuple(dict.fromkeys(host for host, _ in sites)),
            before,
            after,
            ", ".join(dict.fromkeys(release for _, release in sites if release)),
            text_of(refs, app) if isinstance(refs, Mapping) else "",
        )
        for (app, before, after), sites in same.items()
    )


def _commits(some: Any) -> tuple[Commit, ...]:
    return tuple(
        Commit(text_of(each, "revision"), text_of(each, "author"), text_of(each, "subject"))
        for each in rows_of({"commits": some}, "commits")
    )


def _flags(event: RecordLine) -> Iterator[tuple[str, str, str, str]]:
    for each in rows_of(event, "flags"):
        # The first line of a record has the fields of a FlagChange, an outcome those of a document.
        before, after = each.get("before", each.get("from")), each.get("after", each.get("to"))
        words = [value_words(value if isinstance(value, str) else None) for value in (before, after)]
        yield text_of(each, "flag"), text_of(each, "app"), words[0], words[1]


def _gates(events: Sequence[RecordLine]) -> tuple[GateAnswered, ...]:
    known: dict[tuple[str, str, str], GateAnswered] = {}
    phase = ""
    for event in events:
        name = event.get("event")
        if name == "wave":
            phase = text_of(event, "name")
        elif name == "back":
            phase = "going back"
        elif name == "gate":
            key = (phase, text_of(event, "site"), text_of(event, "gate"))
            # Of a record on hosts only the last try is kept.
            tries = max(int(number_of(event, "attempt") or 1), known[key].tries if key in known else 1)
            known[key] = GateAnswered(*key, text_of(event, "answer"), text_of(event, "reason"), tries)
    return tuple(known.values())


def _series(events: Sequence[RecordLine]) -> tuple[GateSeries, ...]:
    grouped: dict[tuple[int, str, str, str], list[RecordLine]] = {}
    phase, part = "", 0
    for event in events:
        name = event.get("event")
        if name == "wave":
            phase, part = text_of(event, "name"), part + 1
        elif name == "watch" and event.get("state") == "began":
            phase, part = "watch", part + 1
        elif name == "reading":
            grouped.setdefault((part, phase, text_of(event, "app"), text_of(event, "gate")), []).append(event)
    return tuple(_one_series(phase, app, gate, some) for (_, phase, app, gate), some in grouped.items())


def _one_series(phase: str, app: str, gate: str, readings: Sequence[RecordLine]) -> GateSeries:
    final = readings[-1]
    counts: RecordLine = next(
        (each["counts"] for each in reversed(readings) if isinstance(each.get("counts"), Mapping)), {}
    )
    shares = [share for each in readings if (share := _share(each, "bad", "total", number_of(each, "end")))]
    values = [
        (at, value)
        for each in readings
        if isinstance(each.get("counts"), Mapping)
        and (value := number_of(each["counts"], "value")) is not None
        and (at := number_of(each, "end")) is not None
    ]
    # The limit of a gate that compares is one of a difference or a ratio.
    low, high = number_of(final, "low"), number_of(final, "high")
    of_share = bool(shares) and low is not None and high is not None and low <= shares[-1].share <= high
    return GateSeries(
        phase,
        app,
        gate,
        text_of(final, "answer"),
        text_of(final, "says"),
        final.get("dry") is True,
        final.get("last") is True,
        _pair(counts.get("before")),
        tuple(shares),
        _share(final, "old_bad", "old_total") or _pair(counts.get("old")),
        number_of(final, "limit") if of_share and not values else None,
        tuple(values),
    )


def _share(event: RecordLine, bad: str, total: str, at: float | None = None) -> GateShare | None:
    known, of = number_of(event, bad), number_of(event, total)
    return None if known is None or of is None else GateShare.of(int(known), int(of), at)


def _pair(counts: Any) -> GateShare | None:
    if not isinstance(counts, list | tuple) or len(counts) != 2:
        return None
    return _share({"bad": counts[0], "total": counts[1]}, "bad", "total")


def _smoke(events: Sequence[RecordLine], last: FoundRun | None) -> tuple[ReportedSmoke, ...]:
    def key(event: RecordLine) -> tuple[str, str, str]:
        return text_of(event, "app"), text_of(event, "host"), text_of(event, "step")

    before = {key(event): text_of(event, "result") for event in _named(last.events if last else (), "smoke")}
    results = [
        ReportedSmoke(
            *key(event),
            text_of(event, "result"),
            text_of(event, "reason"),
            number_of(event, "seconds"),
            event.get("after_rollback") is True,
        )
        for event in _named(events, "smoke")
    ]
    return tuple(replace(each, last=before.get((each.app, each.host, each.step), "")) for each in results)


def _measures(events: Sequence[RecordLine], others: Mapping[str, FoundRun]) -> tuple[ReportedMeasure, ...]:
    newest: dict[tuple[str, str, str], RecordLine] = {}
    for event in _named(events, "measured"):
        newest[text_of(event, "app"), text_of(event, "name"), text_of(event, "host")] = event
    measures = []
    for key, event in newest.items():
        other = others.get(text_of(event, "before_run"))
        measures.append(
            ReportedMeasure(
                *key,
                text_of(event, "at"),
                text_of(event, "verdict"),
                text_of(event, "says"),
                numbers_in([{**event, "verdict": ""}], *key) or {},
                (numbers_in(other.events, *key) if other else None) or {},
                text_of(event, "before_run"),
            )
        )
    return tuple(measures)


def _stages(events: Sequence[RecordLine]) -> tuple[ReportedStage, ...]:
    """Return the stages of a runbook, and who has signed, confirmed or skipped each."""
    known: dict[str, ReportedStage] = {}
    began: dict[str, RecordLine] = {}
    runs: dict[str, dict[str, None]] = {}
    for event in events:
        name, state, at = text_of(event, "stage"), text_of(event, "state"), epoch_of(event)
        if event.get("event") == "command" and text_of(event, "run"):
            runs.setdefault(name, {})[text_of(event, "run")] = None
        if event.get("event") != "stage":
            continue
        if state == "began":
            began[name] = event
        first = began.get(name, {})
        start = epoch_of(first)
        seconds = round(max(0.0, at - start), 3) if at and start and state != "began" else None
        by, reason, when = (text_of(event, key) for key in ("by", "reason", "at"))
        planned, risk = number_of(first, "planned"), text_of(first, "risk")
        known[name] = ReportedStage(name, state, by, reason, when, seconds, planned, risk)
    return tuple(replace(stage, runs=tuple(runs.get(stage.name, ()))) for stage in known.values())


def _reasons(events: Iterable[RecordLine], name: str, said: str) -> tuple[ReportedReason, ...]:
    """Return what was told or found at last, by name."""
    rows = (ReportedReason(*(text_of(event, key) for key in (name, said, "reason"))) for event in events)
    return tuple({row.name: row for row in rows}.values())


def _failure(event: RecordLine) -> ReportedFailure:
    logs = event.get("logs")
    return ReportedFailure(
        site_of(event),
        text_of(event, "what"),
        text_of(event, "reason"),
        text_of(event, "hint"),
        texts_of(event, "output"),
        {str(name): texts_of(logs, name) for name in logs} if isinstance(logs, Mapping) else {},
    )
