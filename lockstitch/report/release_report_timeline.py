"""The timeline of a run: its waves and steps as planned, with the time that each really took. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.report.release_report import TimedPhase, TimedStep
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

BACK, END, BEGIN = "going back", "record, prune, unlock", "before the first wave"


@dataclass
class _Step:
    """A step as it went: the times it began by site, the seconds and the exit code of those that ended."""

    began: dict[str, float | None] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)


@dataclass
class _Phase:
    """A phase as it goes. `plan` is what was planned of it, where the record has that."""

    name: str
    plan: RecordLine | None = None
    state: str = "done"
    start: float | None = None
    end: float | None = None
    steps: dict[str, _Step] = field(default_factory=dict)


def phases_of(events: Sequence[RecordLine], begin: float | None) -> tuple[TimedPhase, ...]:
    """Return the phases of a run that began then (epoch seconds; None: with its first event), those that were planned
    and not begun too."""
    planned = next((rows_of(event, "waves") for event in events if event.get("event") == "run"), [])
    phases = _fold(events, planned)
    zero = begin if begin is not None else next((p.start for p in phases if p.start is not None), None)
    begun = [id(phase.plan) for phase in phases]
    waiting = [_Phase(text_of(wave, "name"), wave, "not begun") for wave in planned if id(wave) not in begun]
    return tuple(_timed(phase, zero) for phase in (*phases, *waiting))


def with_last_times(phases: Iterable[TimedPhase], last: Iterable[TimedPhase]) -> tuple[TimedPhase, ...]:
    """Return the phases with the time that each step took at most in those of the last release."""
    took: dict[str, float] = {}
    for step in (step for phase in last if phase.name != BACK for step in phase.steps):
        if step.seconds is not None:
            took[step.name] = max(step.seconds, took.get(step.name, 0.0))
    return tuple(
        replace(phase, steps=tuple(replace(step, last=took.get(step.name)) for step in phase.steps)) for phase in phases
    )


def _fold(events: Sequence[RecordLine], planned: Sequence[RecordLine]) -> list[_Phase]:
    phases: list[_Phase] = []
    ended = False
    for event in events:
        name, at = event.get("event"), epoch_of(event)
        if name == "wave":
            phases.append(_Phase(text_of(event, "name"), _plan_of(event, phases, planned), start=at, end=at))
        elif name == "back":
            phases.append(_Phase(BACK, start=at, end=at))
        elif name == "outcome":
            ended = True
            # What comes after it is the watch.
            break
        elif name == "said" and phases and text_of(event, "text").startswith(f"left out: {phases[-1].name}: "):
            phases[-1].state = "left out"
        elif name in ("begin", "end"):
            phase = _phase_of(event, phases, len(planned))
            _take(phase, event, at)
        elif name in ("gate", "reading") and phases and at is not None:
            phases[-1].end = at
    for phase in phases:
        codes = [code for step in phase.steps.values() for code in step.codes.values()]
        if phase.state == "done" and any(codes):
            phase.state = "failed"
    if phases and not ended:
        phases[-1].state = "cut off"
    return phases


def _plan_of(event: RecordLine, phases: Sequence[_Phase], planned: Sequence[RecordLine]) -> RecordLine | None:
    number = int(number_of(event, "number") or 1 + sum(phase.plan is not None for phase in phases))
    fits = 0 < number <= len(planned) and text_of(planned[number - 1], "name") == text_of(event, "name")
    return planned[number - 1] if fits else None


def _phase_of(event: RecordLine, phases: list[_Phase], waves: int) -> _Phase:
    """Return the phase that a step belongs to. What the last wave does not plan is the end of the run."""
    at = epoch_of(event)
    if not phases:
        phases.append(_Phase(BEGIN, start=at, end=at))
    phase = phases[-1]
    is_new = event.get("event") == "begin"
    is_last = phase.plan is not None and sum(each.plan is not None for each in phases) == waves
    if is_new and is_last and text_of(event, "name") not in _planned_steps(phase):
        phases.append(_Phase(END, start=at, end=at))
    return phases[-1]


def _take(phase: _Phase, event: RecordLine, at: float | None) -> None:
    site, step = site_of(event), phase.steps.setdefault(text_of(event, "name"), _Step())
    if event.get("event") == "begin":
        step.began[site] = at
    else:
        began = step.began.get(site)
        step.seconds[site] = max(0.0, at - began) if at and began else number_of(event, "seconds") or 0.0
        step.codes[site] = int(number_of(event, "code") or 0)
    phase.end = at if at is not None else phase.end


def _planned_steps(phase: _Phase) -> Mapping[str, Any]:
    steps = phase.plan.get("steps") if phase.plan else None
    return steps if isinstance(steps, Mapping) else {}


def _timed(phase: _Phase, zero: float | None) -> TimedPhase:
    planned = _planned_steps(phase)
    names = dict.fromkeys((*planned, *phase.steps))
    seconds = None if phase.start is None or phase.end is None else lasted(phase.start, phase.end)
    return TimedPhase(
        phase.name,
        phase.state,
        _after(phase.start, zero),
        seconds,
        (number_of(phase.plan, "pause") or 0.0) if phase.plan else 0.0,
        tuple(_step(str(name), phase.steps.get(name, _Step()), planned.get(name), zero) for name in names),
    )


def _step(name: str, step: _Step, plan: Any, zero: float | None) -> TimedStep:
    known: RecordLine | None = plan if isinstance(plan, Mapping) else None
    slowest = max(step.seconds, key=lambda site: step.seconds[site], default="")
    return TimedStep(
        name,
        texts_of(known, "says") if known is not None else (),
        None if known is None else texts_of(known, "sites"),
        tuple(step.began),
        tuple(site for site, code in step.codes.items() if code),
        tuple(site for site in step.began if site not in step.codes),
        _after(min((at for at in step.began.values() if at is not None), default=None), zero),
        round(step.seconds[slowest], 3) if slowest else None,
        slowest,
    )


def _after(at: float | None, zero: float | None) -> float | None:
    return None if at is None or zero is None else round(max(0.0, at - zero), 3)
