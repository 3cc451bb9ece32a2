"""The screen of a terminal as a person sees it: a program at a pseudo-terminal, or text, and the rows that it leaves."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyte


class Terminal:
    """A program at a pseudo-terminal of so many columns and rows. Use it as a context manager: it kills the program."""

    def __init__(
        self, words: Sequence[str], folder: Path, env: Mapping[str, str], columns: int = 80, rows: int = 24
    ) -> None:
        self._screen = pyte.HistoryScreen(columns, rows, history=10_000)
        self._stream = pyte.ByteStream(self._screen)
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.chdir(folder)
            os.execve(words[0], list(words), {**env, "TERM": "xterm-256color"})
        self.code: int | None = None

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        os.close(self._master)

    @property
    def rows(self) -> list[str]:
        """The rows of the screen, without empty rows at its end."""
        return rows_of(self._screen)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def until(self, text: str, seconds: float = 60) -> list[str]:
        """Wait until a text is on the screen, and return the rows."""
        end = time.monotonic() + seconds
        while not any(text in row for row in self.rows):
            assert time.monotonic() < end and self._read(end), f"{text!r} was not shown:\n" + "\n".join(self.rows)
        return self.rows

    def finish(self, seconds: float = 60) -> int:
        """Wait for its end, and return the exit code."""
        end = time.monotonic() + seconds
        while self._read(end):
            assert time.monotonic() < end, "\n".join(self.rows)
        _, status = os.waitpid(self.pid, 0)
        self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def _read(self, end: float) -> bool:
        """Read what is there; False at the end of the program."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return False
        self._stream.feed(data)
        return bool(data)


def shown(text: str, columns: int = 80, rows: int = 24) -> list[str]:
    """Return the rows of a screen after a text, with its escape codes, was printed on it."""
    screen = pyte.Screen(columns, rows)
    pyte.Stream(screen).feed(text.replace("\n", "\r\n"))
    return rows_of(screen)


def rows_of(screen: pyte.Screen) -> list[str]:
    lines = [line.rstrip() for line in screen.display]
    while lines and not lines[-1]:
        lines.pop()
    return lines
