"""EFFECT: notices sent to channels, all at once, each within its time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from lockstitch.engine.web import read_piece
from lockstitch.errors import UsageError
from lockstitch.inventory.secrets import resolve_secret
from lockstitch.model.command import Secret, Value, mask
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.notice import Notice, NoticeRefusedError, WebAnswer
from lockstitch.notifications import Channel

# What all that one channel is told at once may take, in seconds.
PATIENCE = 10.0
_LATE = "no answer in time"
_MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class NoticeJob:
    """A notice for one channel; `thread` is the channel's word for what it was told of the same run."""

    channel: str
    notice: Notice
    thread: str = ""


@dataclass(frozen=True)
class NoticeResult:
    """The end of a job: the channel's word for the message, or why it was not sent; `reached` where some got it."""

    job: NoticeJob
    thread: str = ""
    problem: str = ""
    reached: bool = False


class NoticeDelivery:
    """Sends jobs; those of one channel one after the other, in order. Nothing that a channel does raises or lasts."""

    def __init__(
        self, channels: Mapping[str, Channel], jobs: Sequence[NoticeJob], seconds: float | None = None
    ) -> None:
        self._until = time.monotonic() + (PATIENCE if seconds is None else seconds)
        names = dict.fromkeys(job.channel for job in jobs)
        self._threads = [
            _Sending(channels[name], [j for j in jobs if j.channel == name], self._until) for name in names
        ]
        for thread in self._threads:
            thread.start()

    def results(self, seconds: float = PATIENCE) -> list[NoticeResult]:
        """Wait until all were sent, or their time is over, or so many seconds. Returns the result of each job."""
        until = min(self._until, time.monotonic() + seconds)
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return [result for thread in self._threads for result in thread.results()]


class _Sending(threading.Thread):
    """The jobs of one channel. It is left behind where a server holds it up: it ends with its connection, or with the
    program."""

    def __init__(self, channel: Channel, jobs: Sequence[NoticeJob], until: float) -> None:
        super().__init__(daemon=True)
        self._channel, self._jobs, self._until = channel, jobs, until
        self._ended: list[NoticeResult] = []

    def results(self) -> list[NoticeResult]:
        """Return the results that are there; what has none by now is late."""
        ended = list(self._ended)
        return [*ended, *(NoticeResult(job, job.thread, _LATE) for job in self._jobs[len(ended) :])]

    def run(self) -> None:
        known: dict[str, Value] = {}
        threads: dict[str, str] = {}
        for job in self._jobs:
            thread = threads.get(job.notice.run, job.thread)
            try:
                known = known or _resolved(self._channel.references())
                threads[job.notice.run] = self._channel.send(job.notice, known, self._web, thread)
                self._ended.append(NoticeResult(job, threads[job.notice.run]))
            except Exception as error:
                reached = isinstance(error, NoticeRefusedError) and error.reached
                self._ended.append(NoticeResult(job, thread, _reason(error, known.values()), reached))

    def _web(self, method: str, url: str, document: Any = None, headers: Mapping[str, str] | None = None) -> WebAnswer:
        # Start-up: it takes a tenth of a second.
        import requests

        patience = self._until - time.monotonic()
        if patience <= 0:
            raise NoticeRefusedError(_LATE)
        with requests.request(
            method,
            url,
            json=document,
            # Without it the file .netrc of whoever runs this would give its passwords to the service.
            auth=lambda request: request,
            headers={"User-Agent": "lockstitch", **(headers or {})},
            timeout=patience,
            stream=True,
            allow_redirects=False,
        ) as response:
            body = bytearray()
            while len(body) < _MOST_BYTES and (piece := read_piece(response.raw)):
                body += piece
                if time.monotonic() > self._until:
                    raise NoticeRefusedError(_LATE)
            return WebAnswer(response.status_code, body.decode("utf-8", "replace"))


def _resolved(references: Iterable[str]) -> dict[str, Value]:
    return {reference: resolve_secret(reference) for reference in references}


def _reason(error: Exception, known: Iterable[Value]) -> str:
    """Return why a notice was not sent, without a part of a URL or a token."""
    if isinstance(error, NoticeRefusedError):
        return mask(str(error), [value for value in known if isinstance(value, Secret)])
    if isinstance(error, UsageError):
        return error.message
    cause: BaseException = error
    while deeper := cause.__cause__ or cause.__context__:
        cause = deeper
    with suppress(Exception):
        # The words of a library may have the URL in them: of errors of the system only their own words are taken.
        if isinstance(cause, TimeoutError):
            return _LATE
        if isinstance(cause, OSError) and cause.strerror:
            return f"it cannot be reached: {cause.strerror.lower()}"
    return f"it cannot be reached: {type(cause).__name__}"
