"""EFFECT: one HTTP request at a time, made from this machine or through a host, within a time that no server can
stretch."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lockstitch.concurrency import in_background
from lockstitch.engine.web import MOST_BYTES, read_piece
from lockstitch.errors import LockstitchError
from lockstitch.smoke.judge import SmokeAnswer

if TYPE_CHECKING:
    import requests
    from requests.cookies import RequestsCookieJar

# Returns a connection to the server that is meant, within so many seconds.
Dialer = Callable[[float], socket.socket]
# What a request that was given up may take to end.
_PATIENCE = 2.0


class HttpClient:
    """Makes requests. Each has a connection of its own, so that none is sent again because an idle one was closed.

    `dial` connects to one server, whatever the URL says; TLS is still that of the URL's name. `verify` is the file of
    certificates that servers are verified by, or True for the usual ones.
    """

    def __init__(self, dial: Dialer | None = None, verify: str | bool = True) -> None:
        self._dial, self._verify = dial, verify
        self._lock = threading.Lock()
        self._attempt: _Attempt | None = None

    def send(
        self, request: requests.Request, jar: RequestsCookieJar, seconds: float, stopped: threading.Event
    ) -> SmokeAnswer:
        """Make a request with the cookies of a jar, into which those of the answer go. Returns when it was answered,
        when the time is over, or soon after an `abort`."""
        attempt = _Attempt(self._dial, self._verify, request, jar, seconds)
        with self._lock:
            self._attempt = attempt
        if stopped.is_set():
            return SmokeAnswer(error="interrupted", sent=False)
        return attempt.answer(stopped)

    def abort(self) -> None:
        """End the request that is under way."""
        with self._lock:
            if self._attempt is not None:
                self._attempt.abort()


class _Attempt:
    """One request. It is left behind where a server holds it up: it ends with its connection, or with the program."""

    def __init__(
        self, dial: Dialer | None, verify: str | bool, request: requests.Request, jar: RequestsCookieJar, seconds: float
    ) -> None:
        self._dial, self._verify, self._request, self._jar = dial, verify, request, jar
        self._seconds = seconds
        self._sent = threading.Event()
        self._over = threading.Event()
        self._sockets: list[socket.socket] = []

    def answer(self, stopped: threading.Event) -> SmokeAnswer:
        began = time.monotonic()
        future: Future[SmokeAnswer] = in_background(self._ask)
        future.add_done_callback(lambda _: self._over.set())
        self._over.wait(self._seconds)
        if not future.done():
            self.abort()
            with suppress(Exception):
                future.exception(_PATIENCE)
            why = "interrupted" if stopped.is_set() else f"it did not answer within {self._seconds:g} s"
            return SmokeAnswer(error=why, sent=self._sent.is_set(), seconds=time.monotonic() - began)
        if (error := future.exception()) is not None:
            if isinstance(error, (KeyboardInterrupt, SystemExit, NameError, AttributeError, AssertionError)):
                raise error
            why = "interrupted" if stopped.is_set() else reason(error)
            return SmokeAnswer(error=why, sent=self._sent.is_set(), seconds=time.monotonic() - began)
        return future.result()

    def abort(self) -> None:
        """End it: whatever reads or writes returns at once."""
        self._over.set()
        for each in list(self._sockets):
            with suppress(OSError):
                # A TLS socket shuts down what is below it.
                socket.socket.shutdown(each, socket.SHUT_RDWR)

    def _ask(self) -> SmokeAnswer:
        # Start-up: it takes a tenth of a second.
        import requests

        began, request = time.monotonic(), self._request
        with requests.Session() as session:
            session.trust_env = self._dial is None
            session.cookies = self._jar
            # Nobody's ~/.netrc logs in in place of the step.
            session.auth = lambda prepared: prepared
            session.headers.update({"User-Agent": "lockstitch-smoke", "Connection": "close"})
            adapter = _adapter(self)
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            prepared = session.prepare_request(request)
            settings = session.merge_environment_settings(request.url, {}, True, self._verify, None)
            response = session.send(prepared, timeout=self._seconds, allow_redirects=False, **settings)
            try:
                return self._read(response, began)
            finally:
                response.close()

    def _read(self, response: requests.Response, began: float) -> SmokeAnswer:
        parts, size = [], 0
        while piece := read_piece(response.raw):
            parts.append(piece)
            size += len(piece)
            if size > MOST_BYTES:
                return SmokeAnswer(error=f"its answer is longer than {MOST_BYTES >> 20} MiB")
            if self._over.is_set():
                return SmokeAnswer(error="it did not answer in time")
        headers = {name.lower(): value for name, value in response.headers.items()}
        known = (*response.raw.CONTENT_DECODERS, "identity", "")
        for coding in headers.get("content-encoding", "").split(","):
            if parts and coding.strip().lower() not in known:
                return SmokeAnswer(error=f"its answer cannot be unpacked: it is encoded as {coding.strip()[:20]!r}")
        cookies = {name: value for name, value in response.cookies.items() if value is not None}
        return SmokeAnswer(response.status_code, headers, b"".join(parts), cookies, time.monotonic() - began)

    def connection(self, make: Callable[[], socket.socket]) -> socket.socket:
        """Return a new connection, which an abort ends."""
        made = self._dial(self._seconds) if self._dial else make()
        self._sockets.append(made)
        if self._over.is_set():
            self.abort()
        return made

    def began(self) -> None:
        """Note that the request goes out now."""
        self._sent.set()


def _adapter(attempt: _Attempt) -> Any:
    """Return an adapter of requests whose connections belong to an attempt."""
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.connection import HTTPConnection, HTTPSConnection

    class Noted:
        """A connection of the attempt, which notes when it sends. What is sent to a proxy may have gone on."""

        def _new_conn(self) -> socket.socket:
            return attempt.connection(super()._new_conn)  # type: ignore[misc]

        def send(self, data: Any) -> None:
            if self.sock is None:  # type: ignore[attr-defined]
                self.connect()  # type: ignore[attr-defined]
            attempt.began()
            super().send(data)  # type: ignore[misc]

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = type("Plain", (Noted, HTTPConnection), {})

    class SealedPool(HTTPSConnectionPool):
        ConnectionCls = type("Sealed", (Noted, HTTPSConnection), {})

    class Adapter(HTTPAdapter):
        def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
            manager = super().proxy_manager_for(*args, **kwargs)
            manager.pool_classes_by_scheme = pools
            return manager

    pools = {"http": PlainPool, "https": SealedPool}
    adapter = Adapter(max_retries=0)
    adapter.poolmanager.pool_classes_by_scheme = pools
    return adapter


# The reasons for which there is no answer, by what the names of errors contain.
_SAID = {
    "Timeout": "it did not answer in time",
    "RemoteDisconnected": "the server closed the connection without an answer",
    "IncompleteRead": "its answer was cut off",
    "UnicodeEncode": "a header or the address has a character that HTTP cannot send",
    "Decod": "its answer cannot be unpacked",
}


def reason(error: BaseException) -> str:
    """Return why there is no answer. Only words of our own and of the system: others quote what was sent."""
    chain, each = [], error
    while each is not None and each not in chain:
        chain.append(each)
        inner = next((part for part in each.args if isinstance(part, BaseException)), None)
        each = each.__cause__ or each.__context__ or inner or getattr(inner, "reason", None)  # type: ignore[assignment]
    for part in reversed(chain):
        if isinstance(part, ssl.SSLCertVerificationError):
            return f"its certificate is not valid: {part.verify_message}"
        if isinstance(part, LockstitchError):
            return part.message
        if isinstance(part, ssl.SSLError):
            return f"no TLS connection: {(part.reason or 'the handshake failed').lower()}"
        if isinstance(part, TimeoutError):
            return "it did not answer in time"
        if isinstance(part, OSError) and part.strerror:
            return f"it cannot be reached: {part.strerror.lower()}"
    names = [type(part).__name__ for part in chain]
    for word, said in _SAID.items():
        if any(word in name for name in names):
            return said
    return f"there is no HTTP answer ({names[-1]})"


def certificates(ca: str, root: str) -> str | bool:
    """Return what servers are verified by: a file of the project, the one of REQUESTS_CA_BUNDLE, or the usual ones."""
    if ca:
        return os.path.join(root, os.path.expanduser(ca))
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
