"""Probes of a site's journal for `history`: what each run did, and the steps of one run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from functools import partial
from typing import Any

from lockstitch.facts.git import SETTINGS
from lockstitch.facts.state_files import HISTORY
from lockstitch.model.command import Command
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Site
from lockstitch.model.probe import Probe, collect, fields, number, object_of, record, unreadable
from lockstitch.model.release import REVISION

JournalRecord = Mapping[str, str]
# What a record is called there, and what was typed for it.
_KINDS = {"proof": "prove", "lock broken": "lock.break", "lock taken": "lock.take", "release": "", "begin": ""}
# Records that are written before a change: what a run is about to do.
_ABOUT = ("settings", "flag")
_COMMITS = 'here log --no-walk=unsorted --ignore-missing --format="commit %H %ct" $revisions --\n'
_RESULTS = {"good": "done", "bad": "failed", "left": "left", "stopped": "stopped"}


@dataclass(frozen=True)
class JournalEntry:
    """Entry of one run at a site: `kind` is deploy, restart, backup, … (empty where the journal does not say), `result`
    done, failed, left (a release that a rollback went back from), stopped (a person has to say whether it is good) or open (no end was recorded). `subject` is the
    backup, or whatever else it was about, `verdict` that of a release: good, bad, left, and `before` the revision that the
    site had."""

    at: str
    kind: str
    result: str
    run: str
    by: str
    message: str = ""
    reason: str = ""
    release: str = ""
    revision: str = ""
    subject: str = ""
    verdict: str = ""
    before: str = ""


@dataclass(frozen=True)
class HistoryFacts:
    """The runs in a site's journal, in its order. `older` are those that the answer had no room for. Where statistics are
    asked for, `reloads` are the times when runs first reloaded the app, and `heads` the first lines of their records."""

    entries: tuple[JournalEntry, ...] = ()
    older: int = 0
    damaged: int = 0
    unreadable: tuple[str, ...] = ()
    reloads: Mapping[str, str] = field(default_factory=dict)
    heads: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class StepTime:
    """A step of a run: its time in seconds, its exit code (None: it has no end), and how long it took the last time it
    was done well, in which run (None and empty where it was never done before)."""

    step: str
    seconds: float | None
    code: int | None
    before: float | None = None
    before_run: str = ""


@dataclass(frozen=True)
class RunFacts:
    """Entries of a site's journal about one run: its records, and its steps. `lines` are all that the journal has of it,
    `kept` the events of the record that the host keeps of it, and `damaged` counts the lines that are none."""

    entries: tuple[JournalEntry, ...] = ()
    steps: tuple[StepTime, ...] = ()
    by: str = ""
    began: str = ""
    ended: str = ""
    unreadable: tuple[str, ...] = field(default=())
    lines: tuple[JournalRecord, ...] = ()
    kept: tuple[Mapping[str, Any], ...] = ()
    damaged: int = 0


def history_probe(
    site: Site, since: datetime | None, until: datetime | None, *, stats: bool = False
) -> Probe[HistoryFacts]:
    """Return the probe of what was done at a site, within a time; with `stats` also when users met it."""
    begin, end = _utc(since), _utc(until)
    values = {"journal": site.layout.journal, "kept": site.layout.runs, "from": begin, "to": end}
    values |= {"all": "yes" if stats else ""}
    command = Command(f"{HISTORY}\nread_history\nread_kept_only\n", values=values)
    return Probe("history", command, partial(parse_history, since=begin, until=end))


def run_probe(site: Site, run: str) -> Probe[RunFacts]:
    """Return the probe of what one run did at a site."""
    values = {"journal": site.layout.journal, "kept": site.layout.runs, "run": run}
    return Probe("history", Command(f"{HISTORY}\nread_run\nread_kept\n", values=values), parse_run)


def _utc(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""


def parse_history(text: str, code: int, since: str = "", until: str = "") -> HistoryFacts:
    """Parse the runs of a journal from `WORD REST` lines, and those that are in no journal, within a time."""
    said = collect(text)
    known = [(word, entry) for word in ("entry", "open") for line in said[word] if (entry := record(line))]
    about = [entry for line in said["about"] if (entry := record(line))]
    entries = [_named(_entry(entry, is_open=word == "open"), about) for word, entry in known]
    for only in (_entry(entry) for line in said["kept"] if (entry := record(line))):
        if only.at >= since and (not until or only.at < until):
            later = (place for place, entry in enumerate(entries) if entry.at > only.at)
            entries.insert(next(later, len(entries)), only)
    return HistoryFacts(
        tuple(entries),
        sum(number(each) or 0 for each in said["cut"]),
        sum(number(each) or 0 for each in said["damaged"]),
        unreadable(said, code),
        {run: at for at, run in (fields(line, 2) for line in said["met"])},
        {head["run"]: head for line in said["head"] if (head := record(line)) and "run" in head},
    )


@dataclass(frozen=True)
class CommitTimes:
    """The times of commits, in epoch seconds by revision, as far as the host has them; `unreadable` says why it could
    not be asked."""

    times: Mapping[str, float] = field(default_factory=dict)
    unreadable: str = ""


def commits_probe(site: Site, revisions: Iterable[str]) -> Probe[CommitTimes]:
    """Return the probe of the times of commits."""
    values = {"clone": site.layout.clone, "revisions": " ".join(sorted(set(revisions)))}
    return Probe("commits", Command(f"{SETTINGS}\n{_COMMITS}", values=values), parse_commits)


def parse_commits(text: str, code: int) -> CommitTimes:
    """Parse the times of commits from `commit REVISION SECONDS` lines."""
    known = (fields(line, 2) for line in collect(text)["commit"])
    times = {revision: float(seconds) for revision, at in known if (seconds := number(at)) is not None}
    return CommitTimes(times, text.strip().rpartition("\n")[2] if code else "")


def parse_run(text: str, code: int) -> RunFacts:
    """Parse the records and the steps of one run from `WORD REST` lines."""
    said = collect(text)
    lines = [entry for line in said["line"] if (entry := record(line))]
    steps = [entry for entry in lines if entry.get("event") in ("begin", "end")]
    kept = [object_of(line) for line in said["kept"]]
    return RunFacts(
        _entries(lines),
        step_times(steps, [entry for line in said["before"] if (entry := record(line))]),
        next((entry["by"] for entry in lines if entry.get("by")), ""),
        lines[0].get("at", "") if lines else "",
        lines[-1].get("at", "") if lines else "",
        unreadable(said, code),
        tuple(lines),
        tuple(event for event in kept if event is not None),
        sum(number(each) or 0 for each in said["damaged"]) + sum(event is None for event in kept),
    )


def step_times(lines: Iterable[JournalRecord], before: Iterable[JournalRecord] = ()) -> tuple[StepTime, ...]:
    """Return the steps that began, in order, from records of begins and ends; `before` has those of an earlier time."""
    earlier = {step: (seconds, run) for step, seconds, _, run in _paired(before)}
    return tuple(StepTime(step, s, code, *earlier.get(step, (None, ""))) for step, s, code, _ in _paired(lines))


def _paired(lines: Iterable[JournalRecord]) -> list[tuple[str, float | None, int | None, str]]:
    began: dict[str, JournalRecord] = {}
    ended: dict[str, tuple[str, float | None, int | None, str]] = {}
    for line in lines:
        step = line.get("step", "")
        if line.get("event") == "begin":
            began[step] = line
            ended[step] = (step, None, None, line.get("run", ""))
        elif step in began:
            seconds = _between(began[step].get("at", ""), line.get("at", ""))
            ended[step] = (step, seconds, number(line.get("code", "")), line.get("run", ""))
    return list(ended.values())


def _between(began: str, ended: str) -> float | None:
    try:
        return max(0.0, (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds())
    except (ValueError, TypeError):
        return None


def _entries(lines: Sequence[JournalRecord]) -> tuple[JournalEntry, ...]:
    """Return the records of one run. Where it has left none, what it was about to change is all that is known: it is open,
    unless it has freed its lock."""
    about = [line for line in lines if line.get("event") in _ABOUT]
    made = [line for line in lines if line.get("event") not in ("begin", "end", "cut", *_ABOUT)]
    if made:
        return tuple(_named(_entry(line), about) for line in made)
    freed = any(line.get("event") == "end" and line.get("step", "").startswith("unlock") for line in lines)
    return tuple(_entry(line, is_open=not freed) for line in about)


def _named(entry: JournalEntry, about: Iterable[JournalRecord]) -> JournalEntry:
    """Return an entry with the names of what its run was about to change."""
    names = next((line["names"] for line in about if line.get("run") == entry.run and line.get("names")), "")
    return replace(entry, subject=names) if names and not entry.subject else entry


def _entry(entry: JournalRecord, *, is_open: bool = False) -> JournalEntry:
    event = entry.get("event", "")
    kind = entry.get("kind") or (is_open and entry.get("doing")) or _KINDS.get(event, event)
    result = "open" if is_open else entry.get("result") or _RESULTS.get(entry.get("verdict", ""), "done")
    revision, before = entry.get("revision", ""), entry.get("before", "")
    return JournalEntry(
        entry.get("at", ""),
        kind,
        "failed" if entry.get("reason") and result != "stopped" else result,
        entry.get("run", ""),
        entry.get("by", ""),
        entry.get("message", ""),
        entry.get("reason", ""),
        entry.get("release", ""),
        revision if REVISION.match(revision) else "",
        " ".join(entry[key] for key in ("name", "names", "where", "of") if entry.get(key)),
        entry.get("verdict", ""),
        before if REVISION.match(before) else "",
    )
