"""The metric gates of a deploy: their sources read before it, and its pauses watched."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from lockstitch import plans
from lockstitch.cli.confirmation import asked
from lockstitch.cli.session import Session, words
from lockstitch.errors import CheckError, UsageError
from lockstitch.facts.site import Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.outcome import RunEvent
from lockstitch.model.plan import Plan
from lockstitch.model.wave_watch import Decision, Way
from lockstitch.model.written import duration

if TYPE_CHECKING:
    from lockstitch.engine.runner import WaveWatcher


# A terminal that is gone answers with empty lines for ever.
_TRIES = 5


class Display(Protocol):
    """A display of a run, which can be paused for a question."""

    def __call__(self, event: RunEvent) -> None: ...

    def paused(self) -> AbstractContextManager[None]: ...


def paused(fleet: Fleet, pause: str) -> Fleet:
    """Return the fleet with the pause that was typed, if one was."""
    if not pause:
        return fleet
    try:
        return plans.with_pause(fleet, duration(pause))
    except ValueError as error:
        raise UsageError(f"--pause: {error}") from error


def gates_before(
    session: Session, fleet: Fleet, facts: Survey, idle: Sequence[str], blind_gates: str
) -> plans.GateSurvey:
    """Read the sources of the gates that will judge a deploy, as they are before it."""
    queries, survey = plans.survey_queries(fleet, facts, [app for app in fleet.apps if app not in idle])
    survey = replace(survey, waived=words(blind_gates))
    if not queries or facts.unreachable:
        return survey
    # Start-up: most deploys have no gates.
    from lockstitch.engine.read_sources import read_sources

    session.note(f"reading {', '.join(dict.fromkeys(query.name for query in queries))}")
    stopped = threading.Event()
    measured = read_sources(session.remote, queries, stopped=stopped)
    if stopped.is_set():
        raise KeyboardInterrupt
    return replace(survey, measured=measured)


def refuse_unmeasurable(session: Session, fleet: Fleet, facts: Survey, idle: Sequence[str]) -> None:
    """Ask for one sample of each measure that will be a gate, on two hosts of its app. Raises CheckError where one
    cannot be taken: nothing was changed yet."""
    gated = {app.name for _, app in fleet.sites() if any(measure.is_gate() for measure in app.measure.values())}
    if not gated - set(idle) or facts.unreachable:
        return
    # Start-up: as above.
    from lockstitch.engine.measure_turns import MeasureTurns

    for app in (name for name in fleet.apps if name in gated and name not in idle):
        sites = [site for site, known in facts.facts.items() if site.app == app and known.deployed]
        for says in MeasureTurns(session.remote, fleet).problems(sites[:2] if len(sites) > 1 else []):
            hint = "gate: false in the inventory deploys without it"
            raise CheckError(f"{says}; nothing was changed", hint=hint)


def pause_watch(session: Session, fleet: Fleet, plan: Plan, display: Display) -> WaveWatcher | None:
    """Return what watches the pauses of a plan; None where no gate judges one."""
    if not any(wave.watch and wave.watch.gates for wave in plan.waves):
        return None
    # Start-up: as above.
    from lockstitch.engine.watch import GateWatch

    return GateWatch(session.remote, fleet, plan.run, _at_terminal(session, display)).pause


def measured_turns(session: Session, fleet: Fleet, plan: Plan, display: Display) -> WaveWatcher | None:
    """Return what compares the first wave of each app with the old release; None where no measure is a gate."""
    if not any(measure.is_gate() for _, app in fleet.sites() for measure in app.measure.values()):
        return None
    # Start-up: as above.
    from lockstitch.engine.measure_turns import MeasureTurns

    return MeasureTurns(session.remote, fleet, plan, _at_terminal(session, display)).compare


def _at_terminal(session: Session, display: Display) -> Callable[[Decision], Way | None]:
    """Return what asks a person about a decision; it returns None where nobody is there."""

    def answer(decision: Decision) -> Way | None:
        if session.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
            return None
        with display.paused():
            return _answer(session, decision)

    return answer


def _answer(session: Session, decision: Decision) -> Way | None:
    """Ask a person what follows; None where the terminal is gone."""
    session.note(decision.reason)
    if decision.hint:
        session.note(f"HINT: {decision.hint}")
    choices = {way.value: way for way in decision.choices}
    question = f"type {' or '.join(choices)}"
    for _ in range(_TRIES):
        line = asked(partial(session.note, question))
        if line in choices:
            return choices[line]
        question = f"{line!r} is none of the answers: type {' or '.join(choices)}"
    return None
