"""The report of one run as a page: what people read first comes first. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lockstitch.model.release import short, short_ref
from lockstitch.report.release_report import (
    ReportedChange,
    ReportedFailure,
    RunReport,
    TimedPhase,
    TimedStep,
)
from lockstitch.report.release_report_blocks import (
    BlockMark,
    BlockTone,
    CommandBlock,
    FactsBlock,
    HeadingBlock,
    LinesBlock,
    ReportBlock,
    ReportPage,
    TableBlock,
    TextBlock,
    took,
    utc,
)
from lockstitch.report.release_report_gates import gate_blocks
from lockstitch.report.release_report_results import result_blocks
from lockstitch.report.text import counted
from lockstitch.report.watch import WatchPeriod

_COMMITS = 50
_RESULTS: dict[str, tuple[str, BlockTone]] = {
    "done": ("done", "good"),
    "put back": ("failed, and every host is back where it was", "bad"),
    "needs a person": ("failed, and hosts need a person", "bad"),
    "refused": ("refused: nothing was changed", "warn"),
    "interrupted": ("interrupted", "warn"),
}
_CUT: tuple[str, BlockTone] = ("without a recorded end: it was cut off, or is still running", "bad")
_MIGRATIONS = re.compile(
    r"^[^ ]+: (pending migrations: |migrations that come in: |no migration is pending|the database)"
)
_STATES: dict[str, BlockTone] = {"failed": "bad", "cut off": "bad", "not begun": "warn", "left out": "plain"}


def report_page(report: RunReport) -> ReportPage:
    """Return the page of a report."""
    words, tone = end_words(report)
    blocks: list[ReportBlock] = [FactsBlock(tuple(_facts(report, words)))]
    blocks += [TextBlock(problem, "warn", item=True) for problem in report.problems]
    for part in (_trouble, _stages, _changed, _timeline, gate_blocks, result_blocks):
        blocks += part(report)
    return ReportPage(f"{report.kind or 'run'} of {report.environment or '?'}: {words}", tone, tuple(blocks))


def end_words(report: RunReport) -> tuple[str, BlockTone]:
    """Return how a run ended, in words, and the tone of that."""
    words, tone = _CUT if report.cut else _RESULTS.get(report.result, (report.result or "ended", "plain"))
    final: WatchPeriod | None = report.watches[-1] if report.watches else None
    if final is not None and final.rollback:
        return f"{words}, and taken back by run {final.rollback}", "bad"
    return words, tone


def _facts(report: RunReport, words: str) -> Iterator[tuple[str, str]]:
    yield "run", report.run
    yield "result", words
    if skipped := [
        f"{stage.name} ({stage.reason}, by {stage.by})" for stage in report.stages if stage.state == "skipped"
    ]:
        yield "skipped", ", ".join(skipped)
    if outside := [f"{each.name} ({each.reason}, by {each.said})" for each in report.outside_window]:
        yield "outside the window", ", ".join(outside)
    yield "began", utc(report.began) or "not recorded"
    yield "duration", took(report.seconds) + (" until the last recorded event" if report.cut else "")
    yield "by", report.by or "not recorded"
    if report.message:
        yield "why", report.message
    if rollout := [phase for phase in report.phases if phase.name not in ("going back", "record, prune, unlock")]:
        pauses = [took(phase.pause) for phase in rollout if phase.pause]
        begun = sum(phase.state not in ("not begun", "left out") for phase in rollout)
        yield (
            "rollout",
            f"{counted(len(rollout), 'wave')}, {begun} begun"
            + (f", with a pause of {', '.join(dict.fromkeys(pauses))}" if pauses else ""),
        )
    yield "rolled back", f"yes: {report.rollback}" if report.rollback else _back_by_watch(report)
    if report.is_release:
        yield "compared with", f"run {report.last_run}" if report.last_run else "nothing: no release before is recorded"
    yield "record", f"of {report.source}"


def _back_by_watch(report: RunReport) -> str:
    watch = next((each for each in reversed(report.watches) if each.rollback), None)
    return f"yes, by its watch as run {watch.rollback}: {watch.reason}" if watch else "no"


def _trouble(report: RunReport) -> Iterator[ReportBlock]:
    if report.actions:
        yield HeadingBlock("What needs a person")
        for site, what, command in report.actions:
            yield CommandBlock(f"{site}: {what}", command)
    if report.failures:
        yield HeadingBlock("Failures")
        for failure in report.failures:
            yield from _failure(failure)
    if report.remarks or report.notes:
        yield HeadingBlock("Remarks")
        yield from (TextBlock(text, item=True) for text in dict.fromkeys((*report.remarks, *report.notes)))


def _failure(failure: ReportedFailure) -> Iterator[ReportBlock]:
    where = f"{failure.site}: " if failure.site else ""
    yield TextBlock(f"{where}{failure.reason}", "bad", item=True)
    if failure.hint:
        yield TextBlock(f"hint: {failure.hint}", item=True)
    if failure.output:
        yield LinesBlock(f"the last lines of {failure.what}", failure.output)
    for name, lines in failure.logs.items():
        if lines:
            yield LinesBlock(f"the last lines of {name}", lines)


def _stages(report: RunReport) -> Iterator[ReportBlock]:
    if not report.stages:
        return
    yield HeadingBlock("Stages and sign-offs")
    rows = tuple(
        (
            each.name,
            each.state,
            each.risk or "-",
            each.by or "-",
            utc(each.at),
            took(each.seconds),
            took(each.planned),
            each.reason,
            ", ".join(each.runs),
        )
        for each in report.stages
    )
    tones: dict[str, BlockTone] = {"failed": "bad", "undo failed": "bad", "skipped": "warn"}
    yield TableBlock(
        ("stage", "state", "risk", "by", "at", "took", "planned", "why", "runs"),
        rows,
        tuple(tones.get(each.state, "plain") for each in report.stages),
    )
    if report.signed_files:
        yield HeadingBlock("Files that were signed")
        yield TableBlock(
            ("stage", "file", "SHA-256", "by", "kept"),
            tuple((e.stage, e.name, e.digest, e.signer, e.problem or "as it was signed") for e in report.signed_files),
            tuple("bad" if each.problem else "plain" for each in report.signed_files),
        )
    if report.evidence:
        yield HeadingBlock("Evidence")
        yield TableBlock(
            ("need", "result", "why"),
            tuple((each.name, each.said, each.reason) for each in report.evidence),
            tuple("plain" if each.said == "pass" else "warn" for each in report.evidence),
        )


def _changed(report: RunReport) -> Iterator[ReportBlock]:
    # What the stages of a runbook changed is in the reports of their own runs.
    if report.stages:
        return
    yield HeadingBlock("What changed")
    rows = tuple(_change(change) for change in report.changes)
    if rows:
        yield TableBlock(("app", "hosts", "from", "to", "asked for as", "release"), rows)
    for app, commits in report.commits.items():
        shown = tuple((short(each.revision), each.author, each.subject) for each in commits[:_COMMITS])
        verb = "taken back" if report.kind == "rollback" else "new"
        yield TextBlock(f"{app}: {counted(len(commits), 'commit')} {verb}")
        if shown:
            yield TableBlock(("commit", "author", "subject"), shown)
        if len(commits) > len(shown):
            yield TextBlock(f"and {len(commits) - len(shown)} more")
    if report.flags:
        yield TableBlock(("flag", "app", "from", "to"), report.flags)
    migrations = [note for note in report.plan_notes if _MIGRATIONS.match(note)]
    yield from (TextBlock(f"migrations of {note}", item=True) for note in migrations)
    for phase, step in _steps(report, "migrate"):
        yield TextBlock(f"migrate: {_state(phase, step)}, {took(step.seconds)}", item=True)
    settings = dict.fromkeys(
        words.removeprefix("record ") for _, step in _steps(report, "record settings") for words in step.says
    )
    yield from (TextBlock(f"settings: {words}", item=True) for words in settings)
    yield from (TextBlock(f"backup: {name}", item=True) for name in report.backups)
    yield from (TextBlock(note, item=True) for note in report.plan_notes if note not in migrations)
    if not (rows or report.flags or settings or report.backups):
        yield TextBlock("no revision, flag or setting")


def _steps(report: RunReport, name: str) -> Iterator[tuple[TimedPhase, TimedStep]]:
    return ((phase, step) for phase in report.phases for step in phase.steps if step.name == name)


def _change(change: ReportedChange) -> tuple[str, ...]:
    return (
        change.app,
        ", ".join(change.hosts),
        short(change.before) if change.before else "-",
        short(change.after) if change.after else "-",
        short_ref(change.ref) or "-",
        change.release or "-",
    )


def _timeline(report: RunReport) -> Iterator[ReportBlock]:
    if not report.phases:
        return
    yield HeadingBlock("Timeline against plan")
    whole = max([report.seconds or 0.0, *((p.start or 0.0) + (p.seconds or 0.0) for p in report.phases), 0.001])
    rows, tones, marks = [], list[BlockTone](), []
    for phase in report.phases:
        tone = _STATES.get(phase.state, "plain")
        pause = f", pause of {took(phase.pause)} planned" if phase.pause else ""
        rows.append((phase.name, "", f"{phase.state}{pause}", _start(phase.start), took(phase.seconds), ""))
        tones.append(tone)
        marks.append(_mark(phase.start, phase.seconds, whole, "plain"))
        for step in phase.steps:
            bad = bool(step.failed or step.cut)
            last = took(step.last) if step.last is not None else "-"
            rows.append(
                (
                    "",
                    step.says[0] if step.says else step.name,
                    _state(phase, step),
                    _start(step.start),
                    took(step.seconds),
                    last,
                )
            )
            tones.append("bad" if bad else "plain")
            marks.append(_mark(step.start, step.seconds, whole, "bad" if bad else "good"))
    headings = ("wave", "step", "state", "after", "took", "last release")
    yield TableBlock(headings, tuple(rows), tuple(tones), f"0 to {took(whole)}", tuple(marks))


def _start(seconds: float | None) -> str:
    return "-" if seconds is None else f"+{took(seconds)}"


def _mark(start: float | None, seconds: float | None, whole: float, tone: BlockTone) -> tuple[BlockMark, ...]:
    if start is None:
        return ()
    return (BlockMark(min(1.0, start / whole), min(1.0, (start + (seconds or 0.0)) / whole), tone),)


def _state(phase: TimedPhase, step: TimedStep) -> str:
    """Return where a step was done, and where it was not."""
    parts = []
    if step.failed:
        parts.append(f"failed on {_places(step.failed)}")
    if step.cut:
        parts.append(f"no end recorded on {_places(step.cut)}")
    good = [site for site in step.begun if site not in (*step.failed, *step.cut)]
    if good:
        parts.append(f"done on {_places(good)}")
    begun = {site.rpartition("@")[2] for site in step.begun}
    waiting = [site for site in step.planned or () if site.rpartition("@")[2] not in begun]
    if waiting:
        parts.append(f"{'left out' if phase.state == 'left out' else 'not begun'} on {_places(waiting)}")
    if step.planned is None and phase.state != "done" and phase.name == "going back":
        parts.append("to go back")
    return "; ".join(parts)


def _places(sites: Sequence[str]) -> str:
    names = list(dict.fromkeys(sites))
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} and {len(names) - 1} more"
