"""Ports of 127.0.0.1 for servers of tests, which several processes and threads choose at the same time."""

from __future__ import annotations

import fcntl
import random
import socket
import threading
from pathlib import Path

# Below the ports that outgoing connections take, so that a port stays ours until its server listens, and between a stop
# and a start.
PORTS = range(28000, 32000)
# Each process locks the byte of its port: one open file for all, and the locks go with the process.
LOCKS = Path.home() / ".cache" / "lockstitch-tests" / "ports"


class _Ports:
    """The ports that this process has."""

    def __init__(self) -> None:
        LOCKS.parent.mkdir(parents=True, exist_ok=True)
        self._locks = LOCKS.open("a")
        self._taken: set[int] = set()
        self._one_at_a_time = threading.Lock()

    def take(self) -> int:
        with self._one_at_a_time:
            for port in random.sample(PORTS, len(PORTS)):
                if port not in self._taken and self._is_free(port):
                    self._taken.add(port)
                    return port
        raise AssertionError(f"no port of {PORTS} is free")

    def _is_free(self, port: int) -> bool:
        try:
            fcntl.lockf(self._locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


_ports = _Ports()


def free_port() -> int:
    """A port that nobody listens on and that no other test is given until this process ends."""
    return _ports.take()
