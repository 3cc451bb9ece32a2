"""The value Clock: how far a host's clock is from the controller's.

The controller notes when it sent the question and when the answer came; the host read its clock somewhere between. So
its clock is off by what lies in the middle, give or take half the time between.
"""

from __future__ import annotations

from dataclasses import replace

from lockstitch.model.command import Command
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe

# A date that knows no %N leaves it as it is, or prints nothing for it.
READ_CLOCK = "date -u +%s.%N"


@dataclass(frozen=True)
class Clock:
    """The time on a host's clock (`host`, accurate to `grain` seconds), and the controller's time when the question was
    `sent` and its answer `heard`."""

    host: float | None = None
    grain: float = 0.0
    sent: float | None = None
    heard: float | None = None

    def seen(self, sent: float, heard: float) -> Clock:
        return replace(self, sent=sent, heard=heard)

    @property
    def offset(self) -> tuple[float, float] | None:
        """Return how far the host's clock is ahead, and the uncertainty of that, both in seconds."""
        if self.host is None or self.sent is None or self.heard is None:
            return None
        # A clock of whole seconds said one that had begun up to a second before.
        host = self.host + self.grain / 2
        between = max(0.0, self.heard - self.sent)
        return host - (self.sent + self.heard) / 2, (between + self.grain) / 2


def parse_clock(text: str, code: int) -> Clock:
    whole, _, part = text.strip().partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) < 12):
        return Clock()
    fine = part.isascii() and part.isdigit() and len(part) == 9
    return Clock(int(whole) + (int(part) / 1e9 if fine else 0.0), 0.0 if fine else 1.0)


CLOCK = Probe("clock", Command(READ_CLOCK), parse_clock)


def offset_text(offset: float, unsure: float) -> str:
    """Return an offset as text: `0.012 s ahead, give or take 0.004 s`."""
    where = "ahead" if offset >= 0 else "behind"
    return f"{abs(offset):.3f} s {where}, give or take {unsure:.3f} s"
