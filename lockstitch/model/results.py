"""The results of steps on hosts, the events of a script as it runs, and how a command on one of many hosts ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from lockstitch.errors import ExitCode
from lockstitch.model.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Result:
    """The result of one step of a script. `output` is what it printed, stdout and stderr as they came, its last part
    where it is long; `code` is the exit code; `seconds` is measured on the host in whole seconds."""

    name: str
    code: int
    output: str
    seconds: int

    @property
    def ok(self) -> bool:
        return self.code == 0


@dataclass(frozen=True)
class StepBegan:
    """A step has begun on a host."""

    host: str
    app: str
    name: str
    run: str = ""


@dataclass(frozen=True)
class StepOutput:
    """A whole line that a step printed, decoded, still with whatever control characters the host sent."""

    host: str
    app: str
    name: str
    line: str


@dataclass(frozen=True)
class StepEnded:
    """A step has ended on a host."""

    host: str
    app: str
    name: str
    code: int
    seconds: int


Event = StepBegan | StepOutput | StepEnded
Observer = Callable[[Event], None]


@runtime_checkable
class LinesObserver(Protocol):
    """An observer that also takes many lines of a step's output at once, which costs less than an event a line."""

    def __call__(self, event: Event) -> None: ...

    def take_lines(self, host: str, app: str, name: str, text: str) -> None:
        """Take whole lines that the step `name` printed, each with its line feed, in place of their StepOutputs."""


def lines_of(text: str) -> list[str]:
    """Return the lines of a text that ends in a line feed, each as a StepOutput has it."""
    return [line.rstrip("\r") for line in text[:-1].split("\n")]


def nobody(event: Event) -> None:
    """The observer that looks away."""


@dataclass(frozen=True)
class HostResult:
    """The result on one host: the code it counts as, that in words, what its steps said, what the host's command exited
    with (None where it did not end by itself), and after how many seconds."""

    code: ExitCode
    words: str
    results: tuple[Result, ...] = ()
    exit: int | None = None
    seconds: float = 0.0


def worst_exit_code(results: Sequence[HostResult]) -> ExitCode:
    """Return the exit code for all of them: an interrupt above a host that was not reached, that above everything
    else."""
    return max((result.code for result in results), key=_weight, default=ExitCode.DONE)


def _weight(code: ExitCode) -> tuple[bool, bool, int]:
    return (code == ExitCode.INTERRUPTED, code == ExitCode.UNREACHABLE, code)
