"""How far a host's clock is from the controller's.

The controller notes when it sent the question and when the answer came; the host read its clock somewhere between. So
its clock is off by what lies in the middle, give or take half the time between: that is said with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from lockstitch.checks.check import Check, failed, passed, unknown
from lockstitch.command import Command
from lockstitch.finding import Finding
from lockstitch.inventory.checks import ClockChecks
from lockstitch.probe import Probe

# A date that knows no %N leaves it as it is, or prints nothing for it.
ASK = "date -u +%s.%N"
_HINT = "let it keep time: timedatectl set-ntp true, or chronyc makestep"


@dataclass(frozen=True)
class Clock:
    """`host` is what the host's clock said, good to `grain` seconds; `sent` and `heard` are of the controller's."""

    host: float | None = None
    grain: float = 0.0
    sent: float | None = None
    heard: float | None = None

    def seen(self, sent: float, heard: float) -> Clock:
        return replace(self, sent=sent, heard=heard)

    @property
    def offset(self) -> tuple[float, float] | None:
        """By how much the host's clock is ahead, and how much that may be wrong, in seconds."""
        if self.host is None or self.sent is None or self.heard is None:
            return None
        # A clock of whole seconds said one that had begun up to a second before.
        host = self.host + self.grain / 2
        between = max(0.0, self.heard - self.sent)
        return host - (self.sent + self.heard) / 2, (between + self.grain) / 2


def clock(limits: ClockChecks) -> Check:
    return Check("clock", Probe("clock", Command(ASK), parse), partial(judge, limits))


def parse(text: str, code: int) -> Clock:
    whole, _, part = text.strip().partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) < 12):
        return Clock()
    fine = part.isascii() and part.isdigit() and len(part) == 9
    return Clock(int(whole) + (int(part) / 1e9 if fine else 0.0), 0.0 if fine else 1.0)


def judge(limits: ClockChecks, clock: Clock) -> Iterator[Finding]:
    """Only what is sure is said: an offset within what cannot be measured is no reason against anything."""
    if clock.offset is None:
        yield unknown("clock", "the host does not tell its time", "look there: date")
        return
    offset, unsure = clock.offset
    says = f"{shown(offset, unsure)}; no beyond {limits.fail:g} s"
    if abs(offset) - unsure > limits.fail:
        yield failed("clock", says, _HINT)
    elif abs(offset) - unsure > limits.warn:
        yield unknown("clock", says, _HINT)
    elif abs(offset) + unsure > max(limits.fail, 2 * limits.warn):
        yield unknown("clock", f"{says}: the answer took too long to tell", "ask again, when the way to it is quicker")
    else:
        yield passed("clock", says)


def shown(offset: float, unsure: float) -> str:
    """`0.012 s ahead, give or take 0.004 s`."""
    where = "ahead" if offset >= 0 else "behind"
    return f"{abs(offset):.3f} s {where}, give or take {unsure:.3f} s"
