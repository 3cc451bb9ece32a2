"""A cancelled CI job or a closed terminal ends a run as Ctrl-C does: it is put back, and the lock is freed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lockstitch.concurrency import interrupt
from lockstitch.remote.terminal import forget_terminal

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interruptible() -> Iterator[None]:
    """Within this, the first of these signals interrupts; later ones only where a person insists."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = _Handler()
    # What our parent had ignored (nohup, a shell's background job) stays so.
    before = {number: signal.getsignal(number) for number in SIGNALS}
    taken = [number for number, was in before.items() if was not in (signal.SIG_IGN, None)]
    for number in taken:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])


@contextmanager
def too_late() -> Iterator[None]:
    """Within this, no signal is heard: all is done, and only told."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [(number, signal.signal(number, signal.SIG_IGN)) for number in SIGNALS]
    try:
        yield
    finally:
        for number, was in before:
            signal.signal(number, was)


class _Handler:
    def __init__(self) -> None:
        self._told = False
        self._terminals = [descriptor for descriptor in (1, 2) if os.isatty(descriptor)]

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            forget_terminal(self._terminals)
        if not self._told or number == signal.SIGINT:
            self._told = True
            interrupt()
