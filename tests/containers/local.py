"""What test sessions on this machine share: one state folder, locks, and a way to know each other's processes."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

STATE = Path.home() / ".cache" / "lockstitch-tests"


@contextlib.contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Let one test session at a time do what `name` stands for: sessions share the engine and its images."""
    STATE.mkdir(parents=True, exist_ok=True)
    with open(STATE / f"{name}.lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def start_ticks(pid: int) -> int | None:
    """The moment a local process began, in clock ticks since boot, or None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[19])
