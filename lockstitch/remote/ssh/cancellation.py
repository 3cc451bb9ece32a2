"""Opening of connections that an interruption gives up at once."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Protocol

from lockstitch.concurrency import in_background
from lockstitch.model.host import Limits

STAGGER = 0.25
_TICK = 0.1
_UNDER_WAY = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)


class GivenUpError(Exception):
    """Somebody asked that this be given up."""


def dial(
    hostname: str, port: int, limits: Limits, stopped: threading.Event, family: int = 0, bound_to: str = ""
) -> socket.socket:
    """A connected socket that sends at once and notices a peer that no longer acknowledges.

    `family` is that of socket(7), 0 for any; `bound_to` is the address of ours that it comes from, empty for any.
    """
    until = monotonic() + limits.connect_timeout
    addresses = in_background(lambda: socket.getaddrinfo(hostname, port, family, socket.SOCK_STREAM))
    race = _Race([(info[0], info[4]) for info in addresses.result(limits.connect_timeout)], until, stopped, bound_to)
    try:
        won = race.run()
    finally:
        race.end()
    won.setblocking(True)
    won.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        patience = limits.keepalive_interval + limits.keepalive_timeout
        won.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(patience * 1000))
    return won


class _Race:
    """Connects to the addresses one after another, without waiting long for any: a dead one costs a moment."""

    def __init__(
        self, addresses: list[tuple[int, tuple[object, ...]]], until: float, stopped: threading.Event, bound_to: str
    ) -> None:
        self._left, self._until, self._stopped, self._bound_to = addresses, until, stopped, bound_to
        self._selector = selectors.DefaultSelector()
        self._running: set[socket.socket] = set()
        self._error: OSError = TimeoutError("timed out")

    def run(self) -> socket.socket:
        start = monotonic()
        while self._left or self._running:
            now = monotonic()
            if self._stopped.is_set():
                raise GivenUpError
            if now >= self._until:
                raise TimeoutError("timed out")
            if self._left and (now >= start or not self._running):
                self._begin(*self._left.pop(0))
                start = now + STAGGER
            if (won := self._winner(min(_TICK, max(0.0, self._until - now)))) is not None:
                return won
        raise self._error

    def end(self) -> None:
        for loser in self._running:
            loser.close()
        self._selector.close()

    def _begin(self, family: int, address: tuple[object, ...]) -> None:
        try:
            runner = socket.socket(family, socket.SOCK_STREAM)
            if self._bound_to:
                runner.bind(socket.getaddrinfo(self._bound_to, 0, family, socket.SOCK_STREAM)[0][4])
        except OSError as error:
            self._error = error
            return
        runner.setblocking(False)
        code = runner.connect_ex(address)
        if code in _UNDER_WAY:
            self._running.add(runner)
            self._selector.register(runner, selectors.EVENT_WRITE)
        else:
            self._error = _error(code)
            runner.close()

    def _winner(self, wait: float) -> socket.socket | None:
        for key, _ in self._selector.select(wait) if self._running else ():
            runner = key.fileobj
            assert isinstance(runner, socket.socket)
            self._selector.unregister(runner)
            self._running.discard(runner)
            code = runner.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code == 0:
                return runner
            self._error = _error(code)
            runner.close()
        return None


def _error(code: int) -> OSError:
    return OSError(code, os.strerror(code))


class Closable(Protocol):
    """Something that can be closed from any thread."""

    def close(self) -> None: ...


class CancelScope:
    """Work that goes on until it is interrupted: then `stopped` is set, and what it opened is closed."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._open: list[Closable] = []
        self._lock = threading.Lock()

    @contextmanager
    def closing(self, thing: Closable) -> Iterator[None]:
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
