"""A watch of a release, as text and JSON. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from lockstitch.model.format import moment, span, when
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.wave_watch import WatchMemory
from lockstitch.plans.release_watches import WatchedApp, WatchEnd
from lockstitch.report.text import counted, table
from lockstitch.text import oneline

# The last second that has a date.
_LAST = 253402300799.0
_ENDS = {
    "began": "ended without a word",
    "stopped": "stopped",
    "over": "over",
    "back": "took it back",
    "superseded": "a later run came",
    "rollback failed": "the rollback failed",
}


@dataclass(frozen=True)
class WatchRecord:
    """The watches of a run by its record: how the last one ended (`began`: it did not), its begin and end by
    plan, until when it saw (epoch seconds), what did not pass, and the process that watches now; the `stages` it has,
    as (seconds, seconds between readings), and the runs of the rollbacks that any of them has planned, with the reason
    of the last. `memory` is what the last one must know to go on."""

    run: str
    state: str = ""
    start: float | None = None
    until: float | None = None
    seen: float | None = None
    problems: tuple[str, ...] = ()
    process: int | None = None
    stages: tuple[tuple[float, float], ...] = ()
    backs: tuple[str, ...] = ()
    reason: str = ""
    memory: WatchMemory = field(default_factory=WatchMemory)

    @classmethod
    def of(cls, run: str, events: Iterable[Any], process: int | None) -> WatchRecord:
        """Return what these events of a run say. What is damaged says nothing."""
        known = cls(run, process=process)
        for event in events:
            if not isinstance(event, Mapping):
                continue
            name = event.get("event")
            if name == "watch":
                known = known._with(event)
            elif name == "watch going back" and isinstance(event.get("run"), str):
                known = replace(known, backs=(*known.backs, event["run"]), reason=str(event.get("reason") or ""))
            elif name == "watch memory":
                known = replace(known, memory=_memory(event))
            elif name == "reading" and known.state == "began" and (end := _number(event.get("end"))) is not None:
                known = replace(known, seen=max(known.seen or 0.0, end))
        return known

    def _with(self, event: Mapping[str, Any]) -> WatchRecord:
        problems = event.get("problems")
        known = replace(
            self,
            state=str(event.get("state")),
            problems=tuple(map(str, problems)) if isinstance(problems, list) else (),
        )
        start, until = _number(event.get("start")), _number(event.get("until"))
        if start is None or until is None:
            return known
        # One that goes on from another has its begin.
        memory = self.memory if start == self.start else WatchMemory()
        return replace(known, start=start, until=until, stages=_parts(event.get("stages")), memory=memory)

    @property
    def words(self) -> str:
        """The state in words."""
        return f"process {self.process}" if self.process else _ENDS.get(self.state, self.state or "-")


@dataclass(frozen=True)
class WatchPeriod:
    """One time that a run was watched, as its record says: how it ended (`began`: it did not) and why, until when it
    saw (epoch seconds), and the run that took the release back. `process` watches now."""

    at: str
    by: str = ""
    start: float | None = None
    until: float | None = None
    seen: float | None = None
    ended: str = ""
    state: str = "began"
    reason: str = ""
    problems: tuple[str, ...] = ()
    rollback: str = ""
    process: int | None = None

    @property
    def words(self) -> str:
        """The end, or the state, in words."""
        if self.process:
            return f"running, process {self.process}"
        return f"{_ENDS.get(self.state, self.state)}{f', run {self.rollback}' if self.rollback else ''}"


def watch_periods(events: Iterable[Mapping[str, Any]], process: int | None) -> tuple[WatchPeriod, ...]:
    """Return each time that a run was watched, from the events of its record; a process may watch it now."""
    made: list[WatchPeriod] = []
    for event in (event for event in events if isinstance(event, Mapping)):
        known = made[-1] if made and made[-1].state == "began" else None
        if event.get("event") == "reading" and known:
            made[-1] = replace(known, seen=max(known.seen or 0.0, _number(event.get("end")) or 0.0) or None)
        elif event.get("event") == "watch" and event.get("state") == "began":
            start, until = _number(event.get("start")), _number(event.get("until"))
            made.append(WatchPeriod(str(event.get("at") or ""), str(event.get("by") or ""), start, until))
        elif event.get("event") == "watch" and known:
            made[-1] = replace(
                known,
                ended=str(event.get("at") or ""),
                state=str(event.get("state")),
                reason=str(event.get("reason") or (f"exit code {code}" if (code := event.get("code")) else "")),
                problems=_texts(event.get("problems")),
                rollback=str(event.get("rollback") or ""),
            )
    if process and made and made[-1].state == "began":
        made[-1] = replace(made[-1], process=process)
    return tuple(made)


def periods_json(periods: Sequence[WatchPeriod]) -> list[dict[str, Any]]:
    """Return the times that a run was watched, for programs."""
    return [
        {
            **{name: getattr(each, name) or None for name in ("at", "ended", "rollback", "process")},
            **{name: _time(getattr(each, name)) for name in ("start", "until", "seen")},
            "by": each.by,
            "state": "running" if each.process else each.state,
            "reason": each.reason,
            "problems": list(each.problems),
        }
        for each in periods
    ]


def periods_text(periods: Sequence[WatchPeriod], now: datetime, zone: tzinfo | None = None) -> str:
    """Return the times that a run was watched as a table, and below what did not pass: times are local."""

    def local(at: str | None) -> str:
        return when(at, now, zone)[0] if at else "-"

    rows = [
        (local(e.at), e.by or "-", local(e.ended), local(_time(e.seen)), local(_time(e.until)), e.words, e.reason)
        for e in periods
    ]
    headings = ("WATCHED FROM", "BY", "UNTIL", "SAW UNTIL", "PLANNED UNTIL", "END", "WHY")
    problems = dict.fromkeys(problem for each in periods[-1:] for problem in each.problems)
    return "\n".join([table(headings, rows), *(oneline(f"! {problem}") for problem in problems)])


def watch_begin_text(
    run: str, apps: Sequence[WatchedApp], stages: Sequence[tuple[float, float]], seen: float | None, now: float
) -> str:
    """Return what is watched, for how long, and by which rules it goes back."""
    parts = ", then ".join(f"{span(seconds)} with a reading every {span(every)}" for seconds, every in stages)
    lines = [f"watching run {run}: {parts}"]
    if seen:
        gap = span(max(0.0, now - seen))
        lines.append(f"a watch before saw until {moment(int(seen))}; of the {gap} since only the sums are judged")
    for each in apps:
        where = f"{each.app.name} on {counted(len(each.new), 'host')}"
        if not each.app.gates:
            lines.append(f"{where}: no metric gate judges it")
        rules = ", ".join(each.app.rollback_on)
        lines.append(f"{where}: goes back by {rules}" if rules else f"{where}: nothing takes it back (`rollback_on`)")
    return "\n".join(lines)


def watch_end_text(run: str, end: WatchEnd, environment: str) -> str:
    """Return how a watch ended, and the next command."""
    lines = [f"  {problem}" for problem in (*end.problems, *end.undecided)]
    if end.state == "back":
        return "\n".join([f"the release of run {run} was taken back: {end.reason}", *lines])
    if end.state == "superseded":
        return "\n".join([f"the watch of run {run} ended early: {end.reason}", *lines])
    if end.state == "rollback failed":
        next_ = f"next: fab -H {environment} status, then fab -H {environment} history {run}"
        return "\n".join([f"the release of run {run} could not be taken back: {end.reason}", *lines, next_])
    if end.problems:
        lines = [f"the watch of run {run} is over, and not all passed:", *lines, f"next: fab -H {environment} gates"]
        return "\n".join(lines)
    how = ", and not every gate could be decided:" if end.undecided else ""
    return "\n".join([f"the watch of run {run} is over: nothing failed{how}", *lines])


def watch_json(run: str, end: WatchEnd) -> dict[str, Any]:
    """Return how a watch ended, for programs."""
    return {
        "run": run,
        "state": end.state,
        "reason": end.reason,
        "problems": list(end.problems),
        "undecided": list(end.undecided),
    }


def watches_json(known: Sequence[WatchRecord]) -> dict[str, Any]:
    """Return the watches of this machine, for programs."""
    return {"watches": [_watch(each) for each in known]}


def _watch(each: WatchRecord) -> dict[str, Any]:
    times = {name: _time(getattr(each, name)) for name in ("start", "until", "seen")}
    return {
        "run": each.run,
        "state": "running" if each.process else each.state or None,
        "process": each.process,
        **times,
        "problems": list(each.problems),
    }


def watches_text(known: Sequence[WatchRecord]) -> str:
    """Return the watches of this machine as a table."""
    if not known:
        return "nothing was watched from this machine"
    rows = [(e.run, e.words, *(moment(int(t)) if t else "-" for t in (e.start, e.until, e.seen))) for e in known]
    return table(("RUN", "WATCH", "BEGAN", "ENDS", "SAW UNTIL"), rows)


def _number(value: Any) -> float | None:
    """Return a time or a length from a record; None where it is none."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < _LAST
    return float(value) if good else None


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def _parts(value: Any) -> tuple[tuple[float, float], ...]:
    """Return the parts of a watch from a record; none where they cannot be read."""
    made = []
    for part in value if isinstance(value, list) else ():
        numbers = [_number(each) for each in part] if isinstance(part, list) else []
        if len(numbers) != 2 or not all(numbers):
            return ()
        made.append((numbers[0] or 0.0, numbers[1] or 0.0))
    return tuple(made)


def _memory(event: Mapping[str, Any]) -> WatchMemory:
    """Return what a watch knew, from its record; what cannot be read of it is left out."""

    def table_of(key: str) -> dict[str, Mapping[Any, Any]]:
        known = event.get(key)
        some = known.items() if isinstance(known, Mapping) else ()
        return {str(app): each for app, each in some if isinstance(each, Mapping)}

    def plain(key: str, kind: Callable[[Any], Any]) -> dict[str, Any]:
        known = event.get(key)
        some = known.items() if isinstance(known, Mapping) else ()
        return {str(name): value for name, each in some if (value := kind(each)) is not None}

    flags = event.get("turned_off")
    return WatchMemory(
        {app: {str(h): int(n) for h, n in each.items() if _number(n)} for app, each in table_of("failures").items()},
        {app: {str(h): str(why) for h, why in each.items()} for app, each in table_of("reasons").items()},
        plain("since", _number),
        tuple(map(str, flags)) if isinstance(flags, list) else (),
        event.get("tried") is True,
        plain("problems", str),
        _number(event.get("at")) or 0.0,
    )


def _time(epoch: float | None) -> str | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
