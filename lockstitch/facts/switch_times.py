"""The probe of when a host took a release, by its own journal and clock. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lockstitch.facts.clock import Clock
from lockstitch.model.command import Command
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Site
from lockstitch.model.probe import Probe, collect, record, unreadable

# A run has some ten steps on a site; each has a line for its begin and one for its end.
_READ = r"""
[ -r "$journal" ] || { echo "unreadable $journal may not be read by $(id -un)"; exit 0; }
grep -F "\"run\":\"$run\"" "$journal" | grep -E '"event":"(begin|end)"' | tail -n 100 | sed 's/^/line /'
"""


@dataclass(frozen=True)
class StepMoment:
    """The begin or the end of a step, in epoch seconds of the host's clock."""

    event: str
    step: str
    at: float


@dataclass(frozen=True)
class SwitchTimes:
    """The steps of a run on a site, in order; `problem` says why they are not known."""

    moments: tuple[StepMoment, ...] = ()
    problem: str = ""

    def began(self, steps: Sequence[str]) -> float | None:
        """Return when the first of these steps began; None where none did."""
        return min((m.at for m in self.moments if m.event == "begin" and m.step in steps), default=None)

    def ended(self, steps: Sequence[str]) -> float | None:
        """Return when the last of these steps ended; None where none did."""
        return max((m.at for m in self.moments if m.event == "end" and m.step in steps), default=None)


@dataclass(frozen=True)
class HostSwitch:
    """Facts of one host when a watch begins: its clock, when it took the release (`began` to `ended`, in its own
    time; None for a host with the old release), and why that is not known."""

    clock: Clock
    began: float | None = None
    ended: float | None = None
    problem: str = ""

    @property
    def ahead(self) -> float:
        """The seconds by which its clock is ahead of the controller's."""
        return self.clock.offset[0] if self.clock.offset else 0.0


# The steps by which a site takes its release, the last first: what comes after them users do not meet.
SWITCHES = ("up", "reload")
# The first of these is when users may meet something else than before.
_VISIBLE = ("maintenance", "checkout", "activate", *SWITCHES)


def switch_of(times: SwitchTimes | None, clock: Clock) -> HostSwitch:
    """Return when a host took the release of a run whose plan is not known any more; without `times` the host has an
    older one. A host whose clock cannot be read has no windows."""
    unknown = "" if clock.offset else "its clock cannot be read"
    if times is None:
        return HostSwitch(clock, problem=unknown)
    ended = next((at for name in SWITCHES if (at := times.ended([name])) is not None), None)
    problem = times.problem or ("" if ended is not None else "its journal does not say when it took the release")
    return HostSwitch(clock, times.began(_VISIBLE), ended, problem or unknown)


_LATEST = r"""
[ -r "$journal" ] || { echo "unreadable $journal may not be read by $(id -un)"; exit 0; }
grep -F '"event":"release"' "$journal" | tail -n 1 | sed 's/^/line /'
"""


@dataclass(frozen=True)
class LatestRelease:
    """The newest record of a release in a host's journal: its run, of which kind and by whom; `problem` says why it is
    not known."""

    run: str = ""
    kind: str = ""
    by: str = ""
    problem: str = ""


def latest_probe(site: Site) -> Probe[LatestRelease]:
    """Return the probe of the newest release of a site."""
    return Probe("latest", Command(_LATEST, values={"journal": site.layout.journal}), parse_latest)


def parse_latest(text: str, code: int) -> LatestRelease:
    said = collect(text)
    entry = next((entry for line in said["line"] if (entry := record(line))), None)
    if entry is None:
        return LatestRelease(problem="; ".join(unreadable(said, code)) or "its journal has no release")
    return LatestRelease(entry.get("run", ""), entry.get("kind", ""), entry.get("by", ""))


def switch_probe(site: Site, run: str) -> Probe[SwitchTimes]:
    """Return the probe of when the steps of a run began and ended on a site."""
    return Probe("steps", Command(_READ, values={"journal": site.layout.journal, "run": run}), parse_switch)


def parse_switch(text: str, code: int) -> SwitchTimes:
    said = collect(text)
    if problems := unreadable(said, code):
        return SwitchTimes(problem="; ".join(problems))
    lines = [entry for line in said["line"] if (entry := record(line))]
    moments = [
        StepMoment(entry.get("event", ""), entry.get("step", ""), at)
        for entry in lines
        if (at := _epoch(entry.get("at", ""))) is not None
    ]
    return SwitchTimes(tuple(moments), "" if moments else "its journal does not say when it took the release")


def _epoch(at: str) -> float | None:
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        return None
