"""The values of smoke steps in a plan: which of them are run after a wave, and how each ended."""

from __future__ import annotations

from enum import Enum
from typing import Any

from lockstitch.model.lazy_dataclass import dataclass

# The pseudo-step that asks which release answers.
RELEASE = "release"


@dataclass(frozen=True)
class SmokeCheck:
    """The critical smoke steps of an app that are run after a wave: at its public `url`, or through one `host`.

    `revision` is the commit that must answer then, and `before` the one that must where the run has gone back.
    `rules` are the settings of the steps, which a plan's hash covers.
    """

    app: str
    steps: tuple[str, ...]
    url: str
    host: str = ""
    revision: str = ""
    before: str = ""
    rules: tuple[object, ...] = ()


class SmokeEnding(Enum):
    """The ways a step ends. Only the first two are a pass."""

    PASSED = "passed"
    FLAKY = "flaky"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not run"
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class SmokeResult:
    """The result of a step: why, how many requests or commands it took, how many expectations were judged, and the
    seconds. `revision` is the commit that answered, where it is known; `other` one that answered in place of the
    expected one. `after_rollback` marks steps of a run that has gone back."""

    app: str
    step: str
    ending: SmokeEnding
    reason: str = ""
    asked: int = 0
    judged: int = 0
    seconds: float = 0.0
    host: str = ""
    revision: str = ""
    tags: tuple[str, ...] = ()
    output: tuple[str, ...] = ()
    other: str = ""
    after_rollback: bool = False

    @property
    def passed(self) -> bool:
        """Tell whether it is a pass."""
        return self.ending in (SmokeEnding.PASSED, SmokeEnding.FLAKY)

    def as_fields(self) -> dict[str, Any]:
        """Return it as it stands in documents and records."""
        return {
            "app": self.app,
            "host": self.host or None,
            "step": self.step,
            "result": self.ending.value,
            "reason": self.reason,
            "asked": self.asked,
            "judged": self.judged,
            "seconds": round(self.seconds, 3),
            "revision": self.revision or None,
            "tags": list(self.tags),
        }
