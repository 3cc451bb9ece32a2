"""What is read and written over an SFTP session: some requests are always under way, and never many."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from paramiko import SFTPAttributes
from paramiko.sftp import (
    CMD_CLOSE,
    CMD_FSETSTAT,
    CMD_OPEN,
    CMD_READ,
    CMD_WRITE,
    SFTP_EOF,
    SFTP_FLAG_CREATE,
    SFTP_FLAG_READ,
    SFTP_FLAG_TRUNC,
    SFTP_FLAG_WRITE,
    int64,
)

from lockstitch.remote.ssh.sftp import Requests, SaidNoError

AT_ONCE = 64
# What every server takes in one request; one that answers less than that is asked for less.
CHUNK = 32 * 1024
SMALLEST = 4 * 1024
# Turns what a request raises into words for a person.
Telling = Callable[[], AbstractContextManager[None]]


class Reading(io.RawIOBase):
    """A file that is read from `start` on: requests ahead of the reader, in the order of the file."""

    def __init__(self, requests: Requests, path: str, told: Telling, start: int = 0) -> None:
        self._requests, self._told = requests, told
        self._asked: deque[tuple[int, int]] = deque()
        self._at, self._size, self._window = start, CHUNK, 1
        self._left, self._ended = b"", False
        self._handle = _open(requests, path, told, SFTP_FLAG_READ, SFTPAttributes())

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left and not self._ended:
            with self._told():
                self._left = self._next()
            self._ended = not self._left
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size

    def let_go(self) -> None:
        """Nothing more is read; what is on its way is passed over."""
        for number, _ in self._asked:
            self._requests.forget(number)
        with self._told():
            self._requests.forget(self._requests.send(CMD_CLOSE, self._handle))

    def _next(self) -> bytes:
        """What comes next. The window grows, so that a small file is not asked for sixty times."""
        while len(self._asked) < self._window:
            number = self._requests.send(CMD_READ, self._handle, int64(self._at), self._size)
            self._asked.append((number, self._at))
            self._at += self._size
        self._window = min(AT_ONCE, self._window * 2)
        number, at = self._asked.popleft()
        data = self._answer(number)
        if 0 < len(data) < self._size:
            # The end, or a server that gives less at a time: go on right behind it.
            while self._asked:
                self._answer(self._asked.popleft()[0])
            self._at, self._size = at + len(data), max(SMALLEST, len(data))
        return data

    def _answer(self, number: int) -> bytes:
        try:
            return self._requests.answer(number).get_binary()
        except SaidNoError as error:
            if error.code == SFTP_EOF:
                return b""
            raise


class Writing(io.RawIOBase):
    """A file that is written from `start` on: an answer is looked at when many are owed, and at the end all of them."""

    def __init__(self, requests: Requests, path: str, told: Telling, start: int = 0) -> None:
        self._requests, self._told, self._at = requests, told, start
        mine = SFTPAttributes()
        mine.st_mode = 0o600
        flags = SFTP_FLAG_WRITE | SFTP_FLAG_CREATE | (0 if start else SFTP_FLAG_TRUNC)
        self._handle = _open(requests, path, told, flags, mine)
        if start:
            mine.st_size = start
        # A file that was there keeps the mode it had, and with a start also what is behind it.
        self._owed = deque([requests.send(CMD_FSETSTAT, self._handle, mine)])
        if start:
            with told():
                self._wait_until_owed(0)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        chunk = bytes(data[:CHUNK])
        with self._told():
            self._wait_until_owed(AT_ONCE - 1)
            self._owed.append(self._requests.send(CMD_WRITE, self._handle, int64(self._at), chunk))
        self._at += len(chunk)
        return len(chunk)

    def finish(self) -> None:
        """Everything is written, and the file is closed on the host."""
        with self._told():
            self._wait_until_owed(0)
            self._requests.answer(self._requests.send(CMD_CLOSE, self._handle))

    def _wait_until_owed(self, most: int) -> None:
        while len(self._owed) > most:
            self._requests.answer(self._owed.popleft())


def _open(requests: Requests, path: str, told: Telling, flags: int, attributes: SFTPAttributes) -> bytes:
    with told():
        number = requests.send(CMD_OPEN, path.encode("utf-8", "surrogateescape"), flags, attributes)
        return requests.answer(number).get_binary()
