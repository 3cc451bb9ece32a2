"""A run as a live table on a terminal: a row for each site."""

from __future__ import annotations

import time

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lockstitch.cli.display import far_of, sentence
from lockstitch.cli.live_gates import GateRows
from lockstitch.cli.live_table import LiveTable
from lockstitch.model.format import span
from lockstitch.model.outcome import GateAsked, RollbackBegan, RunEvent, WaveBegan
from lockstitch.model.plan import Plan
from lockstitch.model.release import short
from lockstitch.model.results import StepBegan, StepEnded, StepOutput
from lockstitch.model.wave_watch import GateMeasured
from lockstitch.report.plan import StepProgress, expected
from lockstitch.report.text import width
from lockstitch.text import oneline

# Rows of the terminal that are not the table's: its title, its headings, what is below it, and the last line above.
_ABOVE = 4
# The columns of `before → after`, those between two cells, and what is left at least for what a host does now.
_CHANGE, _GAP, _LEAST = 19, 2, 24
_ORDER = {"bold red": 0, "cyan": 1, "yellow": 1, "dim": 2, "green": 3}


class LiveDisplay(LiveTable):
    """Rows are sites, the cells say what each did last; waves, failures and what went back stay above the table."""

    def __init__(self, plan: Plan, console: Console | None = None) -> None:
        self._start = time.monotonic()
        self._doing: dict[tuple[str, str], tuple[str, str]] = {(s.host, s.app): ("waiting", "dim") for s in plan.sites}
        self._changes = {(c.site.host, c.site.app): f"{short(c.before)} → {short(c.after)}" for c in plan.changes}
        self._of = expected(plan)
        self._gates = GateRows()
        self._far: dict[tuple[str, str], StepProgress] = {}
        super().__init__(console, 8)

    def show(self, event: RunEvent) -> None:
        with self._lock:
            self._note(event)

    __call__ = show

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
            case StepOutput() if sentence(event) is None:
                pass
            case StepOutput():
                text = f"{event.name} | {event.line}"
                self._doing[event.host, event.app] = (text, "cyan")
            case GateAsked():
                passed = event.verdict.passed
                said = f"gate {event.gate} {'✓' if passed else event.verdict.reason}"
                self._doing[event.site.host, event.site.app] = (said, "green" if passed else "yellow")
            case GateMeasured():
                if line := self._gates.note(event):
                    self._console.print(line)
            case _:
                self._console.print(Text(oneline(sentence(event) or "")))

    def drawn(self) -> RenderableType:
        """Return the table of the sites, and below it that of the gates once one has judged."""
        columns, rows = self._console.size
        if not self._gates:
            return self._table(columns, max(rows - _ABOVE, 1))
        # What gates say matters most while they judge: sites have the other half.
        gates = min(len(self._gates) + 1, max(2, rows // 2 - _ABOVE))
        remaining = self._gates.remaining()
        title = Text("" if remaining is None else f"gates judge for another {span(remaining)}", "italic")
        sites = self._table(columns, max(rows - _ABOVE - gates - 2, 1))
        return Group(sites, title, self._gates.table(columns, gates + 1))

    def _table(self, columns: int, rows: int) -> Table:
        table = Table(box=None, pad_edge=False, expand=False)
        table.title = span(time.monotonic() - self._start)
        shown, rest = self._shown(rows)
        sizes = [max([4, *(width(oneline(site[part])) for site in self._doing)]) for part in (0, 1)]
        app = min(sizes[1], columns // 4)
        # Host and app tell the rows apart: they are whole while there is any room. What a host does now needs the rest.
        host = min(sizes[0], columns - app - _LEAST - 2 * _GAP)
        room = columns - host - app - 2 * _GAP
        changes = any(self._changes.values()) and room >= _CHANGE + _GAP + _LEAST
        wide = {"HOST": host, "APP": app, **({"CHANGE": _CHANGE} if changes else {})}
        wide["NOW"] = room - (_CHANGE + _GAP if changes else 0)
        for heading, size in wide.items():
            table.add_column(heading, no_wrap=True, overflow="ellipsis", width=size)
        for site in shown:
            change = [Text(self._changes.get(site, ""))] if changes else []
            table.add_row(Text(oneline(site[0])), Text(oneline(site[1])), *change, self._now(site))
        if rest:
            table.caption = Text(f"and {rest} more", "dim", justify="left")
            table.caption_justify = "left"
        return table

    def _shown(self, rows: int) -> tuple[list[tuple[str, str]], int]:
        """Return the sites that have room, and how many have none: what failed and what works comes before what waits,
        and what is done last."""
        doing = dict(self._doing)
        if len(doing) <= rows:
            return list(doing), 0
        first = sorted(doing, key=lambda site: _ORDER.get(doing[site][1], 1))[: rows - 1]
        return [site for site in doing if site in set(first)], len(doing) - len(first)

    def _now(self, site: tuple[str, str]) -> RenderableType:
        text, style = self._doing[site]
        now = Text(oneline(text).expandtabs(4)[:200], style)
        far = self._far.get(site)
        if far is None or not far.of:
            return now
        bar = Table.grid(padding=(0, 1))
        bar.add_row(ProgressBar(far.of, min(far.amount, far.of), width=12), now)
        return bar
