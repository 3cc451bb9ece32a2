"""The readings of gates in the record of a run, and what was counted between each two of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Literal

from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.wave_watch import GateCounts

RunPart = Literal["pause", "watch"]
# What a reading of a rule is called in the record: its gate is judged by the readings of that itself.
RULE_SUFFIX = " (rollback_on)"


@dataclass(frozen=True)
class PastReading:
    """One reading of a gate, as the record has it."""

    gate: str
    begin: float
    end: float
    answer: str
    says: str
    over: bool
    counts: GateCounts | None


PastParts = Mapping[tuple[RunPart, str, float], Sequence[PastReading]]


def past_parts(events: Iterable[Mapping[str, Any]]) -> tuple[PastParts, int]:
    """Return the readings of each pause, and of the watch, by app and when it began, and the number of readings that
    are not understood. A watch that was cut off and went on is one."""
    parts: dict[tuple[RunPart, str, float], list[PastReading]] = {}
    watched, damaged = False, 0
    for event in events:
        if event.get("event") == "watch":
            watched = event.get("state") == "began"
        elif event.get("event") == "reading" and not str(event.get("gate")).endswith(RULE_SUFFIX):
            try:
                reading, app = _reading(event), str(event["app"])
            except (KeyError, TypeError, ValueError):
                damaged += 1
                continue
            part: RunPart = "watch" if watched else "pause"
            parts.setdefault((part, app, 0.0 if watched else reading.begin), []).append(reading)
    return parts, damaged


def _reading(event: Mapping[str, Any]) -> PastReading:
    over = bool(event["last"]) and not event["remaining"]
    begin, end = float(event["begin"]), float(event["end"])
    return PastReading(
        str(event["gate"]), begin, end, str(event["answer"]), str(event["says"]), over, _counts(event.get("counts"))
    )


def _counts(written: Any) -> GateCounts | None:
    if not isinstance(written, Mapping):
        return None
    known = {each.name: written[each.name] for each in fields(GateCounts)}
    pairs = {
        name: None if known[name] is None else _pair(known[name]) for name in ("new", "before", "old", "old_before")
    }
    return GateCounts(**{**known, **pairs})


def _pair(written: Sequence[Any]) -> tuple[int, int]:
    bad, total = written
    return int(bad), int(total)


def windows(readings: Sequence[PastReading]) -> list[tuple[float, GateCounts]]:
    """Return what was counted between each two readings that counted, with the end of that time."""
    known = [(each, each.counts) for each in readings if each.counts is not None]
    made, before, begin = [], GateCounts(), known[0][0].begin if known else 0.0
    for reading, counts in known:
        made.append((reading.end, _less(counts, before, max(1.0, reading.end - begin))))
        before, begin = counts, reading.end
    return made


def _less(counts: GateCounts, before: GateCounts, seconds: float) -> GateCounts:
    def pair(now: tuple[int, int] | None, then: tuple[int, int] | None) -> tuple[int, int] | None:
        if now is None:
            return None
        # A request that ends late moves between windows: no count is below nothing.
        total = max(0, now[1] - (then or (0, 0))[1])
        return min(total, max(0, now[0] - (then or (0, 0))[0])), total

    most = None if counts.most is None else max(0, counts.most - (before.most or 0))
    new = pair(counts.new, before.new) or (0, 0)
    return replace(counts, new=new, old=pair(counts.old, before.old), most=most, seconds=seconds)


def sum_of(row: Sequence[GateCounts]) -> GateCounts:
    def total(pairs: Iterable[tuple[int, int] | None]) -> tuple[int, int] | None:
        known = [pair for pair in pairs if pair is not None]
        return (sum(bad for bad, _ in known), sum(all_ for _, all_ in known)) if known else None

    return replace(
        row[0],
        new=total(each.new for each in row) or (0, 0),
        old=total(each.old for each in row),
        most=None if row[0].most is None else sum(each.most or 0 for each in row),
        seconds=sum(each.seconds for each in row),
    )
