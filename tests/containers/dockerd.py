"""One dockerd of ours: started in a session of its own, waited for by the message it sends, ended by its pid."""

from __future__ import annotations

import os
import select
import signal
import socket
import tempfile
from dataclasses import dataclass

from tests.containers.install import EngineError
from tests.containers.local import STATE, start_ticks

LOG = STATE / "dockerd.log"
START_SECONDS, STOP_SECONDS = 60.0, 30.0


@dataclass(frozen=True)
class Daemon:
    """A dockerd started here, known by its pid and the moment it began, so that no other process is taken for it."""

    pid: int
    start_ticks: int


def spawn(dockerd: str) -> Daemon:
    """Start dockerd and wait for the readiness message that it sends as a systemd service."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        ready.bind(f"{folder}/notify")
        pid = os.posix_spawn(
            dockerd,
            [dockerd],
            {**os.environ, "NOTIFY_SOCKET": f"{folder}/notify"},
            setsid=True,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(LOG), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
        daemon = Daemon(pid, start_ticks(pid) or 0)
        try:
            _wait_ready(pid, ready)
        except EngineError:
            end(daemon)
            raise
    return daemon


def end(daemon: Daemon) -> bool:
    """End a daemon and wait until it is gone; False when it is gone already."""
    if start_ticks(daemon.pid) != daemon.start_ticks:
        return False
    handle = os.pidfd_open(daemon.pid)
    try:
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        if not select.select([handle], [], [], STOP_SECONDS)[0]:
            raise EngineError(f"dockerd {daemon.pid} did not stop within {STOP_SECONDS:.0f} s")
    finally:
        os.close(handle)
    return True


def _wait_ready(pid: int, ready: socket.socket) -> None:
    ended = os.pidfd_open(pid)
    watched: list[socket.socket | int] = [ready, ended]
    try:
        while True:
            events, _, _ = select.select(watched, [], [], START_SECONDS)
            if ended in events or not events:
                tail = LOG.read_text(errors="replace")[-800:]
                raise EngineError(f"dockerd {'ended' if events else 'is not ready'}; the end of {LOG}:\n{tail}")
            if b"READY=1" in ready.recv(4096):
                return
    finally:
        os.close(ended)
