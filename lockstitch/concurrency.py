"""EFFECT: several things at once; a signal is heard where they are waited for, and nowhere else.

A KeyboardInterrupt that is raised within `concurrent.futures.wait`, or while a thread is being started, can leave a
lock of theirs taken, and then whoever works waits for it for ever. So the handler of `lockstitch.cli` raises nothing
while somebody listens here: it tells them.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

MOST = 64
# Seconds. A signal that comes just before the main thread sleeps, or to another thread, does not wake it.
SIGNAL_TICK = 0.25
_INTERRUPT = object()
# Those who are told in the main thread, where Python runs its signal handlers; the innermost last.
_ears: list[InterruptListener | _Held] = []
T = TypeVar("T")
R = TypeVar("R")


def interrupt() -> None:
    """Interrupt: tell whoever listens or holds, or raise KeyboardInterrupt where nobody does."""
    if not _ears:
        raise KeyboardInterrupt
    _ears[-1].tell()


class _Held:
    """An interrupt that waits for whoever listens next."""

    def __init__(self) -> None:
        self.waits = False

    def tell(self) -> None:
        self.waits = True


class InterruptListener:
    """Hears that work is done, and that somebody interrupts. Its queue may be written to by a signal handler."""

    def __init__(self) -> None:
        self.news: SimpleQueue[object] = SimpleQueue()

    def tell(self) -> None:
        """Take an interrupt; also from a signal handler."""
        self.news.put(_INTERRUPT)

    def wait(
        self, futures: Iterable[Future[Any]], interrupted: Callable[[], None] | None = None, patience: int = 0
    ) -> None:
        """Wait until all are done. An interrupt calls `interrupted` and is raised once they have ended; where nothing
        is to be called, it is raised at once. As many interrupts as `patience` says are waited out and forgotten.
        """
        futures, raising = list(futures), False
        for future in futures:
            future.add_done_callback(self.news.put)
        running = len(futures)
        while running:
            if self._next() is not _INTERRUPT:
                running -= 1
            elif patience:
                patience -= 1
            else:
                raising = True
                if interrupted is None:
                    break
                interrupted()
        if raising:
            raise KeyboardInterrupt

    def rest(self, seconds: float) -> None:
        """Wait so long; an interrupt ends it."""
        if self._next(seconds) is _INTERRUPT:
            raise KeyboardInterrupt

    def _next(self, seconds: float = math.inf) -> object:
        """Return what comes next; None where nothing comes for so long."""
        until = time.monotonic() + seconds
        while True:
            remaining = until - time.monotonic()
            try:
                return self.news.get(timeout=max(0.0, min(SIGNAL_TICK, remaining)))
            except Empty:
                if remaining <= SIGNAL_TICK:
                    return None

    def raise_unheard(self) -> None:
        """Raise what came when nothing was waited for any more."""
        while not self.news.empty():
            if self.news.get() is _INTERRUPT:
                raise KeyboardInterrupt


@contextmanager
def listening() -> Iterator[InterruptListener]:
    """Within this, interrupts are told to the listener; one that it has not heard is raised at the end."""
    ear = InterruptListener()
    with _receiving(ear):
        yield ear
    ear.raise_unheard()


@contextmanager
def holding_interrupts() -> Iterator[None]:
    """Within this, an interrupt is raised by what listens next, or at the end.

    Elsewhere it is raised wherever Python just is, and Python ignores what is raised in a finalizer or in the callback
    of a weak reference.
    """
    held = _Held()
    with _receiving(held):
        yield
    if held.waits:
        raise KeyboardInterrupt


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Within this, an interrupt reaches only what listens by itself, such as a program that is waited for."""
    with _receiving(InterruptListener(), what_waits=False):
        yield


@contextmanager
def _receiving(receiver: InterruptListener | _Held, *, what_waits: bool = True) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    around = _ears[-1] if _ears else None
    _ears.append(receiver)
    try:
        if what_waits and isinstance(around, _Held) and around.waits:
            around.waits = False
            receiver.tell()
        yield
    finally:
        _ears.pop()


def run_parallel(
    do: Callable[[T], R],
    items: Iterable[T],
    interrupted: Callable[[], None] = lambda: None,
    *,
    most: int = MOST,
    patience: int = 0,
) -> list[R]:
    """Do something with every item, at most so many at once; what it returned, in their order.

    All of them end before this returns or raises. What `do` raises first (by the order of the items) is raised;
    `interrupted` and `patience` are those of `InterruptListener.wait`, and nothing begins after an interrupt.
    """
    items = list(items)
    if not items:
        return []
    with listening() as ear, ThreadPoolExecutor(max_workers=min(most, len(items))) as pool:
        futures = [pool.submit(do, item) for item in items]

        def stop() -> None:
            for future in futures:
                future.cancel()
            interrupted()

        ear.wait(futures, stop, patience)
        return [future.result() for future in futures]


def run_in_thread(do: Callable[[], R], interrupted: Callable[[], None] = lambda: None) -> R:
    """Do one thing on a thread of its own, so that an interrupt does not tear it."""
    return run_parallel(lambda _: do(), [None], interrupted)[0]


def in_background(do: Callable[[], T]) -> Future[T]:
    """Start something on a thread of its own that never keeps the process from ending."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(do())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future


def sleep(seconds: float) -> None:
    """Wait so long; an interrupt ends it with KeyboardInterrupt."""
    with listening() as ear:
        ear.rest(seconds)
