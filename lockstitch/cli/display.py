"""A run as it goes: a live table on a terminal, otherwise plain lines with times. Host output is always neutralised."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TextIO

from lockstitch.cli.output import tell
from lockstitch.model.outcome import GateAsked, GoingBack, RunEvent, Said, WaveBegan
from lockstitch.model.plan import Plan
from lockstitch.model.results import StepBegan, StepEnded, StepOutput
from lockstitch.report import Expected, Progress, expected, oneline, progress

Show = Callable[[RunEvent], None]


@contextmanager
def display(plan: Plan, *, plain: bool = False) -> Iterator[Show]:
    """The right display for where output goes; `plain` asks for lines on stderr."""
    if not plain and sys.stdout.isatty():
        from lockstitch.cli.live import Live

        with Live(plan) as live:
            yield live.show
    else:
        yield Lines(sys.stderr if plain else sys.stdout, expected(plan))


class Lines:
    """One line an event: the time, the host, what. Lines of several hosts never mix within a line."""

    def __init__(self, stream: TextIO, of: Expected | None = None) -> None:
        self._stream, self._of = stream, of or {}
        self._lock = threading.Lock()

    def __call__(self, event: RunEvent) -> None:
        if isinstance(event, StepOutput) and (far := far_of(event, self._of)):
            event = replace(event, line=far.words)
        text = sentence(event)
        if text is not None:
            with self._lock:
                tell(f"{time.strftime('%H:%M:%S')} {oneline(text)}", self._stream)


def far_of(event: StepOutput, of: Expected) -> Progress | None:
    """How far the step is that printed a line, where the line tells that."""
    return progress(event.line, of.get((event.host, event.app, event.name), 0))


def sentence(event: RunEvent) -> str | None:
    """An event in one line of words; None for one that says nothing new."""
    match event:
        case StepBegan():
            return f"{event.host:<12} {event.app}: {event.name}"
        case StepOutput():
            return f"{event.host:<12} {event.app}: {event.name} | {event.line}"
        case StepEnded() if event.code != 0:
            return f"{event.host:<12} {event.app}: {event.name} FAILED with exit code {event.code}"
        case StepEnded():
            return None
        case GateAsked():
            said = "pass" if event.verdict.passed else f"not yet ({event.attempt})"
            return f"{event.site.host:<12} {event.site.app}: gate {event.gate}: {said}: {event.verdict.reason}"
        case WaveBegan():
            return f"== {event.number}/{event.of} {event.name}"
        case GoingBack():
            return f"== GOING BACK on {', '.join(map(str, event.sites))}: {event.why}"
        case Said():
            return f"== {event.text}"
