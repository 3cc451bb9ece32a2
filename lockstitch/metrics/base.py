"""The base of all metric sources. Each is one file or folder here, found by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from lockstitch.metrics.measurement import Measurement, Question
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plugins import by_kind
from lockstitch.model.probe import Probe
from lockstitch.model.shell import shell_text

# Functions that programs in awk are joined to: they read the times of log lines.
TIMES = shell_text(__package__, "times.awk")
# The beginning of scripts that read logs: the windows of a question on the host's clock.
WINDOWS = shell_text(__package__, "windows.sh")
# Requests by status, durations of them, a share of something else that is bad, records of logs, or values of now.
Kind = Literal["requests", "durations", "shares", "records", "values"]
# A part between 0 and 1, which is written as a percentage, or any number.
Unit = Literal["percentage", "number"]


@dataclass(frozen=True)
class WebRequest:
    """A GET request. `base` is a URL or a reference to one, to which `path` is added; `token` (bearer), or `user` and
    `password`, are references as well, empty where there is none."""

    base: str
    path: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    user: str = ""
    password: str = ""


@dataclass(frozen=True)
class WebReply:
    """The reply to a request: its status, 0 where there was none, and then why (`error`). `links` are those of its
    header `Link`."""

    status: int = 0
    body: str = ""
    error: str = ""
    links: str = ""


@dataclass(frozen=True)
class WebQuery:
    """Requests made from here, all together within `seconds`, and the parser of their replies, which are in the same
    order. It returns the measurement of each host by its name, and never raises. `more` returns what is to be asked
    beside that, by all replies so far: theirs come after these, and there may be fewer where the time is over."""

    requests: tuple[WebRequest, ...]
    parse: Callable[[Sequence[WebReply]], Mapping[str, Measurement]]
    seconds: float = 10.0
    more: Callable[[Sequence[WebReply]], Sequence[WebRequest]] = lambda replies: ()


class Source(BaseModel):
    """The base of what counts requests. Subclasses set `kind: Literal[...]` and their settings, and override hooks."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    # Settings of such a source as an inventory has them, without `kind`; tests take each.
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ()

    # False for a source that has no counts of the time before it is read first.
    knows_before: ClassVar[bool] = True
    # True for a source that is about one app alone, and is read as the user who runs it.
    of_app: ClassVar[bool] = False
    # True for one of these that must know which release serves.
    of_release: ClassVar[bool] = False

    def measures(self) -> frozenset[Kind]:
        """Return the kinds of numbers that it has: a gate on another kind is refused."""
        return frozenset({"requests", "durations"})

    def units(self) -> Mapping[str, Unit]:
        """Return its values by name, with their units; the name is empty where there is one value."""
        return {}

    def values_of_app(self) -> frozenset[str]:
        """Return those of its values that the app's database, its checks and its service answer, and not the probe."""
        return frozenset()

    def host_names(self) -> tuple[str, ...]:
        """Return the hosts that its settings name: they must be in the inventory."""
        return ()

    def references(self) -> tuple[str, ...]:
        """Return the references to secrets that its question to a host needs; it has their values."""
        return ()

    def probe(self, question: Question) -> Probe[Measurement] | None:
        """Return the probe that asks a host; None where the source is asked from here."""
        return None

    def web_query(self, questions: Mapping[Host, Question], now: float) -> WebQuery | None:
        """Return the requests that are made from here for all hosts together; None where each host is asked. `now` is
        the time of this machine, to which windows relate that have no times of their own."""
        return None


def source_types() -> dict[str, type[Source]]:
    """Return every source by its kind, in alphabetical order."""
    return by_kind(__package__, Source)
