"""Replies of an error tracker: what is read from them, and why there is nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from lockstitch.metrics.base import WebReply, WebRequest
from lockstitch.model.format import span
from lockstitch.model.lazy_dataclass import dataclass

# A talk ends after so many pages of one list, and after so many requests at once.
MOST_PAGES, MOST_AT_ONCE = 10, 40
_SHOWN = 200


class TrackerError(Exception):
    """A reply that says nothing of the release: why, and what to do."""

    def __init__(self, says: str, hint: str = "") -> None:
        super().__init__(says)
        self.says, self.hint = says, hint


@dataclass(frozen=True)
class Stretch:
    """A stretch of time, in the epoch seconds of this machine."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        return max(1.0, self.end - self.begin)

    @property
    def words(self) -> str:
        return span(round(self.seconds))

    def has(self, at: float) -> bool:
        """Tell whether a time lies in it."""
        return self.begin <= at < self.end


@dataclass(frozen=True)
class Asked:
    """A question about a release by the name that the app reports: in the time that is judged, and before. It serves
    on `hosts` of `all_hosts`."""

    name: str
    after: Stretch
    before: Stretch
    hosts: int
    all_hosts: int

    @classmethod
    def of(cls, name: str, after: tuple[float, float], before: tuple[float, float], hosts: int, every: int) -> Asked:
        return cls(name, Stretch(*after), Stretch(*before), hosts, every)

    @property
    def quoted(self) -> str:
        """The name as a search term has it."""
        escaped = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'


@dataclass(frozen=True)
class ErrorCounts:
    """The issues that are new in a release, its events in the time that is judged, and those of others before."""

    new_issues: int
    after: int
    before: int


Talk = Generator[Sequence[WebRequest], Sequence[WebReply], ErrorCounts]
MakeRequest = Callable[[str, Mapping[str, str]], WebRequest]


def read(reply: WebReply, missing: str, scopes: str) -> Any:
    """Return the JSON of a reply. `missing` says what is not there where it is a 404, `scopes` which rights a token
    needs. Raises TrackerError."""
    if not reply.status:
        raise TrackerError(reply.error)
    if reply.status in (401, 403):
        words = "the token is not accepted" if reply.status == 401 else "the token may not read that"
        raise TrackerError(f"{words}: it answered {reply.status}{_detail(reply)}", f"the token needs {scopes}")
    if reply.status == 404:
        raise TrackerError(f"{missing}{_detail(reply)}")
    if reply.status == 429:
        raise TrackerError(f"it was asked too often: it answered 429{_detail(reply)}", "read it less often")
    if reply.status != 200:
        raise TrackerError(f"it answered {reply.status}{_detail(reply)}")
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise strange() from error


def strange() -> TrackerError:
    """Return the error of a reply that is none of the API."""
    return TrackerError(
        "its answer is none of the API", "do `api` and `url` fit? `url` is that of the server, without /api"
    )


def unknown_release(asked: Asked) -> TrackerError:
    """Return the error of a release that the server never heard of: that is no release without errors."""
    hint = (
        "`release` of the source must be what the app's SDK sends; a release is known from its first event or session"
    )
    return TrackerError(f"it knows no release {asked.name}", hint)


def moment(text: Any) -> float:
    """Return a time of a reply in epoch seconds. Raises TrackerError."""
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise strange() from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def count(value: Any) -> int:
    """Return a number of events. Raises TrackerError for one that is none."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise strange()
    return value


def _detail(reply: WebReply) -> str:
    try:
        known = json.loads(reply.body)
        text = " ".join(str(known["detail"]).split())
    except (ValueError, RecursionError, KeyError, TypeError):
        return ""
    return f", {text[:_SHOWN]}" if text else ""
