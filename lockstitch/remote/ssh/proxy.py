"""A ProxyCommand as the line to a host. It is run by the person's shell, as OpenSSH runs it, and its end is noticed.

Paramiko's own runs it without a shell, and reads on for ever after it has ended.
"""

from __future__ import annotations

import os
import socket
import subprocess
from concurrent.futures import Future

from lockstitch.concurrency import in_background

_KEPT = 400


class ProxyFailed(Exception):
    """The command ended before it had passed anything on; its last words."""


class ProxySocket(socket.socket):
    """Our end of a pair of sockets; the other one is the command's input and output."""

    process: subprocess.Popen[bytes]
    last_words: Future[str]

    def close(self) -> None:
        """Let go of it; the command is told to end."""
        if self.fileno() >= 0:
            super().close()
            self.process.terminate()

    @property
    def failure(self) -> str:
        """Return how the command ended, if it has: its last line, or its exit code."""
        try:
            return self.last_words.result(0.5)
        except TimeoutError:
            return ""


def by_command(command: str, timeout: float, *, passes_socket: bool) -> socket.socket:
    """The line that a ProxyCommand makes; with `passes_socket` it hands over one that is connected, and ends.

    Raises ProxyFailed.
    """
    ours, theirs = socket.socketpair()
    shell, end = os.environ.get("SHELL") or "/bin/sh", theirs.fileno()
    with theirs:
        try:
            process = subprocess.Popen([shell, "-c", f"exec {command}"], stdin=end, stdout=end, stderr=subprocess.PIPE)
        except OSError as error:
            ours.close()
            raise ProxyFailed(f"{shell}: {error.strerror}") from error
    line = ProxySocket(fileno=ours.detach())
    line.process, line.last_words = process, in_background(lambda: _last_words(process))
    return _passed(line, timeout) if passes_socket else line


def _last_words(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None
    kept = b""
    with process:
        while data := os.read(process.stderr.fileno(), _KEPT):
            kept = (kept + data)[-_KEPT:]
    lines = kept.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"it ended with exit code {process.returncode}"


def _passed(line: ProxySocket, timeout: float) -> socket.socket:
    line.settimeout(timeout)
    try:
        _, descriptors, _, _ = socket.recv_fds(line, 1, 1)
        if not descriptors:
            raise ProxyFailed(line.failure or "it passed no connection on (ProxyUseFdpass)")
        return socket.socket(fileno=descriptors[0])
    finally:
        line.close()
