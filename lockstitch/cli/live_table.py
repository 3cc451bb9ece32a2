"""The base of what is drawn anew on a terminal while a task goes on."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self, TextIO, cast

from rich.console import Console, RenderableType
from rich.live import Live as RichLive

from lockstitch.cli.output import SafeStream


class LiveTable:
    """A table below the lines that stay, drawn so many times a second. Subclasses say what it is with `drawn`."""

    def __init__(self, console: Console | None, times: float) -> None:
        self._lock = threading.Lock()
        self._console = console or Console(file=cast(TextIO, SafeStream(sys.stdout)), highlight=False)
        self._live = RichLive(console=self._console, get_renderable=self.drawn, refresh_per_second=times)

    def drawn(self) -> RenderableType:
        """Return the table as it is now."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *exc: object) -> None:
        # How a run ended does not depend on how it was shown.
        with suppress(Exception):
            self._live.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Within this, the table is not drawn: a question may be asked, or another table be shown."""
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()
