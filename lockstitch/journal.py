"""EFFECT: the controller's record of a run: `RUN/events.jsonl` under the runs folder, a line an event."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_SYNCED = frozenset({"run", "begin", "end", "gate", "outcome"})


def now() -> str:
    """The present moment in UTC as journals write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Journal:
    """Appends events to one run's file; what begins or ends a step is on the disk before the call returns."""

    def __init__(self, directory: Path, run: str) -> None:
        self.path = directory / run / "events.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("ab", buffering=0)
        os.chmod(self.path, 0o640)
        self._lock = threading.Lock()

    def write(self, event: str, **fields: Any) -> None:
        """One line: the event's name, the time, and its fields."""
        line = json.dumps({"event": event, "at": now(), **fields}, ensure_ascii=False, default=str) + "\n"
        with self._lock:
            self._file.write(line.encode("utf-8", "replace"))
            if event in _SYNCED:
                os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def note(path: Path, **fields: Any) -> None:
    """Add one line to a file that several may write to at once: of what is done without a run of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"at": now(), **fields}, ensure_ascii=False, default=str) + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    with open(descriptor, "ab", buffering=0) as file:
        file.write(line.encode("utf-8", "replace"))


def notes(path: Path) -> Iterator[Mapping[str, Any]]:
    """The lines that `note` has added; one that a full disk has cut off is passed over."""
    with path.open("rb") as file:
        for line in file:
            with suppress(ValueError):
                yield json.loads(line)


def read(path: Path) -> Iterator[Mapping[str, Any]]:
    """The events of a run's file; a last line that was cut off is left out."""
    with path.open("rb") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:
                return
