"""What test sessions on this machine share: one state folder, locks, and a way to know each other's processes."""

from __future__ import annotations

import contextlib
import fcntl
import socket
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


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on, chosen together so that no two are the same."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
