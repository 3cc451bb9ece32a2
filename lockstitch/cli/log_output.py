"""Log lines on stdout: with their host, or as JSON, until nobody reads them any more."""

from __future__ import annotations

import select
from collections.abc import Iterable
from types import TracebackType
from typing import Any, TextIO, cast

from lockstitch.cli.fanout import known_secrets
from lockstitch.cli.output import PrefixedOutput, forget, unwritten
from lockstitch.cli.session import Session
from lockstitch.engine.logs.merge import LogRecord
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.command import mask
from lockstitch.text import json_text


class Screen:
    """A context manager. Called with records it shows them, and says whether anybody still reads."""

    def __init__(self, stream: TextIO, fleet: Fleet, session: Session) -> None:
        self._heard = _Heard(stream)
        self._json = session.json
        self._letters = stream.encoding.lower().replace("-", "") == "utf8"
        self._secrets = known_secrets(session.c.selection)
        # Apps are told apart only where there is more than one.
        self._apps = len(fleet.apps) > 1
        labels = [self._label(host.name, app.name) for host, app in fleet.sites()]
        self._prefixed = PrefixedOutput(cast(TextIO, self._heard), dict.fromkeys(labels))

    def __enter__(self) -> Screen:
        self._prefixed.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._prefixed.__exit__(kind, error, at)

    def __call__(self, stream: Iterable[LogRecord]) -> bool:
        try:
            self._show(stream)
        except OSError:
            forget(cast(TextIO, self._heard))
        return not (self._heard.gone or self._heard.closed())

    @property
    def lost(self) -> str:
        """Why not all could be written here; empty where it was, or nobody wanted more."""
        return self._heard.lost

    def _show(self, stream: Iterable[LogRecord]) -> None:
        for entry in stream:
            if self._heard.gone:
                break
            if self._json:
                self._heard.write(json_text(self._data(entry), letters=self._letters) + "\n")
                continue
            label = self._label(entry.origin.host, entry.origin.app)
            for line in entry.record.lines:
                self._prefixed.say(label, mask(line, self._secrets))
        if self._json:
            self._heard.flush()

    def _label(self, host: str, app: str) -> str:
        return f"{host} {app}" if self._apps else host

    def _data(self, entry: LogRecord) -> dict[str, Any]:
        time = entry.record.time
        return {
            "time": time.isoformat() if time else None,
            "host": entry.origin.host,
            "app": entry.origin.app,
            "source": entry.origin.source,
            "lines": [mask(line, self._secrets) for line in entry.record.lines],
        }


class _Heard:
    """A stream that notes that its reader went away, or why it cannot be written to."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.gone, self.lost = False, ""

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._noted(error)
            raise

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._noted(error)
            raise

    def _noted(self, error: OSError) -> None:
        self.gone = True
        if not isinstance(error, BrokenPipeError):
            self.lost = unwritten(error)

    def closed(self) -> bool:
        """Tell whether the reader of a pipe is gone, also where nothing is written to it."""
        poll = select.poll()
        poll.register(self._stream.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
