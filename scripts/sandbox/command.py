"""A process at the far end of an SSH channel, treated as sshd treats it without a terminal."""

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asyncssh import EXTENDED_DATA_STDERR
from asyncssh.packet import Boolean, String, UInt32

from .pipes import Inlet, Outlet
from .reaper import Reaper

RFC_SIGNALS = {
    f"SIG{name}": name
    for name in (
        *("ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL"),
        *("PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2"),
    )
}


class Command:
    """One process in its own session and group; losing the channel ends its input, never it."""

    def __init__(
        self,
        words: list[str],
        home: Path,
        environment: Mapping[str, str],
        channel: Any,
        reaper: Reaper,
    ) -> None:
        self._channel = channel
        self._exited = self._lost = False
        process = _spawn(words, home, environment)
        assert process.stdin
        assert process.stdout
        assert process.stderr
        self._group = process.pid
        self.stdin = Inlet(process.stdin, self._hold_client, self._release_client)
        self._outputs = [
            Outlet(process.stdout, lambda data: self._deliver(data, None), self._finish),
            Outlet(process.stderr, lambda data: self._deliver(data, EXTENDED_DATA_STDERR), self._finish),
        ]
        self.resume()
        reaper.watch(process, self._ended)

    def signal(self, name: str) -> None:
        """Send a signal, named as in RFC 4254, to the whole process group."""
        if not self._exited and f"SIG{name}" in RFC_SIGNALS:
            os.killpg(self._group, signal.Signals[f"SIG{name}"])

    def pause(self) -> None:
        """Read no more output until the client has taken what it was sent."""
        for output in self._outputs:
            output.pause()

    def resume(self) -> None:
        """Read output whenever there is some."""
        for output in self._outputs:
            output.resume()

    def abandon(self) -> None:
        """Go on without a client: the input ends, and output has nowhere to go."""
        self._lost = True
        self.stdin.end()
        for output in self._outputs:
            output.close()

    def _hold_client(self) -> None:
        if not self._lost:
            self._channel.pause_reading()

    def _release_client(self) -> None:
        if not self._lost:
            self._channel.resume_reading()

    def _deliver(self, data: bytes, datatype: int | None) -> None:
        if self._channel.is_closing():
            self.abandon()
        else:
            self._channel.write(data, datatype)

    def _ended(self, code: int) -> None:
        self._exited = True
        self.stdin.discard()
        if not self._lost:
            # At once, as sshd does: a daemon may hold the outputs for long. The channel's own
            # exit() would also close it, and cut off the output that is still to come.
            self._channel._send_request(*_status(code))
            self._finish()

    def _finish(self) -> None:
        if self._lost or any(output.open for output in self._outputs):
            return
        if self._exited:
            self._channel.close()
        elif not self._channel.is_closing():
            self._channel.write_eof()


def _spawn(words: list[str], home: Path, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        words,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=home if home.is_dir() else "/",
        env=environment,
        start_new_session=True,
    )


def _status(code: int) -> tuple[bytes, ...]:
    if code >= 0:
        return b"exit-status", UInt32(code)
    name = RFC_SIGNALS.get(signal.Signals(-code).name, "SIG@openssh.com")
    return b"exit-signal", String(name), Boolean(False), String(""), String("")
