"""A file of a host, opened over SFTP; and whatever goes wrong with it, in words."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, BinaryIO

from paramiko import SFTPAttributes, SFTPError
from paramiko.sftp import (
    CMD_CLOSE,
    CMD_FSETSTAT,
    CMD_OPEN,
    CMD_READ,
    SFTP_EOF,
    SFTP_FLAG_CREATE,
    SFTP_FLAG_READ,
    SFTP_FLAG_TRUNC,
    SFTP_FLAG_WRITE,
    SFTP_NO_SUCH_FILE,
    SFTP_PERMISSION_DENIED,
    int64,
)

from lockstitch.errors import HostError, HostLostError
from lockstitch.remote import FileError, FileMode, InterruptedRunError
from lockstitch.remote.ssh.cancellation import CancelScope, GivenUpError
from lockstitch.remote.ssh.channels import ChannelPool
from lockstitch.remote.ssh.sftp import CHUNK, PATIENCE, SaidNoError, SftpSession
from lockstitch.remote.ssh.shell import BROKEN, NotSentError

# How many requests are under way at once, and of writes how many bytes.
AT_ONCE = 64
WRITE_AHEAD = AT_ONCE * CHUNK
# What one answer is asked to hold, and how many of them; a server that answers less is asked for less.
READ_CHUNK, READ_AT_ONCE = 128 * 1024, 16
SMALLEST = 4 * 1024
# Turns what a request raises into words for a person.
ErrorContext = Callable[[], AbstractContextManager[None]]


class RemoteReader(io.RawIOBase):
    """A file that is read from `start` on: requests ahead of the reader, in the order of the file."""

    def __init__(self, requests: SftpSession, path: str, errors: ErrorContext, start: int = 0) -> None:
        self._requests, self._errors = requests, errors
        self._asked: deque[tuple[int, int]] = deque()
        self._at, self._size, self._window = start, READ_CHUNK, 1
        self._left, self._ended = b"", False
        self._handle = _open(requests, path, errors, SFTP_FLAG_READ, SFTPAttributes())

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left and not self._ended:
            with self._errors():
                self._left = self._next()
            self._ended = not self._left
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size

    def let_go(self) -> None:
        """End the reading; answers on their way are passed over."""
        for number, _ in self._asked:
            self._requests.forget(number)
        with self._errors():
            self._requests.forget(self._requests.send(CMD_CLOSE, self._handle))

    def _next(self) -> bytes:
        """Return the next bytes. The window grows, so that a small file is not asked for sixty times."""
        while len(self._asked) < self._window:
            number = self._requests.send(CMD_READ, self._handle, int64(self._at), self._size)
            self._asked.append((number, self._at))
            self._at += self._size
        self._window = min(AT_ONCE, READ_AT_ONCE * READ_CHUNK // self._size, self._window * 2)
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


class RemoteWriter(io.RawIOBase):
    """A file that is written from `start` on: an answer is looked at when many are owed, and at the end all of them."""

    def __init__(self, requests: SftpSession, path: str, errors: ErrorContext, start: int = 0) -> None:
        self._requests, self._errors, self._at = requests, errors, start
        mine = SFTPAttributes()
        mine.st_mode = 0o600
        flags = SFTP_FLAG_WRITE | SFTP_FLAG_CREATE | (0 if start else SFTP_FLAG_TRUNC)
        self._handle = _open(requests, path, errors, flags, mine)
        with errors():
            self._size = requests.write_size()
        if start:
            mine.st_size = start
        # A file that was there keeps the mode it had, and with a start also what is behind it.
        self._owed = deque([requests.send(CMD_FSETSTAT, self._handle, mine)])
        if start:
            with errors():
                self._wait_until_owed(0)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        chunk = memoryview(data)[: self._size]
        with self._errors():
            self._wait_until_owed(WRITE_AHEAD // self._size - 1)
            self._owed.append(self._requests.write(self._handle, self._at, chunk))
        self._at += len(chunk)
        return len(chunk)

    def finish(self) -> None:
        """Everything is written, and the file is closed on the host."""
        with self._errors():
            self._wait_until_owed(0)
            self._requests.answer(self._requests.send(CMD_CLOSE, self._handle))

    def _wait_until_owed(self, most: int) -> None:
        while len(self._owed) > most:
            self._requests.answer(self._owed.popleft())


def _open(requests: SftpSession, path: str, errors: ErrorContext, flags: int, attributes: SFTPAttributes) -> bytes:
    with errors():
        number = requests.send(CMD_OPEN, path.encode("utf-8", "surrogateescape"), flags, attributes)
        return requests.answer(number).get_binary()


_DOING = {"rb": "read", "wb": "written"}


@contextmanager
def opened(
    requests: SftpSession, line: ChannelPool, round_: CancelScope, path: str, mode: FileMode, start: int = 0
) -> Iterator[BinaryIO]:
    """A file on an SFTP session, which waits for the next one if all goes well. An interruption ends it.

    Raises NotSentError where a session that had waited has died meanwhile.
    """
    words = _Words(line, round_, path, mode)
    try:
        with round_.closing(requests):
            stream = _stream(requests, words, start)
            with stream:
                yield from _read(stream) if isinstance(stream, RemoteReader) else _written(stream)
        requests.used = True
        line.park(requests)
    except GivenUpError as error:
        requests.close()
        raise words.interrupted() from error
    except BaseException:
        requests.close()
        raise


def _stream(requests: SftpSession, words: _Words, start: int) -> RemoteReader | RemoteWriter:
    try:
        return (RemoteReader if words.mode == "rb" else RemoteWriter)(requests, words.path, words.in_words, start)
    except HostLostError as error:
        if not requests.used or isinstance(error, InterruptedRunError) or words.frozen:
            raise
        raise NotSentError(str(error)) from error


def _read(reading: RemoteReader) -> Iterator[BinaryIO]:
    with io.BufferedReader(reading, 2 * READ_CHUNK) as file:
        yield file
        reading.let_go()


def _written(writing: RemoteWriter) -> Iterator[BinaryIO]:
    file = io.BufferedWriter(writing, CHUNK)
    yield file
    # Only where all went well: what is left of a file that was given up is not worth sending.
    if not file.closed:
        file.flush()
    writing.finish()


class _Words:
    """Errors with one file, in words for a person."""

    def __init__(self, line: ChannelPool, round_: CancelScope, path: str, mode: FileMode) -> None:
        self.path, self.mode = path, mode
        self._line, self._round, self._hop = line, round_, line.connection.hop

    @property
    def frozen(self) -> bool:
        return self._line.frozen

    @contextmanager
    def in_words(self) -> Iterator[None]:
        """Turn what an SFTP request raises into a HostError."""
        try:
            yield
        except SaidNoError as error:
            raise self._refused(error) from error
        except (*BROKEN, SFTPError) as error:
            raise self._lost(error) from error

    def interrupted(self) -> InterruptedRunError:
        return InterruptedRunError(self._hop.name, f"interrupted while {self.path} was being {_DOING[self.mode]}")

    def _refused(self, error: SaidNoError) -> FileError:
        host, path, cannot = self._hop.name, self.path, f"{self.path} cannot be {_DOING[self.mode]}"
        if error.code == SFTP_NO_SUCH_FILE:
            said = f"there is no {path}" if self.mode == "rb" else f"{cannot}: its folder does not exist"
            return FileError(host, said, missing=True)
        if error.code == SFTP_PERMISSION_DENIED:
            return FileError(host, f"{cannot}: {self._hop.user} is denied it", hint="see there with: ls -ld")
        hint = "see there with: df -h" if self.mode == "wb" else ""
        return FileError(host, f"{cannot}: {str(error).lower() or 'failure'}", hint=hint)

    def _lost(self, error: Exception) -> HostError:
        host, while_ = self._hop.name, f"while {self.path} was being {_DOING[self.mode]}"
        if self._round.stopped.is_set():
            return self.interrupted()
        if isinstance(error, TimeoutError):
            hint = "is a disk or a mount of the host stuck?"
            return HostLostError(host, f"no answer for {PATIENCE:g} s {while_}", hint=hint)
        self._line.wait_until_known_dead()
        died = "its SFTP server ended" if self._line.alive else self._line.died_of
        return HostLostError(host, f"{died} {while_}")
