"""What is being opened: an interruption gives all of it up at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from lockstitch.remote.ssh.sockets import GivenUpError


class Closes(Protocol):
    """Something that can be closed from any thread."""

    def close(self) -> None: ...


class Round:
    """What goes on until somebody interrupts: then it is told to stop, and what it opened is closed."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._open: list[Closes] = []
        self._lock = threading.Lock()

    @contextmanager
    def closing(self, thing: Closes) -> Iterator[None]:
        """While this lasts, an interruption closes the thing."""
        with self._lock:
            self._open.append(thing)
        try:
            if self.stopped.is_set():
                raise GivenUpError
            yield
        finally:
            with self._lock:
                self._open.remove(thing)

    def stop(self) -> None:
        self.stopped.set()
        with self._lock:
            things = list(self._open)
        for thing in things:
            thing.close()
