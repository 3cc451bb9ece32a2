"""Delivery statistics: how often releases are proven to serve, how soon, how many fail, how long that lasts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from statistics import median
from typing import Any

from lockstitch.facts.history import HistoryFacts, JournalEntry
from lockstitch.model.format import span, time_of
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Site
from lockstitch.report.text import counted, table
from lockstitch.text import oneline

# With fewer values than this there is no median and no share.
FEWEST = 5
DEFINITIONS = {
    "frequency": "deploys whose release was proven to serve on every host of the run, a week",
    "lead_time": "from the commit of a release until it was first proven to serve on every host of its run, median",
    "failure_rate": "of the deploys that users met (a service was reloaded), those not proven, and those taken back",
    "recovery": "from the first reload of such a deploy until all was put back, or a release was proven again, median",
}


@dataclass(frozen=True)
class DeliveryRun:
    """A deploy or rollback, with its times in epoch seconds: `met` is its first reload (None: users met nothing of it),
    `proven` its last proof (None: it was not proven everywhere), `ended` its last record. `result` is that of its kept
    record, empty where there is none; `taken_back` is the run that left its release."""

    run: str
    kind: str
    apps: frozenset[str]
    revisions: frozenset[tuple[str, str]]
    met: float | None
    proven: float | None
    ended: float
    result: str = ""
    taken_back: str = ""


@dataclass(frozen=True)
class Delivery:
    """The statistics of a window: the runs that were counted, the values of lead time and recovery in seconds, what is
    not known, and what is damaged or left out."""

    begin: datetime
    end: datetime
    proven: tuple[DeliveryRun, ...] = ()
    met: tuple[DeliveryRun, ...] = ()
    failed: tuple[DeliveryRun, ...] = ()
    lead: tuple[float, ...] = ()
    recovery: tuple[float, ...] = ()
    unknown: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def weeks(self) -> float:
        """The length of the window in weeks."""
        return (self.end - self.begin).total_seconds() / 604800


def delivery_runs(journals: Mapping[Site, HistoryFacts]) -> list[DeliveryRun]:
    """Return the deploys and rollbacks in the journals of apps, in order of time."""
    records: dict[str, dict[Site, JournalEntry]] = {}
    met: dict[str, float] = {}
    reloaded: dict[str, set[Site]] = {}
    results: dict[str, str] = {}
    rollbacks: dict[tuple[Site, str], str] = {}
    for site, facts in journals.items():
        if site.machine or site.database:
            continue
        for entry in facts.entries:
            if entry.verdict == "left":
                rollbacks[site, entry.release] = entry.run
            elif entry.verdict and entry.kind in ("deploy", "rollback"):
                # The last one of a site: before it may stand what another tool had made.
                records.setdefault(entry.run, {})[site] = entry
        results |= {run: head.get("ended", "") for run, head in facts.heads.items()}
        for run, at in facts.reloads.items():
            reloaded.setdefault(run, set()).add(site)
            met[run] = min(met.get(run, _epoch(at)), _epoch(at))
    made = []
    for run, of in records.items():
        times = [_epoch(entry.at) for entry in of.values()]
        # A host that has switched, and has no record, proved nothing.
        good = reloaded.get(run, set()) <= of.keys() and all(entry.verdict == "good" for entry in of.values())
        backs = [
            rollbacks[site, e.release]
            for site, e in of.items()
            if good and rollbacks.get((site, e.release), run) != run
        ]
        made.append(
            DeliveryRun(
                run,
                next(iter(of.values())).kind,
                frozenset(site.app for site in of),
                frozenset((site.app, entry.revision) for site, entry in of.items() if entry.revision),
                met.get(run),
                max(times) if good else None,
                max(times),
                results.get(run, ""),
                next(iter(backs), ""),
            )
        )
    return sorted(made, key=lambda each: each.ended)


def delivery(
    journals: Mapping[Site, HistoryFacts],
    committed: Mapping[str, float],
    begin: datetime,
    end: datetime,
    notes: Iterable[str] = (),
) -> Delivery:
    """Return the statistics of a window. `committed` has the times of commits by revision, in epoch seconds."""
    every = delivery_runs(journals)
    runs = [each for each in every if begin.timestamp() <= each.ended < end.timestamp()]
    deploys = [each for each in runs if each.kind == "deploy"]
    proven = [each for each in deploys if each.proven is not None]
    met = [each for each in deploys if each.proven is not None or each.met is not None]
    failed = [each for each in met if each.proven is None or each.taken_back]
    first: dict[tuple[str, str], float] = {}
    for each in every:
        for key in each.revisions if each.proven is not None else ():
            first.setdefault(key, each.proven or 0.0)
    lead, no_commit = [], 0
    for each in proven:
        for app, revision in sorted(each.revisions):
            if first[app, revision] != each.proven:
                continue
            if revision in committed:
                lead.append(max(0.0, (each.proven or 0.0) - committed[revision]))
            else:
                no_commit += 1
    recovery, not_known, open_ = [], 0, 0
    for each in failed:
        seconds = _recovered(each, every)
        if seconds is not None:
            recovery.append(seconds)
        elif each.met is None or (each.proven is None and not each.result):
            not_known += 1
        else:
            open_ += 1
    unknown = {"commits": no_commit, "recoveries": not_known, "open": open_}
    values = tuple(proven), tuple(met), tuple(failed), tuple(lead), tuple(recovery)
    return Delivery(begin, end, *values, unknown, (*notes, *_notes(journals), *_open(journals, every, begin, end)))


def _recovered(failed: DeliveryRun, every: Iterable[DeliveryRun]) -> float | None:
    """Return after how many seconds a failed deploy was over; None where it is not, or that is not known."""
    if failed.met is None:
        return None
    if failed.proven is None and failed.result == "put back":
        return max(0.0, failed.ended - failed.met)
    if failed.proven is None and not failed.result:
        return None
    # A release that was taken back, or one that needed a person: until all of its apps are proven again.
    waiting = set(failed.apps)
    for each in every:
        if each.ended > failed.ended and each.proven is not None and not each.taken_back:
            waiting -= each.apps
            if not waiting:
                return max(0.0, each.proven - failed.met)
    return None


def _notes(journals: Mapping[Site, HistoryFacts]) -> list[str]:
    notes = []
    for site, facts in journals.items():
        if facts.damaged:
            notes.append(f"{site}: {counted(facts.damaged, 'line')} of its journal are damaged, and not counted")
        if facts.older:
            notes.append(f"{site}: {facts.older} older records had no room, and are not counted: narrow it")
    return notes


def _open(
    journals: Mapping[Site, HistoryFacts], every: Iterable[DeliveryRun], begin: datetime, end: datetime
) -> list[str]:
    """Name the deploys that users met and that left no record: they were killed, or go on."""
    recorded = {each.run for each in every}
    names = {
        entry.run
        for facts in journals.values()
        for entry in facts.entries
        if entry.result == "open" and entry.kind == "deploy" and entry.run in facts.reloads
        if entry.run not in recorded and begin.timestamp() <= _epoch(entry.at) < end.timestamp()
    }
    return [f"run {name} reloaded a service and has no recorded end: it is not counted" for name in sorted(names)]


def _epoch(at: str) -> float:
    return known.timestamp() if (known := time_of(at)) else 0.0


def delivery_json(stats: Delivery) -> dict[str, Any]:
    """Return the statistics for programs: times in seconds, None where there are fewer than FEWEST values."""
    return {
        "window": {"begin": stats.begin.isoformat(), "end": stats.end.isoformat()},
        "frequency": {
            "definition": DEFINITIONS["frequency"],
            "n": len(stats.proven),
            "per_week": round(len(stats.proven) / stats.weeks, 2) if _enough(stats.proven) else None,
        },
        "lead_time": _median("lead_time", stats.lead, unknown=stats.unknown["commits"]),
        "failure_rate": {
            "definition": DEFINITIONS["failure_rate"],
            "n": len(stats.met),
            "failed": len(stats.failed),
            "share": round(len(stats.failed) / len(stats.met), 4) if _enough(stats.met) else None,
            "runs": [each.run for each in stats.failed],
        },
        "recovery": _median(
            "recovery", stats.recovery, unknown=stats.unknown["recoveries"], not_over=stats.unknown["open"]
        ),
        "notes": list(stats.notes),
    }


def _enough(values: Sequence[Any]) -> bool:
    return len(values) >= FEWEST


def _median(name: str, values: Sequence[float], **more: int) -> dict[str, Any]:
    seconds = round(median(values), 1) if _enough(values) else None
    return {"definition": DEFINITIONS[name], "n": len(values), "median": seconds, **more}


def delivery_text(stats: Delivery) -> str:
    """Return the statistics for people, each with its definition and n."""
    data = delivery_json(stats)

    def said(value: str | None, n: int) -> str:
        return value if value is not None else f"not enough: {n} of {FEWEST}"

    frequency, lead, rate, recovery = (data[key] for key in DEFINITIONS)
    weekly, share, again = frequency["per_week"], rate["share"], recovery["median"]
    rows = [
        ("deployment frequency", said(None if weekly is None else f"{weekly:.1f} a week", frequency["n"]), frequency),
        ("lead time", said(None if lead["median"] is None else span(lead["median"]), lead["n"]), lead),
        (
            "change failure rate",
            said(None if share is None else f"{share:.0%}, {rate['failed']} of {rate['n']}", rate["n"]),
            rate,
        ),
        (
            "time to recovery",
            said(None if again is None else span(again), recovery["n"]),
            recovery,
        ),
    ]
    days = (stats.end - stats.begin).total_seconds() / 86400
    lines = [f"from {stats.begin:%Y-%m-%d %H:%M} until {stats.end:%Y-%m-%d %H:%M} ({days:.0f} days)", ""]
    lines += [table(("", "VALUE", "N", "COUNTED"), [(n, v, str(of["n"]), of["definition"]) for n, v, of in rows])]
    missing = (
        (lead["unknown"], "release", "whose commit the hosts do not have: its lead time is not known"),
        (recovery["unknown"], "failed deploy", "of which no host keeps how it ended: its recovery is not known"),
        (recovery["not_over"], "failed deploy", "after which nothing was proven to serve yet"),
    )
    lines += [f"! {counted(number, noun)} {what}" for number, noun, what in missing if number]
    return "\n".join([*lines, *(oneline(f"! {note}") for note in stats.notes)])
