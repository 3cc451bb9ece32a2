"""Output of many hosts as it comes: whole lines, each with its host before it; and text that is printed at once."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections import deque
from collections.abc import Iterable
from types import TracebackType
from typing import Any, TextIO

from lockstitch.errors import CheckError
from lockstitch.model.results import Event, StepOutput, lines_of
from lockstitch.text import neutral, oneline

# How long a line may wait for others that are written with it, in seconds; and how many lines do not wait.
_TICK = 0.1
_ENOUGH = 500
# From how many characters on lines are written at once, and the bytes that need no second look.
_MANY = 4096
_PLAIN = bytes([9, 10, *range(32, 127)])
_COLOURS = (36, 33, 35, 32, 34, 31, 96, 93, 95, 92, 94, 91)


# Streams of which nothing arrives any more, and why.
_forgotten: dict[TextIO, OSError] = {}


def tell(text: str, stream: TextIO | None = None) -> None:
    """Print an answer. A reader that went away (`| head`) has what it wanted; what cannot be written is an error."""
    error = untold(text, stream or sys.stdout)
    if error is not None and not isinstance(error, BrokenPipeError):
        raise CheckError(f"the answer could not be written here: {unwritten(error)}") from error


def untold(text: str, stream: TextIO) -> OSError | None:
    """Print a text; why it did not arrive, or None where it did."""
    if stream in _forgotten:
        return _forgotten[stream]
    try:
        print(text, file=stream, flush=True)
    except OSError as error:
        forget(stream)
        _forgotten[stream] = error
        return error
    return None


def aside(text: str) -> None:
    """Say something on stderr, where somebody still reads it: how all of it ends does not depend on that."""
    untold(text, sys.stderr)


def forget(stream: TextIO) -> None:
    """Write no more there: Python flushes it once more when it ends, and would complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class SafeStream:
    """A stream for Rich, which writes from threads of its own: an error there ends nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if self._stream not in _forgotten:
            try:
                return self._stream.write(text)
            except OSError as error:
                self._forget(error)
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._forget(error)

    def _forget(self, error: OSError) -> None:
        forget(self._stream)
        _forgotten[self._stream] = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def unwritten(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


class PrefixedOutput:
    """Only what hosts print. A context manager: at its end everything is written.

    A reader that goes away (`| head`) ends nothing: what is left has nobody to read it. Nor does a full disk, which
    `lost` tells of.
    """

    def __init__(self, stream: TextIO, labels: Iterable[str] = ()) -> None:
        labels = list(labels)
        self._stream, self._width = stream, max([12, *map(len, labels)])
        colours = stream.isatty() and "NO_COLOR" not in os.environ
        self._heads = {
            label: _head(label, self._width, _COLOURS[n % len(_COLOURS)] if colours else 0)
            for n, label in enumerate(labels)
        }
        # Many threads add to it without a lock: waiting for one at every line costs more than all else of a line.
        self._waiting: deque[str] = deque()
        self.lost = ""
        self._lock, self._over = threading.Lock(), threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepOutput):
            self.say(event.host, event.line)

    def say(self, label: str, line: str) -> None:
        """One line of a host."""
        self._add(f"{self._head(label)}{oneline(line)}\n")

    def take_lines(self, host: str, app: str, name: str, text: str) -> None:
        """Whole lines of a host. Many of them are looked at as one, and written at once."""
        data = text.encode()
        # What takes a byte for itself is plain if none of these bytes is left, the rest if all of it is printable.
        if not data.translate(None, _PLAIN).decode().isprintable():
            data = neutral("\n".join([*lines_of(text), ""])).encode()
        # In bytes it takes half the time, with the copies there and back.
        head = self._head(host).encode()
        self._add(b"".join((head, data[:-1].replace(b"\n", b"\n" + head), b"\n")).decode())

    def _add(self, text: str) -> None:
        self._waiting.append(text)
        waiting = len(self._waiting) if len(text) < _MANY else 4 * _ENOUGH
        # Whoever is far ahead of the writing waits for it: what is not written yet takes memory.
        if waiting >= _ENOUGH and self._lock.acquire(blocking=waiting >= 4 * _ENOUGH):
            try:
                self._write()
            finally:
                self._lock.release()

    def _head(self, label: str) -> str:
        return self._heads.get(label) or _head(label, self._width, 0)

    def __enter__(self) -> PrefixedOutput:
        self._ticker.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._ticker.join()
        with self._lock:
            self._write()

    def _tick(self) -> None:
        while not self._over.wait(_TICK):
            with self._lock:
                self._write()

    def _write(self) -> None:
        text = "".join([self._waiting.popleft() for _ in range(len(self._waiting))])
        if not text:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                self.lost = unwritten(error)
            forget(self._stream)


class OutputDigest:
    """An observer that shows nothing: it keeps a checksum and the length of each host's output."""

    def __init__(self) -> None:
        self._sums: dict[str, hashlib._Hash] = {}
        self.sizes: dict[str, int] = {}

    def __call__(self, event: Event) -> None:
        # Of one host all come from one thread.
        if isinstance(event, StepOutput):
            self._sums.setdefault(event.host, hashlib.sha256()).update(event.line.encode("utf-8", "replace") + b"\n")
            self.sizes[event.host] = self.sizes.get(event.host, 0) + len(event.line) + 1

    def take_lines(self, host: str, app: str, name: str, text: str) -> None:
        """Many lines of a host."""
        if "\r" in text:
            text = "".join(f"{line}\n" for line in lines_of(text))
        self._sums.setdefault(host, hashlib.sha256()).update(text.encode("utf-8", "replace"))
        self.sizes[host] = self.sizes.get(host, 0) + len(text)

    @property
    def sums(self) -> dict[str, str]:
        return {label: digest.hexdigest() for label, digest in self._sums.items()}


def _head(label: str, width: int, colour: int) -> str:
    head = f"{label:<{width}} | "
    return f"\x1b[{colour}m{head}\x1b[0m" if colour else head
