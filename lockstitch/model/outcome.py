"""The values of a run as it goes and as it ended: its events, and the Outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from lockstitch.errors import ExitCode
from lockstitch.model.gate import Verdict
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Plan, Site
from lockstitch.model.results import Event
from lockstitch.model.smoke_check import SmokeResult
from lockstitch.model.wave_watch import GateMeasured, WatchMemory


@dataclass(frozen=True)
class WaveBegan:
    """A wave starts on these sites."""

    name: str
    sites: tuple[Site, ...]
    number: int
    of: int


@dataclass(frozen=True)
class GateAsked:
    """A gate was asked once more and judged."""

    site: Site
    gate: str
    verdict: Verdict
    attempt: int


@dataclass(frozen=True)
class RollbackBegan:
    """Something failed, and these sites are put back."""

    why: str
    sites: tuple[Site, ...]


@dataclass(frozen=True)
class RunMessage:
    """A sentence about the run as a whole."""

    text: str


RunEvent = Event | WaveBegan | GateAsked | RollbackBegan | RunMessage | GateMeasured | WatchMemory | SmokeResult

RevisionSide = Literal["new", "old", "unknown"]


@dataclass(frozen=True)
class Failure:
    """A failure: what failed, where, and its last lines. `logs` are the app's own, by file."""

    site: Site | None
    what: str
    reason: str
    hint: str = ""
    output: tuple[str, ...] = ()
    logs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class SiteOutcome:
    """The end of one site: which of the two revisions it has, how that is known, the seconds spent on it, and whether
    any wave with it had begun."""

    site: Site
    where: RevisionSide
    proven: str = ""
    seconds: float = 0.0
    begun: bool = True


@dataclass(frozen=True)
class ManualAction:
    """Something a person must do on one site, and the command to begin with."""

    site: Site
    what: str
    command: str


@dataclass(frozen=True)
class MadeBackup:
    """A backup that a run has made, and the site of its database."""

    site: Site
    name: str


@dataclass(frozen=True)
class Outcome:
    """The end of a run; `notes` are sentences that help to go on from there, `readings` those of metric gates that
    decided, `smoke` the results of smoke steps."""

    plan: Plan
    code: ExitCode
    sites: tuple[SiteOutcome, ...] = ()
    failures: tuple[Failure, ...] = ()
    manual_actions: tuple[ManualAction, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    backups: tuple[MadeBackup, ...] = ()
    readings: tuple[GateMeasured, ...] = ()
    smoke: tuple[SmokeResult, ...] = ()
