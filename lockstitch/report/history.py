"""History of runs, and the record of one of them, as text and JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from fnmatch import fnmatchcase
from typing import Any

from lockstitch.facts.history import HistoryFacts, JournalEntry, RunFacts, StepTime
from lockstitch.model.format import finite, span, when
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Site
from lockstitch.model.release import short
from lockstitch.report.gates import reading_json, readings_table
from lockstitch.report.measures import measured_json, measures_table
from lockstitch.report.smoke_checks import judged_json, judged_table
from lockstitch.report.text import counted, table
from lockstitch.report.watch import WatchPeriod, periods_json, periods_text
from lockstitch.text import oneline

# Steps of every run, of which nobody waits to know how long they took.
_ENDING = ("record", "unlock")
_RESULTS = {
    "done": "done",
    "failed": "FAILED",
    "left": "went back from it",
    "stopped": "STOPPED",
    "open": "no end recorded",
}


@dataclass(frozen=True)
class HistoryFilter:
    """Selection: at most `limit` entries (0: all), of this host or pattern, and of whom the name contains."""

    limit: int = 0
    host: str = ""
    by: str = ""

    def __call__(self, entry: Mapping[str, Any]) -> bool:
        """Tell whether an entry is shown."""
        hosts = not self.host or any(fnmatchcase(host, self.host) for host in entry["hosts"])
        return hosts and self.by.lower() in entry["by"].lower()


def history_json(journals: Mapping[Site, HistoryFacts], shown: HistoryFilter) -> dict[str, Any]:
    """Return what each run did to each app, newest first, for programs."""
    merged: dict[tuple[str, ...], dict[str, Any]] = {}
    order: dict[int, str] = {}
    for site, facts in journals.items():
        latest = ""
        for entry in facts.entries:
            latest = max(latest, entry.at)
            app = "" if site.machine else site.app
            key = (app, entry.run, entry.kind, entry.release, entry.result, entry.subject)
            line = merged.setdefault(key, {"app": app, "hosts": [], **vars(entry)})
            line["hosts"] += [] if site.host in line["hosts"] else [site.host]
            # A clock that was set back does not make a later line an earlier one.
            order.setdefault(id(line), latest)
    known = [line for line in merged.values() if line["kind"] and line["result"] != "left"]
    for line in merged.values():
        # A database's own journal has the steps of a deploy, and not what the deploy was.
        same = [] if line["kind"] else [other for other in known if other["run"] == line["run"]]
        if same:
            failed = any(other["result"] == "failed" for other in same) and line["result"] == "done"
            line |= {"kind": same[0]["kind"], "result": "failed" if failed else line["result"]}
    lines = sorted(filter(shown, merged.values()), key=lambda line: order[id(line)])[::-1]
    return {"entries": lines[: shown.limit or None]}


def history_text(
    journals: Mapping[Site, HistoryFacts], shown: HistoryFilter, now: datetime, zone: tzinfo | None = None
) -> str:
    """Return the same for people: times are local."""
    headings = ("WHEN", "", "WHAT", "APP", "HOSTS", "RESULT", "REVISION", "RELEASE", "BY", "RUN", "WHY")
    rows = [
        (
            *when(e["at"], now, zone),
            e["kind"] or "-",
            e["app"] or "-",
            ",".join(e["hosts"]),
            _RESULTS.get(e["result"], e["result"]),
            short(e["revision"]) if e["revision"] else "-",
            e["release"] or "-",
            e["by"],
            e["run"],
            "; ".join(filter(None, (e["message"], e["subject"], e["reason"]))),
        )
        for e in history_json(journals, shown)["entries"]
    ]
    lines = [table(headings, rows) if rows else "nothing was recorded on these hosts in that time"]
    for site, facts in journals.items():
        if facts.older:
            lines.append(f"! {site}: {facts.older} older records are left out: narrow it with --since and --until")
        if facts.damaged:
            lines.append(f"! {site}: {counted(facts.damaged, 'line')} of its journal are damaged, and left out")
    return "\n".join(lines)


@dataclass(frozen=True)
class RunRecord:
    """The record of one run: what the journals of the hosts say, the outcome that this machine has recorded (None: it
    has none) with the times of steps by host and app, the readings of metric gates, the times that its release was
    watched, what was measured of it, the results of smoke steps, and what was done by hand under this id. `source` says
    whether this machine or the hosts have them."""

    run: str
    sites: Mapping[Site, RunFacts]
    outcome: Mapping[str, Any] | None = None
    began: Mapping[str, Any] | None = None
    times: Mapping[tuple[str, str], tuple[StepTime, ...]] | None = None
    by_hand: Mapping[str, Any] | None = None
    file: str = ""
    readings: Sequence[Mapping[str, Any]] = ()
    watches: Sequence[WatchPeriod] = ()
    measured: Sequence[Mapping[str, Any]] = ()
    smoke: Sequence[Mapping[str, Any]] = ()
    source: str = ""

    @property
    def empty(self) -> bool:
        """Tell whether nothing is known of it."""
        return not (
            self.began
            or self.by_hand
            or self.watches
            or self.measured
            or any(f.entries or f.steps for f in self.sites.values())
        )

    def steps(self) -> list[tuple[Site, StepTime]]:
        """Return every step with its site. Where this machine has timed it, that is the time, in parts of seconds."""
        return [
            (site, _timed(step, (self.times or {}).get((site.host, site.app), ())))
            for site, facts in self.sites.items()
            for step in facts.steps
        ]


def _timed(step: StepTime, local: Sequence[StepTime]) -> StepTime:
    known = next((each.seconds for each in local if each.step == step.step), None)
    return StepTime(step.step, step.seconds if known is None else known, step.code, step.before, step.before_run)


def run_json(record: RunRecord) -> dict[str, Any]:
    """Return the record of a run for programs: times in seconds."""
    facts = [(site, each) for site, each in record.sites.items() if each.entries or each.steps]
    about = _about(record)
    return {
        "run": {
            "id": record.run,
            **about,
            "entries": [
                {"host": site.host, "app": "" if site.machine else site.app, **vars(entry)}
                for site, each in facts
                for entry in each.entries
            ],
            "steps": [
                {"host": site.host, "app": "" if site.machine else site.app, **vars(step)}
                for site, step in record.steps()
            ],
            "readings": [reading_json(reading) for reading in record.readings],
            "smoke": [judged_json(each) for each in record.smoke],
            "watches": periods_json(record.watches),
            "measures": [measured_json(event) for event in record.measured],
            "outcome": dict(record.outcome) if record.outcome else None,
            "by_hand": dict(record.by_hand) if record.by_hand else None,
            "file": record.file or None,
            "source": record.source or None,
        }
    }


def _about(record: RunRecord) -> dict[str, Any]:
    """Return kind, who, why, when and how long, from whichever record has it."""
    facts = [each for each in record.sites.values() if each.began]
    entries: list[JournalEntry] = [entry for each in facts for entry in each.entries]
    local = record.began or {}
    hand = record.by_hand or {}
    began = str(local.get("at") or hand.get("began") or min((each.began for each in facts), default=""))
    results = [entry.result for entry in entries]
    result = next((word for word in ("failed", "open") if word in results), "done" if results else "open")
    result = str((record.outcome or {}).get("result") or result)
    return {
        "kind": local.get("kind") or next((e.kind for e in entries if e.kind), "") or None,
        "by": local.get("by") or hand.get("by") or next((each.by for each in facts if each.by), ""),
        "message": local.get("message") or next((e.message for e in entries if e.message), ""),
        "at": began or None,
        "ended": max((each.ended for each in facts), default="") or None,
        "seconds": (record.outcome or hand).get("seconds"),
        "result": result if not record.by_hand else "done" if not hand.get("exit") else "failed",
    }


def run_text(record: RunRecord, now: datetime, zone: tzinfo | None = None) -> str:
    """Return the record of a run for people: what it was, what it did where, and how long each step took, beside the
    time before."""
    about = _about(record)
    local, ago = when(str(about["at"] or ""), now, zone)
    took = f" after {span(seconds, tenths=True)}" if (seconds := finite(about["seconds"])) is not None else ""
    lines = [
        oneline(f"run {record.run}: {about['kind'] or (record.by_hand or {}).get('what') or 'of an unknown kind'}")
        + (f": {oneline(str(about['message']))}" if about["message"] else ""),
        oneline(f"by {about['by'] or 'nobody known'}, {local} ({ago})"),
        oneline(f"{_RESULTS.get(str(about['result']), str(about['result']))}{took}"),
    ]
    lines += _failures(record)
    lines += _entries(record)
    lines += _steps(record)
    lines += ["", readings_table(record.readings)] if record.readings else []
    lines += ["", judged_table(record.smoke)] if record.smoke else []
    lines += ["", periods_text(record.watches, now, zone)] if record.watches else []
    lines += ["", measures_table(record.measured)] if record.measured else []
    for site, facts in record.sites.items():
        lines += [oneline(f"! {site}: unreadable: {why}") for why in facts.unreadable]
    if record.by_hand:
        codes = [(host, str(code)) for host, code in record.by_hand.get("codes", {}).items()]
        lines += ["", table(("HOST", "CODE"), codes)]
    if record.source.startswith("the hosts"):
        lines += ["", f"from the records of {oneline(record.source)}"]
    if record.file:
        lines += ["", f"the output of every step: {record.file}"]
    return "\n".join(lines)


def _failures(record: RunRecord) -> list[str]:
    failures = (record.outcome or {}).get("failures")
    known = [each for each in failures if isinstance(each, Mapping)] if isinstance(failures, list) else []
    return [oneline(f"! {f.get('app') or ''}@{f.get('host') or ''}: {f.get('reason')}") for f in known]


def _entries(record: RunRecord) -> list[str]:
    rows: dict[tuple[str, ...], list[str]] = {}
    for site, facts in record.sites.items():
        for e in facts.entries:
            what = (e.release, short(e.revision) if e.revision else "", e.subject)
            key = (site.app, e.kind, _RESULTS.get(e.result, e.result), " ".join(filter(None, what)), e.reason)
            rows.setdefault(key, []).append(site.host)
    shown = [(",".join(hosts), *key) for key, hosts in rows.items()]
    return ["", table(("HOSTS", "APP", "WHAT", "RESULT", "OF", "WHY"), shown)] if shown else []


def _steps(record: RunRecord) -> list[str]:
    """Return a line for each step of an app: the slowest host of those that took it, and the slowest time before."""
    same: dict[tuple[str, str], list[tuple[Site, StepTime]]] = {}
    for site, step in record.steps():
        if step.step.partition(" ")[0] in _ENDING:
            continue
        same.setdefault((site.app, step.step), []).append((site, step))
    rows = []
    for (app, name), taken in same.items():
        site, slowest = max(taken, key=lambda each: each[1].seconds or 0.0)
        before = [step for _, step in taken if step.before is not None]
        earlier = max(before, key=lambda step: step.before or 0.0) if before else None
        failed = [each.host for each, step in taken if step.code]
        rows.append(
            (
                app,
                name,
                "no end" if slowest.seconds is None else span(slowest.seconds, tenths=True),
                site.host if len(taken) == 1 else f"{site.host}, slowest of {len(taken)}",
                span(earlier.before or 0.0, tenths=True) if earlier else "-",
                earlier.before_run if earlier else "",
                f"FAILED on {', '.join(failed)}" if failed else "",
            )
        )
    return ["", table(("APP", "STEP", "TIME", "HOST", "BEFORE", "IN RUN", ""), rows)] if rows else []
