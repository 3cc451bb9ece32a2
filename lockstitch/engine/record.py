"""EFFECT: a run's events into its journal, before they are shown. The journal of a run is bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from lockstitch.engine.journal import Journal, now
from lockstitch.errors import LockstitchError
from lockstitch.model.outcome import GateAsked, GoingBack, Outcome, RunEvent, Said, WaveBegan
from lockstitch.model.plan import Plan
from lockstitch.model.results import StepBegan, StepEnded, StepOutput

_NAMES = {StepBegan: "begin", StepEnded: "end", StepOutput: "output"}
# How much of the beginning and of the end of a step's output is kept, in characters; a line costs some more.
KEPT = 512 * 1024
_LINE = 128


def recorded(journal: Journal, plan: Plan, show: Callable[[RunEvent], None]) -> Recorder:
    """An observer that writes each event down and then shows it; the run's first line is written at once."""
    changes = [{"site": str(c.site), "from": c.before, "to": c.after, "release": c.release} for c in plan.changes]
    journal.write(
        "run",
        run=plan.run,
        kind=plan.kind,
        environment=plan.environment,
        by=plan.by,
        message=plan.message,
        changes=changes,
        notes=list(plan.notes),
    )
    return Recorder(journal, show)


@dataclass
class _Long:
    """The output of a step that goes on: how much was written down, and the end that waits for its turn."""

    written: int = 0
    end: deque[tuple[str, StepOutput]] = field(default_factory=deque)
    size: int = 0
    lines: int = 0
    characters: int = 0

    def keep(self, event: StepOutput) -> None:
        """Keep a line for the end, and give up the oldest of those that wait."""
        self.end.append((now(), event))
        self.size += len(event.line) + _LINE
        while self.size > KEPT:
            line = self.end.popleft()[1].line
            self.size -= len(line) + _LINE
            self.lines += 1
            self.characters += len(line)


class Recorder:
    """Writes each event down and shows it. A display that fails ends nothing; a record that fails raises CheckError,
    after the event was shown."""

    def __init__(self, journal: Journal, show: Callable[[RunEvent], None]) -> None:
        self._journal, self._show = journal, show
        self._long: dict[tuple[str, str, str], _Long] = {}
        self.trouble: list[str] = []
        self._blind = False

    def __call__(self, event: RunEvent) -> None:
        try:
            self._write(event)
        finally:
            self._seen(event)

    def ended(self, outcome: Outcome, told: dict[str, Any]) -> Outcome:
        """Write down how the run ended, `told` for programs; the outcome with what could not be recorded or shown."""
        try:
            for key in list(self._long):
                self._flush(key)
            self._journal.write("outcome", **told)
        except LockstitchError as error:
            self.trouble.append(error.message)
        known = {*outcome.notes, *(failure.reason for failure in outcome.failures)}
        return replace(outcome, notes=(*outcome.notes, *(said for said in self.trouble if said not in known)))

    def _seen(self, event: RunEvent) -> None:
        if self._blind:
            return
        try:
            self._show(event)
        except Exception as error:
            self._blind = True
            said = error.message if isinstance(error, LockstitchError) else repr(error)
            self.trouble.append(f"not all of this run was shown: {said}")

    def _write(self, event: RunEvent) -> None:
        if isinstance(event, StepOutput):
            long = self._long.setdefault((event.host, event.app, event.name), _Long())
            if long.written >= KEPT:
                long.keep(event)
                return
            long.written += len(event.line) + _LINE
        elif isinstance(event, (StepBegan, StepEnded)):
            self._flush((event.host, event.app, event.name))
        name, fields = _line(event)
        self._journal.write(name, **fields)

    def _flush(self, key: tuple[str, str, str]) -> None:
        """Write down the end of a long output, and how much is missing before it."""
        long = self._long.pop(key, _Long())
        if long.lines:
            host, app, name = key
            left = {"lines": long.lines, "characters": long.characters}
            self._journal.write("left out", host=host, app=app, name=name, **left)
        for at, event in long.end:
            self._journal.write("output", **asdict(event), at=at)


def _line(event: RunEvent) -> tuple[str, dict[str, Any]]:
    match event:
        case WaveBegan():
            return "wave", {"name": event.name, "sites": [str(site) for site in event.sites]}
        case GateAsked():
            verdict = event.verdict
            told = {"answer": verdict.answer.value, "reason": verdict.reason, "attempt": event.attempt}
            return "gate", {"site": str(event.site), "gate": event.gate, **told}
        case GoingBack():
            return "back", {"why": event.why, "sites": [str(site) for site in event.sites]}
        case Said():
            return "said", {"text": event.text}
        case _:
            return _NAMES[type(event)], asdict(event)
