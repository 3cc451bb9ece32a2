"""The summary of a day: every run of an environment, how it ended, and what is still open. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.notice import Notice
from lockstitch.model.release import short
from lockstitch.report.release_report import NOTE_FIELDS, RunReport
from lockstitch.report.release_report_blocks import (
    BlockTone,
    CommandBlock,
    FactsBlock,
    HeadingBlock,
    ReportBlock,
    ReportPage,
    TableBlock,
    TextBlock,
    took,
    utc,
)
from lockstitch.report.release_report_page import end_words
from lockstitch.report.text import counted
from lockstitch.text import oneline

_NOTICED = 10


@dataclass(frozen=True)
class DayReport:
    """The runs of an environment with anything in this time, the newest first, what could not be read, and the `others`
    to which people alone have added something in this time."""

    environment: str
    since: str
    until: str
    runs: tuple[RunReport, ...]
    problems: tuple[str, ...] = ()
    others: tuple[RunReport, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Count runs by the way they ended: done, failed (put back or in need of a person), refused, …"""
        return dict(Counter(_ending(run) for run in self.runs))

    @property
    def title(self) -> str:
        """The day in one line."""
        ended = ", ".join(f"{number} {word}" for word, number in self.counts.items())
        return f"day of {self.environment}: {counted(len(self.runs), 'run')}{f': {ended}' if ended else ''}"


def _ending(run: RunReport) -> str:
    if run.cut:
        return "without an end"
    if run.watches and run.watches[-1].rollback:
        return "taken back"
    return {"put back": "failed", "needs a person": "failed"}.get(run.result, oneline(run.result) or "ended")


def _what(run: RunReport) -> str:
    changes = dict.fromkeys(f"{change.app} {short(change.after) if change.after else '-'}" for change in run.changes)
    flags = dict.fromkeys(f"{flag} {after}" for flag, _, _, after in run.flags)
    return ", ".join((*changes, *flags))


def _why(run: RunReport) -> str:
    watch = run.watches[-1] if run.watches else None
    failed = [failure.reason.split("\n")[0] for failure in run.failures[:1]]
    return "; ".join(dict.fromkeys(filter(None, (*failed, run.rollback, watch.reason if watch else ""))))


def day_page(day: DayReport) -> ReportPage:
    """Return the page of a day."""
    tone: BlockTone = "good"
    if set(day.counts) - {"done"}:
        tone = "bad" if set(day.counts) & {"failed", "taken back", "without an end"} else "warn"
    return ReportPage(day.title, tone, tuple(_blocks(day)))


def _blocks(day: DayReport) -> Iterator[ReportBlock]:
    releases = [run for run in day.runs if run.is_release]
    failed = sum(_ending(run) in ("failed", "taken back", "without an end") for run in releases)
    yield FactsBlock(
        (
            ("from", utc(day.since)),
            ("to", utc(day.until)),
            ("deploys", str(sum(run.kind == "deploy" for run in releases))),
            ("rollbacks", str(sum(run.kind == "rollback" for run in releases))),
            ("of these failed or taken back", str(failed)),
            ("other runs", str(len(day.runs) - len(releases))),
        )
    )
    yield from (TextBlock(problem, "warn", item=True) for problem in day.problems)
    if day.runs:
        yield HeadingBlock("Runs")
        tones = tuple(end_words(run)[1] for run in day.runs)
        rows = tuple(
            (
                utc(run.began),
                run.kind or "?",
                _what(run),
                run.by,
                end_words(run)[0],
                took(run.seconds),
                _why(run),
                run.run,
            )
            for run in day.runs
        )
        headings = ("began", "kind", "what", "by", "result", "took", "why", "run")
        yield TableBlock(headings, rows, tuple("plain" if tone == "good" else tone for tone in tones))
    actions = [(run, action) for run in day.runs for action in run.actions]
    if actions:
        yield HeadingBlock("What needed a person")
        for run, (site, what, command) in actions:
            yield CommandBlock(f"run {run.run}: {site}: {what}", command)
    recent = [(run, note) for run in day.others for note in run.people if note.at >= day.since]
    if said := [*((run, note) for run in day.runs for note in run.people), *recent]:
        yield HeadingBlock("What people add")
        for run, note in said:
            yield TextBlock(f"{NOTE_FIELDS[note.field]}, run {run.run}: {note.text} ({note.by})", item=True)


def day_json(day: DayReport) -> dict[str, Any]:
    """Return the day for programs."""
    keys = ("run", "kind", "by", "message", "began", "ended", "seconds", "result", "cut", "rollback", "problems")
    return {
        "environment": day.environment,
        "since": day.since,
        "until": day.until,
        "counts": day.counts,
        "runs": [
            {**{key: getattr(run, key) for key in keys}, "ending": _ending(run), "why": _why(run)} for run in day.runs
        ],
        "problems": list(day.problems),
    }


def day_notice(day: DayReport) -> Notice:
    """Return the notice of a day: counts and known words, one line a run."""
    facts = [
        # No two runs have the same name, as two may have the same time.
        (oneline(run.run), oneline(" ".join(filter(None, (run.kind, _what(run), f"by {run.by}:", _ending(run))))))
        for run in day.runs[:_NOTICED]
    ]
    if len(day.runs) > _NOTICED:
        facts.append(("and", counted(len(day.runs) - _NOTICED, "more run")))
    if day.problems:
        facts.append(("not read", counted(len(day.problems), "record")))
    return Notice("day", "info", "", "day", day.environment, day.until, day.title, tuple(facts))
