"""A run as it goes, in plain lines with times. Host output is always neutralised."""

from __future__ import annotations

import re
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TextIO

from lockstitch.cli.output import tell
from lockstitch.model.outcome import GateAsked, RollbackBegan, RunEvent, RunMessage, WaveBegan
from lockstitch.model.results import StepBegan, StepEnded, StepOutput
from lockstitch.model.smoke_check import SmokeResult
from lockstitch.model.wave_watch import GateMeasured, WatchMemory
from lockstitch.report.gates import measured_text
from lockstitch.report.plan import Expected, StepProgress, progress
from lockstitch.report.smoke import result_line
from lockstitch.text import oneline

# What a step of a database tells the run for its records.
_RECORDED = re.compile(r"told (backup|head_before|head_after)\b")


class LineDisplay:
    """One line an event: the time, the host, what. Lines of several hosts never mix within a line."""

    def __init__(self, stream: TextIO, of: Expected | None = None) -> None:
        self._stream, self._of = stream, of or {}
        self._lock = threading.Lock()

    def paused(self) -> AbstractContextManager[None]:
        """Return a context in which a question may be asked."""
        return nullcontext()

    def __call__(self, event: RunEvent) -> None:
        if isinstance(event, StepOutput) and (far := far_of(event, self._of)):
            event = replace(event, line=far.words)
        text = sentence(event)
        if text is not None:
            with self._lock:
                tell(f"{time.strftime('%H:%M:%S')} {oneline(text)}", self._stream)


def far_of(event: StepOutput, of: Expected) -> StepProgress | None:
    """Return the progress of the step that printed a line; None where the line has none."""
    return progress(event.line, of.get((event.host, event.app, event.name), 0))


def sentence(event: RunEvent) -> str | None:
    """An event in one line of words; None for one that says nothing new."""
    match event:
        case StepBegan():
            return f"{event.host:<12} {event.app}: {event.name}"
        case StepOutput() if _RECORDED.match(event.line):
            return None
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
        case RollbackBegan():
            return f"== GOING BACK on {', '.join(map(str, event.sites))}: {event.why}"
        case GateMeasured():
            return measured_text(event)
        case SmokeResult():
            return result_line(event)
        case RunMessage():
            return f"== {event.text}"
        case WatchMemory():
            return None
