"""EFFECT: the record of a run of a runbook: `RUN/events.jsonl` under the runs folder, and the lock of who carries it out.

Each event is on the disk before what it announces begins. Several processes may add events at the same time; one at a
time carries the runbook out, and so do the commands that it has started, which keep the lock as long as they run.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from time import sleep
from typing import Any

from lockstitch.engine.journal import now, records
from lockstitch.errors import CheckError, LockHeldError
from lockstitch.runbooks.state import RunbookRun, runbook_run

_LOCK = "runbook.lock"
_BEGINS = "runbooks.lock"
_RECORD, _DRAFT = "events.jsonl", ".events.jsonl"
# `owner` holds the lock for an instant: how often it is tried, and the seconds between two tries.
_TRIES, _PAUSE = 5, 0.05


class RunbookRecord:
    """The record of one run, to which a `dry` one adds nothing. Whatever is wrong with its files raises CheckError."""

    def __init__(self, runs: Path, run: str, *, dry: bool = False) -> None:
        self.run, self.folder, self._dry = run, runs / run, dry
        self.path, self._lock = self.folder / _RECORD, self.folder / _LOCK
        # The descriptor that holds the lock, which commands inherit.
        self.held: int | None = None

    def read(self) -> RunbookRun:
        """Return the state of the run. A record that is damaged is none."""
        try:
            events, damaged = records(self.path)
            # The line that a power loss has cut off announced nothing that has begun.
            cut = bool(self.path.read_bytes().rpartition(b"\n")[2].strip(b"\0"))
        except OSError as error:
            raise CheckError(
                f"the record of runbook run {self.run} cannot be read: {_said(error)}: {self.path}"
            ) from error
        if cut and not damaged:
            # It lacks nothing but its end, and the next line takes its place.
            del events[-1]
        elif damaged > cut:
            raise CheckError(f"the record of runbook run {self.run} is damaged: {damaged - cut} lines: {self.path}")
        try:
            return runbook_run(events)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise CheckError(f"the record of runbook run {self.run} is damaged: {error}: {self.path}") from error

    def add(self, event: str, **fields: Any) -> None:
        """Append an event; it is on the disk when this returns."""
        if self._dry:
            return
        line = json.dumps({"event": event, "at": now(), **fields}, ensure_ascii=False, default=str) + "\n"
        data = line.encode("utf-8", "replace")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # A record is there with its first line or not at all: one that is empty has lost what it had.
            place = self.path if self.path.exists() else self.folder / _DRAFT
            descriptor = os.open(place, os.O_RDWR | os.O_CREAT, 0o640)
            with open(descriptor, "rb+", buffering=0) as file:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                end = _whole_lines(file.read())
                os.ftruncate(descriptor, end)
                try:
                    while data:
                        written = os.pwrite(descriptor, data, os.fstat(descriptor).st_size)
                        data = data[written:]
                    os.fsync(descriptor)
                except OSError:
                    os.ftruncate(descriptor, end)
                    raise
            if place != self.path:
                place.rename(self.path)
        except OSError as error:
            raise CheckError(f"the record of this runbook cannot be written: {_said(error)}: {self.path}") from error

    @contextmanager
    def carried_out(self) -> Iterator[None]:
        """Hold the lock of who carries it out. Raises LockHeldError where another process, or a command that it has
        started, does."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o640)
        except OSError as error:
            raise CheckError(f"the lock of this runbook cannot be written: {_said(error)}: {self._lock}") from error
        try:
            try:
                _lock_soon(descriptor)
            except BlockingIOError:
                raise LockHeldError(
                    f"runbook run {self.run} is being carried out, by {self._owner(descriptor)}",
                    hint="wait for its end; fab -H ENV runbook.status shows where it is",
                ) from None
            try:
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            except OSError as error:
                raise CheckError(f"the lock of this runbook cannot be written: {_said(error)}: {self._lock}") from error
            self.held = descriptor
            yield
        finally:
            self.held = None
            os.close(descriptor)

    def owner(self) -> str:
        """Return who carries it out, in words; empty where nobody does."""
        try:
            descriptor = os.open(self._lock, os.O_RDONLY)
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise CheckError(f"the lock of a runbook cannot be read: {_said(error)}: {self._lock}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._owner(descriptor)
        else:
            return ""
        finally:
            os.close(descriptor)

    def _owner(self, descriptor: int) -> str:
        text = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        if not text.isdecimal():
            return "another process"
        alive = Path(f"/proc/{text}").exists() or not Path("/proc/self").exists()
        return f"process {text}" if alive else f"a command that process {text} had started before it was killed"


def _lock_soon(descriptor: int) -> None:
    """Take the lock. Raises BlockingIOError where it is held for longer than somebody looks who has it."""
    for tries in reversed(range(_TRIES)):
        with suppress(BlockingIOError) if tries else nullcontext():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        sleep(_PAUSE)


@contextmanager
def one_begins(runs: Path) -> Iterator[None]:
    """Hold the lock of who begins a runbook, from the look at which have not ended until its record has a line."""
    path = runs.parent / _BEGINS
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    except OSError as error:
        raise CheckError(f"the lock of runbooks cannot be written: {_said(error)}: {path}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def runbook_runs(runs: Path) -> list[str]:
    """Return the runs of runbooks that this machine has a record of, the newest first. One that was killed before its
    first line has begun nothing."""
    try:
        # A glob leaves out what it cannot read.
        files = (_LOCK, _RECORD)
        return sorted((r for r in os.listdir(runs) if all((runs / r / name).exists() for name in files)), reverse=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CheckError(f"the records of runs cannot be read: {_said(error)}: {error.filename}") from error


def command_events(runs: Path, run: str) -> list[Mapping[str, Any]] | None:
    """Return the events of the run that a command was; None where it has made no record."""
    path = runs / run / _RECORD
    try:
        events, _ = records(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CheckError(f"the record of run {run} cannot be read: {_said(error)}: {path}") from error
    return [event for event in events if isinstance(event, dict)]


def _whole_lines(data: bytes) -> int:
    """Return the size of the whole lines of a record: what follows was cut off while it was written."""
    return data.rfind(b"\n") + 1


def _said(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
