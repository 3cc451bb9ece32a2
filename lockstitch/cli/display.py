"""A run as it goes: a live table on a terminal, otherwise plain lines with times. Host output is always neutralised."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TextIO, cast

from rich.console import Console, RenderableType
from rich.live import Live as RichLive
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lockstitch.cli.output import SafeStream, tell
from lockstitch.model.outcome import GateAsked, RollbackBegan, RunEvent, RunMessage, WaveBegan
from lockstitch.model.plan import Plan
from lockstitch.model.release import short
from lockstitch.model.results import StepBegan, StepEnded, StepOutput
from lockstitch.report.plan import Expected, StepProgress, expected, progress
from lockstitch.text import oneline


class LiveDisplay:
    """Rows are sites, the cells say what each did last; waves, failures and what went back stay above the table."""

    def __init__(self, plan: Plan, console: Console | None = None) -> None:
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self._doing: dict[tuple[str, str], tuple[str, str]] = {(s.host, s.app): ("waiting", "dim") for s in plan.sites}
        self._changes = {(c.site.host, c.site.app): f"{short(c.before)} → {short(c.after)}" for c in plan.changes}
        self._of = expected(plan)
        self._far: dict[tuple[str, str], StepProgress] = {}
        self._console = console or Console(file=cast(TextIO, SafeStream(sys.stdout)), highlight=False)
        self._live = RichLive(console=self._console, get_renderable=self._table, refresh_per_second=8)

    def __enter__(self) -> LiveDisplay:
        self._live.start()
        return self

    def __exit__(self, *exc: object) -> None:
        # How a run ended does not depend on how it was shown.
        with suppress(Exception):
            self._live.stop()

    def show(self, event: RunEvent) -> None:
        with self._lock:
            self._note(event)

    def _note(self, event: RunEvent) -> None:
        match event:
            case WaveBegan() | RollbackBegan():
                style = "bold red" if isinstance(event, RollbackBegan) else "bold"
                self._console.print(Text(oneline(sentence(event) or ""), style))
            case StepBegan():
                self._far.pop((event.host, event.app), None)
                self._doing[event.host, event.app] = (event.name, "cyan")
            case StepEnded() if event.code != 0:
                self._doing[event.host, event.app] = (f"{event.name} failed", "bold red")
                self._console.print(Text(oneline(sentence(event) or ""), "red"))
            case StepEnded():
                self._far.pop((event.host, event.app), None)
                self._doing[event.host, event.app] = (f"{event.name} ✓", "green")
            case StepOutput() if far := far_of(event, self._of):
                self._doing[event.host, event.app] = (f"{event.name}: {far.words}", "cyan")
                self._far[event.host, event.app] = far
            case StepOutput():
                text = f"{event.name} | {event.line}"
                self._doing[event.host, event.app] = (text, "cyan")
            case GateAsked():
                passed = event.verdict.passed
                said = f"gate {event.gate} {'✓' if passed else event.verdict.reason}"
                self._doing[event.site.host, event.site.app] = (said, "green" if passed else "yellow")
            case _:
                self._console.print(Text(oneline(sentence(event) or "")))

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, expand=False)
        table.title = f"{time.monotonic() - self._start:.0f} s"
        for heading in ("HOST", "APP", "CHANGE", "NOW"):
            table.add_column(heading, no_wrap=True, overflow="ellipsis")
        for (host, app), (text, style) in list(self._doing.items()):
            now: RenderableType = Text(oneline(text).expandtabs(4)[:200], style)
            far = self._far.get((host, app))
            if far is not None and far.of:
                bar = Table.grid(padding=(0, 1))
                bar.add_row(ProgressBar(far.of, min(far.done, far.of), width=24), now)
                now = bar
            table.add_row(Text(oneline(host)), Text(oneline(app)), Text(self._changes.get((host, app), "")), now)
        return table


RunObserver = Callable[[RunEvent], None]


@contextmanager
def display(plan: Plan, *, plain: bool = False) -> Iterator[RunObserver]:
    """The right display for where output goes; `plain` asks for lines on stderr."""
    if not plain and sys.stdout.isatty():
        with LiveDisplay(plan) as live:
            yield live.show
    else:
        yield LineDisplay(sys.stderr if plain else sys.stdout, expected(plan))


class LineDisplay:
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


def far_of(event: StepOutput, of: Expected) -> StepProgress | None:
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
        case RollbackBegan():
            return f"== GOING BACK on {', '.join(map(str, event.sites))}: {event.why}"
        case RunMessage():
            return f"== {event.text}"
