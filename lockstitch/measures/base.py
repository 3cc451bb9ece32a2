"""The base of all measures: what each has, and how its samples are taken and judged. Each is a file or folder here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from lockstitch.measures.timing import RequestLoad
from lockstitch.metrics.intervals import Proportion
from lockstitch.metrics.judgement import Answer
from lockstitch.model.command import Value
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plugins import by_kind
from lockstitch.model.probe import Probe

# The kind of a measure that names none, where its name is none either.
DEFAULT_KIND = "http"
# Where samples are taken: on every host of the app, on its first one, or on this machine.
MeasuredOn = Literal["hosts", "first", "here"]
# So many requests to an environment that is protected need nobody's consent, and so many a second.
FEW_REQUESTS, FEW_A_SECOND = 100, 20.0
# More than is recorded of one result.
MOST_NUMBERS, MOST_LINES = 400, 40


@dataclass(frozen=True)
class MeasuredSite:
    """A site as a measure sees it. `directory` is the folder that serves, `before` that of the last good release
    before it (empty where there is none), `health` the app's health URL. `env` is what the app's commands are given,
    `known` what references stand for, and `earlier` the words for what it is compared with. `unknown` says why it
    cannot be told which releases were before."""

    app: str
    name: str
    host: str
    directory: str = ""
    before: str = ""
    health: str = ""
    env: Mapping[str, Value] = field(default_factory=dict)
    known: Mapping[str, Value] = field(default_factory=dict)
    earlier: str = "the last good release"
    unknown: str = ""


@dataclass(frozen=True)
class MeasureProgram:
    """A program of this machine: its words, the text of files that are made for it while it runs (by the word that
    stands for their paths), how often it runs and how long each time may take, in seconds."""

    words: tuple[str, ...]
    files: Mapping[str, Value] = field(default_factory=dict)
    runs: int = 1
    seconds: float = 300.0


@dataclass(frozen=True)
class ProgramResult:
    """The end of a program: its exit code (None: it was not there, or not over in time, and `output` says so)."""

    code: int | None
    output: str
    errors: str = ""


@dataclass(frozen=True)
class MeasureResult:
    """The judgement of a measure at one place: `says` why, `hint` what to do, and `notes` are sentences that decide
    nothing. `numbers` are what is recorded and compared, `lines` what else is shown."""

    answer: Answer
    says: str
    hint: str = ""
    notes: tuple[str, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    report: str = ""


@dataclass(frozen=True)
class MeasureComparison:
    """The judgement of a new release beside an old one that was measured in turns with it: what was bad of each, the
    bounds of the difference, and by how much more may be bad."""

    answer: Answer
    says: str
    hint: str = ""
    new: Proportion = Proportion(0, 0)
    old: Proportion = Proportion(0, 0)
    low: float | None = None
    high: float | None = None
    by: float | None = None


def blind(says: str, hint: str = "") -> MeasureResult:
    """Return the result of what could not be measured."""
    return MeasureResult(Answer.BLIND, says, hint)


class Measure(BaseModel):
    """The base of a measure. Subclasses set `kind: Literal[...]` and their settings, and override hooks.

    Samples are asked of a host by `probe`, or sent from here by `load` or `program`. What they return is added up with
    `+` and given to `judge`, which returns a result that is final once it passes, fails or is blind.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    # Settings of such a measure as an inventory has them, without `kind`; tests take each.
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ()

    def measured_on(self) -> MeasuredOn:
        """Return where it is measured."""
        return "hosts"

    def references(self) -> tuple[str, ...]:
        """Return the references to secrets that it needs."""
        return ()

    def secret_names(self) -> tuple[str, ...]:
        """Return the app's secrets whose values it needs, by their names."""
        return ()

    def needs_health(self) -> bool:
        """Tell whether its settings mean nothing for an app without a health URL."""
        return False

    def looks(self, *, few: bool) -> tuple[int, ...]:
        """Return after how many samples it is judged; with `few` no more than need nobody's consent. Raises ValueError
        where it cannot be judged by so few."""
        return (1,)

    def is_gate(self) -> bool:
        """Tell whether it judges the first wave of a deploy: new hosts and old ones are measured in turns."""
        return False

    def gate_looks(self) -> tuple[int, ...]:
        """Return after how many samples of each side a gate is judged."""
        return self.looks(few=False)

    def probe(self, site: MeasuredSite, begin: int, end: int) -> Probe[Any] | None:
        """Return the question to a host for the samples from `begin` to `end`; None where none is asked."""
        return None

    def load(self, site: MeasuredSite, begin: int, end: int) -> RequestLoad | None:
        """Return the requests that are sent from here; None where none are."""
        return None

    def program(self, site: MeasuredSite) -> MeasureProgram | None:
        """Return the program that runs here; None where none does. `judge` is given its results."""
        return None

    def refusal(self, site: MeasuredSite) -> str:
        """Return why it cannot be taken there as it is declared; empty where it can."""
        return ""

    def compare(self, new: Any, old: Any) -> MeasureComparison:
        """Return the judgement of a gate by samples of both releases."""
        raise NotImplementedError

    def seconds(self, samples: int) -> float:
        """Return how long so many samples may take at most."""
        return 300.0

    def judge(self, site: MeasuredSite, sample: Any, before: Mapping[str, float] | None) -> MeasureResult:
        """Return the judgement of all samples so far. `before` are the recorded numbers of the last good release; None
        where there are none."""
        raise NotImplementedError


def measure_types() -> dict[str, type[Measure]]:
    """Return every measure by its kind, in alphabetical order."""
    return by_kind(__package__, Measure)


def bounded(lines: Sequence[str], what: str) -> tuple[str, ...]:
    """Return the lines, cut to what is shown and recorded of one result."""
    more = len(lines) - MOST_LINES
    return (*lines[:MOST_LINES], f"and {more} more {what}") if more > 0 else tuple(lines)
