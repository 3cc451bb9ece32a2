"""The values of a pause that metric gates judge: what a plan says of it, each judgement, and what is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from enum import Enum
from typing import Literal

from lockstitch.model.lazy_dataclass import dataclass

# The problem of a release that is not taken back, by its key.
BACK = "back"
FewPolicy = Literal["continue", "wait"]
UnclearPolicy = Literal["ask", "continue", "fail"]


@dataclass(frozen=True)
class WaveWatch:
    """The gates of an app that judge the pause after a wave, by name.

    `not_worse` are those that failed before the change already: they only must not be worse than that. `waived` are
    those whose source cannot be read, which was accepted, and values that were over their limit before. Those that are
    `dry`, and what is waived, decide nothing.
    `rules` are the settings of the gates, with their limits, which a plan's hash covers.
    For durations the first `warm_up` seconds do not count. `names` are those of the release on each host, by
    VERSION_NAMES.
    """

    app: str
    gates: tuple[str, ...] = ()
    dry: tuple[str, ...] = ()
    not_worse: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    few: FewPolicy = "continue"
    unclear: UnclearPolicy = "ask"
    warm_up: float = 30.0
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    rules: Mapping[str, object] = field(default_factory=dict)

    @property
    def deciding(self) -> tuple[str, ...]:
        """The gates that decide."""
        return tuple(name for name in self.gates if name not in (*self.dry, *self.waived))


class Way(Enum):
    """The outcomes of a watch: `STOP` leaves the fleet as it is, and a person goes on from there."""

    ON = "continue"
    WAIT = "wait"
    ASK = "ask"
    BACK = "back"
    STOP = "stop"


@dataclass(frozen=True)
class Decision:
    """The outcome of the gates of a watch, which one decided, and why. `choices` are what a person may answer where
    it is to be asked; `unattended` is what follows where nobody can be."""

    way: Way
    gate: str = ""
    reason: str = ""
    hint: str = ""
    choices: tuple[Way, ...] = ()
    unattended: Way = Way.BACK


@dataclass(frozen=True)
class GateCounts:
    """The counts that a gate is judged by, each as (bad, total): of what, on the new hosts and on those with the old
    release, in so many seconds now and before. None: there is no such host, or nothing was counted.

    `most` is how many may be bad at most, where the source does not know exactly; `value` is the largest value of now.
    """

    of: str = ""
    new: tuple[int, int] = (0, 0)
    before: tuple[int, int] = (0, 0)
    old: tuple[int, int] | None = None
    old_before: tuple[int, int] | None = None
    seconds: float = 1.0
    before_seconds: float = 1.0
    most: int | None = None
    value: float | None = None


@dataclass(frozen=True)
class GateMeasured:
    """A metric gate was judged by a reading, of everything since the release was taken.

    `bad` of `total` are the counts of the new hosts, `old_bad` of `old_total` of what they are compared with, if with
    anything; `low` and `high` bound the true value, and `limit` is what it is judged by. The window is in the
    controller's epoch seconds, `remaining` are the seconds until the watch is over. The `last` one decides. `counts`
    are all that it was judged by; None where nothing was read.
    """

    app: str
    gate: str
    answer: str
    says: str
    hint: str = ""
    dry: bool = False
    bad: int = 0
    total: int = 0
    old_bad: int | None = None
    old_total: int | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    begin: float = 0.0
    end: float = 0.0
    remaining: float = 0.0
    last: bool = False
    counts: GateCounts | None = None


@dataclass(frozen=True)
class WatchMemory:
    """The facts that a watch has and hosts do not tell again: one that goes on after a kill needs them.

    By app: the `failures` of its health in a row and the last `reasons`, by host, and `since` when its rules judge. The
    flags that were `turned_off`; whether taking the release back was `tried`; the `problems` that stay. `at` is when
    this was so. Times are the controller's epoch seconds.
    """

    failures: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    reasons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    since: Mapping[str, float] = field(default_factory=dict)
    turned_off: tuple[str, ...] = ()
    tried: bool = False
    problems: Mapping[str, str] = field(default_factory=dict)
    at: float = 0.0

    def after_rollback(self, problem: str) -> WatchMemory:
        """Return the same, where a rollback has begun; `problem` says what became of it, empty where that is known."""
        kept = {} if self.tried else {BACK: ""}
        known = {key: text for key, text in self.problems.items() if key not in kept}
        return replace(self, tried=True, problems={**known, **({BACK: problem} if problem else {})})
