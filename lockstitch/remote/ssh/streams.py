"""Reading of sockets and channels in large pieces: a long output costs Paramiko most time in small ones."""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic
from typing import Any

from paramiko.buffered_pipe import BufferedPipe, PipeTimeout

_AHEAD = 64 * 1024


class ReadAheadSocket:
    """A socket that is read in large pieces: Paramiko reads each packet in two, the first of a few bytes."""

    def __init__(self, sock: Any) -> None:
        self._sock, self._heard, self._at = sock, b"", 0
        self.send, self.close = sock.send, sock.close

    def recv(self, size: int) -> bytes:
        """Return up to `size` bytes: of those that were read before, or else that are there now. Raises what the socket
        raises."""
        if self._at == len(self._heard):
            self._heard, self._at = self._sock.recv(_AHEAD), 0
        begin, self._at = self._at, min(self._at + size, len(self._heard))
        return self._heard[begin : self._at]


class PiecesPipe(BufferedPipe):  # type: ignore[type-arg]
    """Bytes that came on a channel and were not read yet, by piece. Paramiko's moves all that stays at each read."""

    _cv: threading.Condition
    _event: threading.Event | None
    _closed: bool

    def __init__(self) -> None:
        super().__init__()
        self._pieces: deque[bytes] = deque()
        # Its length is what the other methods of paramiko's ask.
        self._buffer: Any = self._pieces

    def feed(self, data: bytes) -> None:
        """Add what has come."""
        with self._cv:
            if self._event is not None:
                self._event.set()
            if data:
                self._pieces.append(data)
            self._cv.notify_all()

    def read(self, nbytes: int, timeout: float | None = None) -> bytes:
        """Return up to `nbytes` as soon as there are some; none at the end. Raises PipeTimeout after `timeout`
        seconds."""
        with self._cv:
            self._wait(timeout)
            taken: list[bytes] = []
            while self._pieces and nbytes:
                piece = self._pieces.popleft()
                if len(piece) > nbytes:
                    self._pieces.appendleft(piece[nbytes:])
                    piece = piece[:nbytes]
                taken.append(piece)
                nbytes -= len(piece)
            if self._event is not None and not self._pieces and not self._closed:
                self._event.clear()
        return b"".join(taken)

    def empty(self) -> bytes:
        """Return all there is."""
        with self._cv:
            data = b"".join(self._pieces)
            self._pieces.clear()
            if self._event is not None and not self._closed:
                self._event.clear()
        return data

    def __len__(self) -> int:
        with self._cv:
            return sum(map(len, self._pieces))

    def _wait(self, timeout: float | None) -> None:
        until = None if timeout is None else monotonic() + timeout
        while not self._pieces and not self._closed:
            remaining = None if until is None else until - monotonic()
            if remaining is not None and remaining <= 0:
                raise PipeTimeout
            self._cv.wait(remaining)
