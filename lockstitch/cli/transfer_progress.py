"""How far transfers are: bars on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO, cast

from lockstitch.cli.output import Unfailing, aside
from lockstitch.engine.transfer import Progress, size_text
from lockstitch.report import neutral

EVERY = 5.0
# Bars of more hosts than that would run off the terminal: those that come later have lines of their own in the summary.
_MOST_BARS = 20


@contextmanager
def transfer_progress(*, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """What is told of each transfer as it goes on, on stderr."""
    if quiet:
        yield lambda progress: None
    elif sys.stderr.isatty():
        with _bars() as told:
            yield told
    else:
        yield Lines()


@contextmanager
def _bars() -> Iterator[Callable[[Progress], None]]:
    from rich import progress as rich
    from rich.console import Console
    from rich.text import Text

    columns = (
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(),
        rich.DownloadColumn(),
        rich.TransferSpeedColumn(),
        rich.TimeRemainingColumn(),
    )
    bars: dict[str, rich.TaskID] = {}
    lock = threading.Lock()
    with rich.Progress(
        *columns, console=Console(file=cast(TextIO, Unfailing(sys.stderr)), highlight=False), transient=True
    ) as shown:

        def told(progress: Progress) -> None:
            with lock:
                if progress.host not in bars and len(bars) < _MOST_BARS:
                    name = Text(neutral(progress.host)).plain
                    bars[progress.host] = shown.add_task(name, total=progress.of, completed=progress.done)
            if progress.host in bars:
                shown.update(bars[progress.host], completed=progress.done)

        yield told


class Lines:
    """A line for each host every few seconds."""

    def __init__(self, every: float = EVERY, clock: Callable[[], float] = time.monotonic) -> None:
        self._every, self._clock, self._began = every, clock, clock()
        self._said: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, progress: Progress) -> None:
        now = self._clock()
        with self._lock:
            if now - self._said.get(progress.host, self._began) < self._every:
                return
            self._said[progress.host] = now
        far = f"{100 * progress.done // max(progress.of, 1)} % of {size_text(progress.of)}"
        aside(neutral(f"{progress.host}: {far}"))
