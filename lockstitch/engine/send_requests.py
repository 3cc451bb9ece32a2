"""EFFECT: timed requests from this machine, by a fixed schedule."""

from __future__ import annotations

import http.client
import itertools
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from lockstitch.concurrency import run_parallel
from lockstitch.measures.timing import RequestLoad, TimedRequest, TimedRequests, gathered
from lockstitch.model.command import plain

_PIECE = 64 * 1024
# No answer is read further than this.
_MOST_BYTES = 64 * 1024 * 1024


def send_requests(load: RequestLoad) -> TimedRequests:
    """Send the requests, each at its time or as soon as one of `concurrency` is free, and return what they took, counted
    from when they were meant to begin. Raises KeyboardInterrupt once all have ended."""
    sending = _Sending(load)
    run_parallel(lambda _: sending.work(), range(load.concurrency), sending.stop, most=load.concurrency)
    return gathered([timed for _, timed in sorted(sending.timed, key=lambda each: each[0])], load)


class _Sending:
    """The requests that are under way, and those that have ended by their numbers."""

    def __init__(self, load: RequestLoad) -> None:
        self._load, self._numbers = load, itertools.count(load.begin)
        self._stopped = threading.Event()
        self._next, self._open = threading.Lock(), set[_TimedConnection]()
        self._in_time = f"no answer in {load.timeout:g} s"
        # Reading the authorities takes this machine longer than many a server needs: once, and before the first request.
        self._tls = ssl.create_default_context() if load.url.startswith("https:") else None
        self.timed: list[tuple[int, TimedRequest]] = []
        self._start = time.monotonic()

    def stop(self) -> None:
        """End what is under way, and begin nothing more."""
        self._stopped.set()
        for each in list(self._open):
            each.cut()

    def work(self) -> None:
        """Send requests until there are no more."""
        while not self._stopped.is_set():
            with self._next:
                number = next(self._numbers)
            if number >= self._load.end:
                return
            due = self._start + (number - self._load.begin) / self._load.rate
            if not self._stopped.wait(max(0.0, due - time.monotonic())):
                self.timed.append((number, self._send()))

    def _send(self) -> TimedRequest:
        began = time.monotonic()
        parts = urlsplit(self._load.url)
        connection = _TimedConnection(self._tls, parts.hostname or "", parts.port, self._load.timeout)
        self._open.add(connection)
        watch = threading.Timer(self._load.timeout, connection.cut)
        watch.daemon = True
        watch.start()
        try:
            path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
            headers = {name: f"{word}{plain(value)}" for name, (word, value) in self._load.headers.items()}
            connection.request("GET", path, headers={"Connection": "close", "Accept": "*/*", **headers})
            answer = connection.getresponse()
            first = time.monotonic()
            _read(answer)
        except Exception as error:
            took = time.monotonic() - began
            reason = self._in_time if took >= self._load.timeout else f"no answer: {_words(error)}"
            return TimedRequest(0, (took,) * 5, reason)
        finally:
            watch.cancel()
            self._open.discard(connection)
            connection.close()
        took = time.monotonic() - began
        if took > self._load.timeout or connection.is_cut:
            return TimedRequest(0, (took,) * 5, self._in_time)
        resolved, connected, secured = (at - began for at in connection.times)
        return TimedRequest(answer.status, (resolved, connected, secured, first - began, took))


class _TimedConnection(http.client.HTTPConnection):
    """A connection of its own for one request, which knows when its name was resolved, and when it was connected and
    secured. No proxy: what is measured is the way to the server."""

    def __init__(self, tls: ssl.SSLContext | None, host: str, port: int | None, timeout: float) -> None:
        self._tls = tls
        super().__init__(host, port or (443 if tls else 80), timeout=timeout)
        self.times, self.is_cut = (0.0, 0.0, 0.0), False

    def connect(self) -> None:
        addresses = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        resolved = time.monotonic()
        self.sock = _connected(addresses, self.timeout or 10.0)
        connected = time.monotonic()
        if self._tls:
            # The handshake is apart: before it `cut` must know the socket that is used.
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock.do_handshake()
        self.times = (resolved, connected, time.monotonic())
        if self.is_cut:
            raise TimeoutError

    def cut(self) -> None:
        """End it, whatever it waits for: a time limit of the socket begins again with each byte."""
        self.is_cut = True
        if (sock := self.sock) is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _connected(addresses: Sequence[tuple[Any, ...]], timeout: float) -> socket.socket:
    error: OSError = OSError("the name has no address")
    until = time.monotonic() + timeout
    for family, kind, protocol, _, address in addresses:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(max(0.01, until - time.monotonic()))
            sock.connect(address)
        except OSError as failed:
            sock.close()
            error = failed
            continue
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock
    raise error


def _read(answer: http.client.HTTPResponse) -> None:
    size = 0
    while piece := answer.read1(_PIECE):
        size += len(piece)
        if size > _MOST_BYTES:
            raise OSError(f"the answer is longer than {_MOST_BYTES >> 20} MiB")
    if answer.length:
        raise OSError(f"it ended {answer.length} bytes too early")


def _words(error: Exception) -> str:
    """Return why there is no answer. What is neither the network's nor the server's may quote a header: it is named."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    known = isinstance(error, OSError | http.client.HTTPException)
    return ((known and said) or type(error).__name__).strip().lower()[:120]
