"""EFFECT: GET requests made from this machine, within a time that no server can stretch."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lockstitch.errors import UsageError
from lockstitch.inventory.secrets import resolve_secret
from lockstitch.metrics.base import WebReply, WebRequest
from lockstitch.model.command import Secret, Value, mask, plain

if TYPE_CHECKING:
    import requests

MOST_BYTES = 64 * 1024 * 1024
_PIECE = 64 * 1024


def fetch(
    asked: Sequence[WebRequest], seconds: float, resolved: Mapping[str, Value] | None = None
) -> tuple[WebReply, ...]:
    """Make all requests at once, and return the replies in their order. What is not there in time has an error. Each
    secret is looked up once, unless it is among those that are `resolved`."""
    references = {text for request in asked for text in (request.base, request.token, request.password)}
    known: dict[str, Value | UsageError] = dict(resolved or {})
    known |= {text: _resolved(text) for text in sorted(references - known.keys())}
    fetching = [_Fetching(request, known, time.monotonic() + seconds) for request in asked]
    for each in fetching:
        each.start()
    for each in fetching:
        each.join(max(0.0, each.until - time.monotonic()))
    return tuple(each.reply() for each in fetching)


class _Fetching(threading.Thread):
    """One request. It is left behind where a server holds it up: it ends with its connection, or with the program."""

    def __init__(self, request: WebRequest, known: Mapping[str, Value | UsageError], until: float) -> None:
        super().__init__(daemon=True)
        self.request, self.until, self._known = request, until, known
        self._reply: WebReply | None = None
        self._response: requests.Response | None = None

    def reply(self) -> WebReply:
        """Return the reply, or end what goes on."""
        if self._reply is not None:
            return self._reply
        if self._response is not None:
            with suppress(Exception):
                self._response.close()
        return WebReply(error="it did not answer in time")

    def run(self) -> None:
        request = self.request
        values = [self._known[text] for text in (request.base, request.token, request.password)]
        if lacking := next((value for value in values if isinstance(value, UsageError)), None):
            self._reply = WebReply(error=lacking.message)
            return
        base, token, password = (value for value in values if not isinstance(value, UsageError))
        try:
            self._reply = self._ask(plain(base).rstrip("/") + request.path, plain(token), plain(password))
        except Exception as error:
            secrets = [value for value in values if isinstance(value, Secret)]
            self._reply = WebReply(error=mask(_reason(error), secrets))

    def _ask(self, url: str, token: str, password: str) -> WebReply:
        # Start-up: it takes a tenth of a second.
        import requests

        def signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
            if token:
                request.headers["Authorization"] = f"Bearer {token}"
            return request

        login = requests.auth.HTTPBasicAuth(self.request.user, password) if self.request.user else signed
        patience = max(0.1, self.until - time.monotonic())
        with requests.get(
            url, params=dict(self.request.fields), auth=login, timeout=patience, stream=True, allow_redirects=False
        ) as response:
            self._response = response
            return self._body(response)

    def _body(self, response: requests.Response) -> WebReply:
        body = bytearray()
        while piece := read_piece(response.raw):
            body += piece
            if len(body) > MOST_BYTES:
                return WebReply(error=f"its answer is longer than {MOST_BYTES >> 20} MiB")
            if time.monotonic() > self.until:
                return WebReply(error="it did not answer in time")
        return WebReply(response.status_code, body.decode("utf-8", "replace"), links=response.headers.get("Link", ""))


def read_piece(raw: Any) -> bytes:
    """Return what has arrived, without waiting until a piece is full: the time is looked at in between."""
    piece: bytes = raw.read1(_PIECE, decode_content=True)
    return piece


def _resolved(text: str) -> Value | UsageError:
    """Return a text, or what it refers to, or why that cannot be had."""
    if not text.startswith(("env:", "file:", "cmd:")):
        return text
    try:
        return resolve_secret(text)
    except UsageError as error:
        return error


def _reason(error: Exception) -> str:
    """Return why a request failed in few words: what stands at the end of a chain of errors."""
    cause: BaseException = error
    while deeper := cause.__cause__ or cause.__context__:
        cause = deeper
    return f"it cannot be reached: {cause}"[:300]
