"""The results after a change in the report of a run: smoke, measures, watch, follow-ups, notes of people. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lockstitch.report.release_report import NOTE_FIELDS, ReportedMeasure, RunReport
from lockstitch.report.release_report_blocks import (
    BlockTone,
    HeadingBlock,
    ReportBlock,
    TableBlock,
    TextBlock,
    took,
    utc,
    utc_of,
)


def result_blocks(report: RunReport) -> Iterator[ReportBlock]:
    """Yield the blocks about what came after the change."""
    for part in (_smoke, _measures, _watches, _follow_ups, _people):
        yield from part(report)


def _smoke(report: RunReport) -> Iterator[ReportBlock]:
    if not report.smoke:
        return
    yield HeadingBlock("Smoke")
    rows = tuple(
        (
            f"{each.app}@{each.host}" if each.host else each.app,
            each.step,
            each.result + (" (after going back)" if each.after_rollback else ""),
            each.last or "-",
            took(each.seconds),
            each.reason,
        )
        for each in report.smoke
    )
    tones: tuple[BlockTone, ...] = tuple(
        "plain" if each.result in ("passed", "left out") else "warn" if each.result == "flaky" else "bad"
        for each in report.smoke
    )
    yield TableBlock(("app", "step", "result", "last release", "took", "why"), rows, tones)


def _measures(report: RunReport) -> Iterator[ReportBlock]:
    if not report.measures:
        return
    yield HeadingBlock("Measurements")
    rows, tones = list[tuple[str, ...]](), list[BlockTone]()
    for each in report.measures:
        tone: BlockTone = "plain" if each.verdict == "pass" else "bad" if each.verdict == "fail" else "warn"
        compared = f", compared with run {each.before_run}" if each.before_run else ""
        rows.append((each.app, f"{each.name} on {each.host}", each.verdict, "", "", "", f"{each.says}{compared}"))
        tones.append(tone)
        for row in _numbers(each):
            rows.append(row)
            tones.append("plain")
    yield TableBlock(("app", "measure", "verdict", "before", "after", "change", "why"), tuple(rows), tuple(tones))


def _numbers(measure: ReportedMeasure) -> Iterator[tuple[str, ...]]:
    for name, after in measure.numbers.items():
        before = measure.before.get(name)
        change = "-"
        if before is not None:
            share = f" ({(after - before) / abs(before):+.1%})" if before else ""
            change = f"{after - before:+.6g}{share}"
        yield "", name, "", "-" if before is None else f"{before:.6g}", f"{after:.6g}", change, ""


def _watches(report: RunReport) -> Iterator[ReportBlock]:
    if not report.watches:
        return
    yield HeadingBlock("Watch")
    rows = tuple(
        (utc(each.at), each.by or "-", utc_of(each.seen), utc_of(each.until), each.words, each.reason)
        for each in report.watches
    )
    yield TableBlock(("from", "by", "saw until", "planned until", "end", "why"), rows)
    yield from (TextBlock(problem, "bad", item=True) for problem in report.watches[-1].problems)


def _follow_ups(report: RunReport) -> Iterator[ReportBlock]:
    if not report.follow_ups:
        return
    yield HeadingBlock("Follow-ups")
    ends = {each.id: f"done by {each.closed_by}" if each.closed else "open" for each in report.follow_ups}
    rows = tuple(
        (each.id, each.text, each.owner, utc(each.due), ends[each.id], each.link) for each in report.follow_ups
    )
    yield TableBlock(("id", "what", "owner", "due", "state", "link"), rows)


def _people(report: RunReport) -> Iterator[ReportBlock]:
    yield HeadingBlock("What people add")
    for field, heading in NOTE_FIELDS.items():
        notes = [note for note in report.people if note.field == field]
        for note in notes:
            yield TextBlock(f"{heading}: {note.text} ({note.by}, {utc(note.at)})", item=True)
        if not notes:
            option = "" if field == "note" else f" --field {field}"
            yield TextBlock(
                f"{heading}: none yet; fab -H {report.environment} report.note --run {report.run}{option} TEXT",
                item=True,
            )
