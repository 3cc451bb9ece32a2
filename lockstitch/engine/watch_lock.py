"""EFFECT: the lock of a watch: one process watches a run, and a watch that was killed holds none."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lockstitch.concurrency import sleep
from lockstitch.errors import CheckError, LockHeldError

_NAME = "watch.lock"
# Who asks for the watcher of a run holds its lock for a moment: so many seconds are longer than that.
_MOMENT = 1.0


@contextmanager
def watching(runs: Path, run: str) -> Iterator[None]:
    """Hold the lock of a run's watch. Raises LockHeldError where another process watches it."""
    path = runs / run / _NAME
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    except OSError as error:
        raise CheckError(
            f"the lock of this watch cannot be written: {(error.strerror or '').lower()}: {path}"
        ) from error
    try:
        if not _taken(descriptor):
            raise LockHeldError(
                f"run {run} is watched already, by process {watcher(runs, run) or 'unknown'}",
                hint=f"fab watch.list shows it; fab watch.stop {run} ends it",
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    until = time.monotonic() + _MOMENT
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            sleep(0.02)
        else:
            return True


def watcher(runs: Path, run: str) -> int | None:
    """Return the process that watches a run; None where none does."""
    try:
        descriptor = os.open(runs / run / _NAME, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        path = runs / run / _NAME
        raise CheckError(f"the lock of a watch cannot be read: {(error.strerror or '').lower()}: {path}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        return int(text) if text.isdecimal() else None
    else:
        return None
    finally:
        os.close(descriptor)


def watched_runs(runs: Path) -> list[str]:
    """Return the runs that were ever watched from here, the newest first."""
    return sorted((path.parent.name for path in runs.glob(f"*/{_NAME}")), reverse=True)
