"""The pipes of one command: bytes move as fast as the slower side, and none is lost or hoarded."""

import asyncio
import os
from collections.abc import Callable
from typing import IO

CHUNK = 64 * 1024


class Outlet:
    """Reads one output of a command and hands it on."""

    def __init__(self, pipe: IO[bytes], deliver: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        os.set_blocking(pipe.fileno(), False)
        self._pipe, self._deliver, self._ended = pipe, deliver, ended
        self._loop = asyncio.get_running_loop()

    @property
    def open(self) -> bool:
        """Whether the command may still say something here."""
        return not self._pipe.closed

    def resume(self) -> None:
        """Read whenever there is something."""
        if self.open:
            self._loop.add_reader(self._pipe, self._read)

    def pause(self) -> None:
        """Let the command wait: nobody takes what it says."""
        if self.open:
            self._loop.remove_reader(self._pipe)

    def close(self) -> None:
        """Let go of the pipe: a command that still writes gets EPIPE."""
        self.pause()
        self._pipe.close()

    def _read(self) -> None:
        try:
            data = os.read(self._pipe.fileno(), CHUNK)
        except BlockingIOError:
            return
        if data:
            self._deliver(data)
        else:
            self.close()
            self._ended()


class Inlet:
    """Writes the input of a command, and holds back its sender while the pipe is full."""

    def __init__(self, pipe: IO[bytes], hold_sender: Callable[[], None], release_sender: Callable[[], None]) -> None:
        os.set_blocking(pipe.fileno(), False)
        self._pipe, self._hold_sender, self._release_sender = pipe, hold_sender, release_sender
        self._loop = asyncio.get_running_loop()
        self._held = bytearray()
        self._ending = self._waiting = False

    def write(self, data: bytes) -> None:
        """Give the command data; what it can no longer take is dropped, as sshd does."""
        if not self._pipe.closed:
            self._held += data
            if not self._waiting:
                self._flush()

    def end(self) -> None:
        """Close the input as soon as the command has taken all of it."""
        self._ending = True
        if not self._held:
            self._close()

    def discard(self) -> None:
        """Close the input now: nobody is left to read it."""
        self._held.clear()
        self._close()

    def _flush(self) -> None:
        try:
            del self._held[: os.write(self._pipe.fileno(), self._held)]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self.discard()
        if self._held:
            self._wait()
        elif self._ending:
            self._close()
        else:
            self._go_on()

    def _wait(self) -> None:
        if not self._waiting:
            self._waiting = True
            self._loop.add_writer(self._pipe, self._flush)
            self._hold_sender()

    def _go_on(self) -> None:
        if self._waiting:
            self._waiting = False
            self._loop.remove_writer(self._pipe)
            self._release_sender()

    def _close(self) -> None:
        if not self._pipe.closed:
            waiting, self._waiting = self._waiting, False
            if waiting:
                self._loop.remove_writer(self._pipe)
            self._pipe.close()
            if waiting:
                self._release_sender()
