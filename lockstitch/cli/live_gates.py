"""Gates of a pause or of a watch as a live table on a terminal: counts of new and old hosts, and what they say."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from lockstitch.cli.display import sentence
from lockstitch.cli.live_table import LiveTable
from lockstitch.model.format import span
from lockstitch.model.outcome import RunEvent
from lockstitch.model.wave_watch import GateMeasured
from lockstitch.plans.release_watches import WatchedApp
from lockstitch.report.gates import interval_text, limit_text, measured_text
from lockstitch.report.text import counted, width
from lockstitch.text import oneline

_STYLES = {"pass": "green", "fail": "bold red", "few": "cyan"}
_ORDER = {"fail": 0, "blind": 1, "unclear": 2, "few": 3, "pass": 4}
# The least columns of a gate's name, and those between two cells.
_LEAST, _GAP = 8, 2


class GateRows:
    """A row for each gate, by its newest reading."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], GateMeasured] = {}
        self._at = 0.0

    def __len__(self) -> int:
        return len(self._rows)

    def note(self, event: GateMeasured) -> Text | None:
        """Keep a reading. Returns the line that stays on the screen: of a verdict that is new, or the last one."""
        before = self._rows.get((event.app, event.gate))
        self._rows[event.app, event.gate], self._at = event, time.monotonic()
        if event.last or (before is not None and not before.last and before.answer != event.answer):
            return Text(oneline(measured_text(event)), _STYLES.get(event.answer, "yellow"))
        return None

    def remaining(self) -> float | None:
        """Return the seconds until the pause is over; None where it is, or has no gate."""
        remaining = [event.remaining for event in self._rows.values() if not event.last]
        return max(0.0, max(remaining) - (time.monotonic() - self._at)) if remaining else None

    def table(self, columns: int, rows: int) -> Table:
        """Return the gates within so many columns and rows: what fails comes before what passes, if there are more."""
        events = list(self._rows.values())
        if len(events) >= rows:
            first = sorted(events, key=lambda event: _ORDER.get(event.answer, 1))[: max(1, rows - 2)]
            events = [event for event in events if event in first]
        cells = [_cells(event) for event in events]
        headings = ("APP", "GATE", "VERDICT", "NEW", "OLD", "BETWEEN", "LIMIT")
        sizes = [max(width(text) for text in column) for column in zip(headings, *cells, strict=True)]
        # What is left out first is what the line of a verdict says as well.
        for place in (0, 1):
            over = sum(sizes) + _GAP * (len(sizes) - 1) - columns
            sizes[place] -= max(0, min(over, sizes[place] - _LEAST))
        table = Table(box=None, pad_edge=False, expand=False)
        for heading, size in zip(headings, sizes, strict=True):
            table.add_column(heading, no_wrap=True, overflow="ellipsis", width=size)
        for event, row in zip(events, cells, strict=True):
            style = _STYLES.get(event.answer, "yellow")
            table.add_row(*(Text(text, style if number == 2 else "") for number, text in enumerate(row)))
        if len(events) < len(self._rows):
            table.caption = Text(f"and {counted(len(self._rows) - len(events), 'gate')} more", "dim")
            table.caption_justify = "left"
        return table


def _cells(event: GateMeasured) -> tuple[str, ...]:
    old = f"{event.old_bad}/{event.old_total}" if event.old_total is not None else "-"
    new = f"{event.bad}/{event.total}" if event.total else "-"
    verdict = f"{event.answer}{' (dry)' if event.dry else ''}"
    return oneline(event.app), oneline(event.gate), verdict, new, old, interval_text(event), limit_text(event)


class WatchDisplay(LiveTable):
    """The gates of a watch; what is new, and what came of it, stay above the table."""

    def __init__(self, run: str, apps: Sequence[WatchedApp], until: float, console: Console | None = None) -> None:
        self._run, self._until, self._gates = run, until, GateRows()
        self._hosts = [
            oneline(f"{each.app.name}: new on {_names(each.new)}; old on {_names(each.old)}") for each in apps
        ]
        super().__init__(console, 4)

    def __call__(self, event: RunEvent) -> None:
        with self._lock:
            said = sentence(event)
            line = self._gates.note(event) if isinstance(event, GateMeasured) else Text(oneline(said or ""))
            if line:
                self._console.print(Text(f"{time.strftime('%H:%M:%S')} ").append_text(line))

    def drawn(self) -> Group:
        columns, rows = self._console.size
        remaining = span(max(0.0, self._until - time.time()))
        head = [Text(f"run {self._run}: {remaining} left", "italic")]
        head += [Text(line, no_wrap=True, overflow="ellipsis") for line in self._hosts[: max(1, rows // 4)]]
        if not self._gates:
            return Group(*head, Text("no reading yet", "dim"))
        return Group(*head, self._gates.table(columns, max(2, rows - len(head) - 2)))


def _names(sites: Sequence[object]) -> str:
    return ", ".join(str(getattr(site, "host", site)) for site in sites) or "no host"
