"""EFFECT: the controller's record of a run: `RUN/events.jsonl` under the runs folder, a line an event."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lockstitch.errors import CheckError

_SYNCED = frozenset({"run", "begin", "end", "gate", "outcome"})


def now() -> str:
    """The present moment in UTC as journals write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Journal:
    """Appends events to one run's file; what begins or ends a step is on the disk before the call returns."""

    def __init__(self, directory: Path, run: str) -> None:
        self.path = directory / run / "events.jsonl"
        with self._told():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab", buffering=0)
            os.chmod(self.path, 0o640)
        self._lock = threading.Lock()

    def write(self, event: str, **fields: Any) -> None:
        """One line: the event's name, the time, and its fields. Raises CheckError where it cannot be written; then
        nothing of it is in the file."""
        line = json.dumps({"event": event, "at": now(), **fields}, ensure_ascii=False, default=str) + "\n"
        with self._lock, self._told():
            left, before = memoryview(line.encode("utf-8", "replace")), os.fstat(self._file.fileno()).st_size
            try:
                while left:
                    left = left[self._file.write(left) or 0 :]
                if event in _SYNCED:
                    os.fsync(self._file.fileno())
            except OSError:
                with suppress(OSError):
                    os.ftruncate(self._file.fileno(), before)
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            said = f"the record of this run cannot be written on this machine: {(error.strerror or str(error)).lower()}"
            disk = next((place for place in self.path.parents if place.is_mount()), self.path.parent)
            hint = "see here with df -h and ls -ld; `runs` under `lockstitch` in fabric.yaml moves it"
            raise CheckError(f"{said}: {self.path} (the file system is that of {disk})", hint=hint) from error

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def note(path: Path, **fields: Any) -> None:
    """Add one line to a file that several may write to at once: of what is done without a run of its own. Raises
    OSError where it could not be written as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"at": now(), **fields}, ensure_ascii=False, default=str) + "\n"
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
    with open(descriptor, "rb+", buffering=0) as file:
        # What a full disk or a power loss has cut off does not spoil this line.
        size = os.fstat(descriptor).st_size
        whole = not size or os.pread(descriptor, 1, size - 1) == b"\n"
        left = memoryview(("" if whole else "\n").encode() + line.encode("utf-8", "replace"))
        while left:
            left = left[file.write(left) or 0 :]


def records(path: Path) -> tuple[list[Mapping[str, Any]], int]:
    """The whole lines of a file of events or notes, and how many others there are. Raises OSError."""
    found: list[Mapping[str, Any]] = []
    damaged = 0
    for line in path.read_bytes().replace(b"\0", b"\n").split(b"\n"):
        try:
            found += [json.loads(line)] if line.strip() else []
        except (ValueError, RecursionError):
            damaged += 1
    return found, damaged
