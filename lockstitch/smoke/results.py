"""The results of smoke steps, and of the steps of one app together."""

from __future__ import annotations

from collections.abc import Sequence

from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.smoke_check import RELEASE, SmokeEnding, SmokeResult
from lockstitch.smoke.ledger import LedgerEntry


@dataclass(frozen=True)
class SmokeLeftover:
    """Something that a step has made, or may have made, and that is still there. `entry` is its id in the ledger."""

    entry: str
    app: str
    step: str
    reason: str


def leftover(entry: LedgerEntry, why: str) -> SmokeLeftover:
    """Return an entry of a ledger that may still be there."""
    return SmokeLeftover(entry.entry, entry.app, entry.step, why)


@dataclass(frozen=True)
class JourneyResult:
    """The results of an app's steps, in the order they were run; `host` where they went to one host. `cleaned` counts
    what was taken away again."""

    app: str
    host: str
    steps: tuple[SmokeResult, ...]
    leftovers: tuple[SmokeLeftover, ...] = ()
    cleaned: int = 0
    revision: str = ""
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def passed(self) -> bool:
        """Tell whether it is a pass: steps were judged, each that ran has passed, and nothing was left behind."""
        ran = [step for step in self.steps if step.ending is not SmokeEnding.LEFT_OUT and step.step != RELEASE]
        judged = [step for step in self.steps if step.ending is not SmokeEnding.LEFT_OUT]
        return bool(ran) and all(step.passed for step in judged) and not self.leftovers and not self.interrupted


def verdict(problems: Sequence[str], asked: int, judged: int, *, again: bool) -> tuple[SmokeEnding, str]:
    """Return how a step ends that was asked so often, and why. What asked nothing or judged nothing is no pass."""
    if problems:
        return SmokeEnding.FAILED, "; ".join(problems)
    if not asked or not judged:
        return SmokeEnding.INCONCLUSIVE, "it asked nothing" if not asked else "it judged nothing"
    return (SmokeEnding.FLAKY, f"it passed at try {asked}") if again else (SmokeEnding.PASSED, "")
