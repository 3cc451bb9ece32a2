"""A run as a live table on a terminal: a row for each site."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from typing import TextIO, cast

from rich.console import Console, RenderableType
from rich.live import Live as RichLive
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lockstitch.cli.display import far_of, sentence
from lockstitch.cli.output import SafeStream
from lockstitch.model.format import span
from lockstitch.model.outcome import GateAsked, RollbackBegan, RunEvent, WaveBegan
from lockstitch.model.plan import Plan
from lockstitch.model.release import short
from lockstitch.model.results import StepBegan, StepEnded, StepOutput
from lockstitch.report.plan import StepProgress, expected
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
        table.title = span(time.monotonic() - self._start)
        for heading in ("HOST", "APP", "CHANGE", "NOW"):
            table.add_column(heading, no_wrap=True, overflow="ellipsis")
        for (host, app), (text, style) in list(self._doing.items()):
            now: RenderableType = Text(oneline(text).expandtabs(4)[:200], style)
            far = self._far.get((host, app))
            if far is not None and far.of:
                bar = Table.grid(padding=(0, 1))
                bar.add_row(ProgressBar(far.of, min(far.amount, far.of), width=24), now)
                now = bar
            table.add_row(Text(oneline(host)), Text(oneline(app)), Text(self._changes.get((host, app), "")), now)
        return table
