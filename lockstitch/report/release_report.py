"""The report of one run, as frozen values: what changed, how it went against the plan, what the gates saw. Pure.

`release_report_events.py` makes it from the events of a record, `release_report_page.py` turns it into a page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lockstitch.facts.follow_ups import FollowUp
from lockstitch.metrics.intervals import Proportion, wilson
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Commit
from lockstitch.report.watch import WatchPeriod, periods_json
from lockstitch.runbooks.statement import SignedFile

# What a person adds with `report.note`, and the heading it has in a report.
NOTE_FIELDS: Mapping[str, str] = {
    "note": "Notes",
    "issue": "Issues",
    "satisfaction": "User satisfaction",
    "lesson": "Lessons learned",
}


@dataclass(frozen=True)
class ReportedChange:
    """The change of an app on some hosts: revisions in full, empty where there is none."""

    app: str
    hosts: tuple[str, ...]
    before: str
    after: str
    release: str
    ref: str


@dataclass(frozen=True)
class TimedStep:
    """A step of a phase: what it was to do, and the sites it was planned on (None: no recorded plan has it), was begun
    on, failed on, and never ended on. `start` is its begin after that of the run, `seconds` the time of its slowest
    site, and `last` the time it took in the last release."""

    name: str
    says: tuple[str, ...]
    planned: tuple[str, ...] | None
    begun: tuple[str, ...]
    failed: tuple[str, ...]
    cut: tuple[str, ...]
    start: float | None
    seconds: float | None
    slowest: str
    last: float | None = None


@dataclass(frozen=True)
class TimedPhase:
    """A wave, the way back, or the end of a run: whether it was begun, cut off or left out, in seconds after the begin
    of the run, with the pause that was planned after it."""

    name: str
    state: str
    start: float | None
    seconds: float | None
    pause: float
    steps: tuple[TimedStep, ...]


@dataclass(frozen=True)
class GateAnswered:
    """The last answer of a gate on a site in one phase, and after how many tries."""

    phase: str
    site: str
    gate: str
    answer: str
    reason: str
    tries: int


@dataclass(frozen=True)
class GateShare:
    """Counts with the bounds of the true share, each bound with a confidence of 95 %. `at` is the end of the window in
    epoch seconds."""

    bad: int
    total: int
    low: float
    high: float
    at: float | None = None

    @classmethod
    def of(cls, bad: int, total: int, at: float | None = None) -> GateShare | None:
        """Return the share of these counts; None where they are none."""
        if total <= 0 or not 0 <= bad <= total:
            return None
        bounds = wilson(Proportion(bad, total))
        return cls(bad, total, bounds.low, bounds.high, at)

    @property
    def share(self) -> float:
        """The share from 0 to 1."""
        return self.bad / self.total


@dataclass(frozen=True)
class GateSeries:
    """The readings of a metric gate in one phase: the share on the new hosts before the release, each reading since,
    the share on hosts with the old release, and the verdict. `limit` is of the share where the gate compares nothing.
    `values` are those of a gate that judges a value, with their times."""

    phase: str
    app: str
    gate: str
    answer: str
    says: str
    dry: bool
    decided: bool
    before: GateShare | None
    readings: tuple[GateShare, ...]
    old: GateShare | None
    limit: float | None
    values: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ReportedSmoke:
    """The result of a smoke step, and that of the last release."""

    app: str
    host: str
    step: str
    result: str
    reason: str
    seconds: float | None
    after_rollback: bool
    last: str = ""


@dataclass(frozen=True)
class ReportedMeasure:
    """The newest result of a measure at one place, with its numbers and those of the run it is compared with."""

    app: str
    name: str
    host: str
    at: str
    verdict: str
    says: str
    numbers: Mapping[str, float]
    before: Mapping[str, float]
    before_run: str


@dataclass(frozen=True)
class ReportedFailure:
    """A failure: where, what, why, and the last lines of its output and of the app's logs, without secrets."""

    site: str
    what: str
    reason: str
    hint: str
    output: tuple[str, ...]
    logs: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class ReportedStage:
    """A stage of a runbook: its last state, who brought it there (of a sign-off its signer), why, the seconds from its
    begin to its end and those that were planned, its risk, and the runs that its commands made."""

    name: str
    state: str
    by: str
    reason: str
    at: str
    seconds: float | None
    planned: float | None = None
    risk: str = ""
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportedReason:
    """A reason in the record of a runbook: of a stage that began outside its window, and by whom; or of a need, and its
    result."""

    name: str
    said: str
    reason: str


@dataclass(frozen=True)
class ReportNote:
    """A text that a person has added: the field it belongs to, when, and by whom."""

    field: str
    text: str
    at: str
    by: str


@dataclass(frozen=True)
class RunReport:
    """The report of one run. Times are UTC in the format of the journals, empty where unknown; `cut` tells that the
    record has no end. `problems` say what the record lacks; `last_run` is the release before, that times and results
    are compared with."""

    run: str
    kind: str
    environment: str
    by: str
    message: str
    began: str
    ended: str
    seconds: float | None
    result: str
    exit_code: int | None
    cut: bool
    source: str
    problems: tuple[str, ...]
    last_run: str
    changes: tuple[ReportedChange, ...]
    commits: Mapping[str, tuple[Commit, ...]]
    flags: tuple[tuple[str, str, str, str], ...]
    backups: tuple[str, ...]
    phases: tuple[TimedPhase, ...]
    rollback: str
    remarks: tuple[str, ...]
    gates: tuple[GateAnswered, ...]
    series: tuple[GateSeries, ...]
    smoke: tuple[ReportedSmoke, ...]
    measures: tuple[ReportedMeasure, ...]
    watches: tuple[WatchPeriod, ...]
    failures: tuple[ReportedFailure, ...]
    actions: tuple[tuple[str, str, str], ...]
    plan_notes: tuple[str, ...]
    notes: tuple[str, ...]
    people: tuple[ReportNote, ...]
    stages: tuple[ReportedStage, ...]
    outside_window: tuple[ReportedReason, ...]
    evidence: tuple[ReportedReason, ...]
    follow_ups: tuple[FollowUp, ...]
    signed_files: tuple[SignedFile, ...] = ()

    @property
    def is_release(self) -> bool:
        """Tell whether it changes the code that serves."""
        return self.kind in ("deploy", "rollback")


def report_json(report: RunReport) -> dict[str, Any]:
    """Return the report for programs."""
    document = asdict(report)
    for each in document["signed_files"]:
        del each["content"]
    document["watches"] = periods_json(report.watches)
    for key, names in (("outside_window", ("stage", "by", "reason")), ("evidence", ("name", "result", "reason"))):
        document[key] = [dict(zip(names, each.values(), strict=True)) for each in document[key]]
    document["flags"] = [dict(zip(("flag", "app", "from", "to"), flag, strict=True)) for flag in report.flags]
    document["actions"] = [dict(zip(("site", "what", "command"), each, strict=True)) for each in report.actions]
    return document
