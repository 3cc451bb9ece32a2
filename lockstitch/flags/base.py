"""The base of all drivers of feature flags: what each has, and how a value is read, compared, set and read back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from lockstitch.databases.engine import Engine
from lockstitch.metrics.settings import Seconds
from lockstitch.model.command import Command, Value
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, collect
from lockstitch.model.shell import shell_text
from lockstitch.model.written import WORD

# The driver of a flag that names none.
DEFAULT_KIND = "env"
# Set in an environment: by the service as it starts a process, or by the app's own code, which reads the file.
ReadBy = Literal["service", "app"]

_CHANGE = shell_text(__package__, "change.sh")
_LONGEST = 1000
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,6})?")


def flag_text(value: object) -> str:
    """Parse the value of a flag: text of one line, a number, or true or false."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        raise ValueError("it should be text, a number, or true or false")
    if not value.isprintable():
        raise ValueError(f"{value!r} holds control characters: a flag has one line of text")
    if value != value.strip():
        raise ValueError(f"{value!r} begins or ends with a blank, which not every reader keeps")
    if len(value) > _LONGEST:
        raise ValueError(f"it has {len(value)} characters: a flag has at most {_LONGEST}")
    return value


def number_in(value: str | None) -> float | None:
    """Return the number that the value of a flag is; None where it is none."""
    return float(value) if value is not None and _NUMBER.fullmatch(value) else None


FlagText = Annotated[
    str,
    BeforeValidator(flag_text),
    WithJsonSchema({"type": ["string", "number", "boolean"], WORD: "text or number"}),
]
GateName = Annotated[str, WithJsonSchema({"type": "string", WORD: "name"})]


class FlagStep(BaseModel):
    """One step of a rollout: a value, and how long its gates are watched before the next."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    to: FlagText = Field(description="the value")
    duration: Seconds | None = Field(None, alias="for", description="how long it is watched before the next step")

    @property
    def seconds(self) -> float:
        """The length of its watch; 0 for none."""
        return self.duration or 0.0


@dataclass(frozen=True)
class FlagPlace:
    """A flag of an app on one host, as its driver sees it. `current` is the folder that serves. `known` has what the
    driver's references stand for; a driver that names a database has its `engine` and the variables of its `login`.
    `dialect` is that of the file it changes, where it changes one; `any` where the inventory has none of it."""

    flag: str
    app: str
    current: str
    environment: str = ""
    known: Mapping[str, Value] = field(default_factory=dict)
    engine: Engine | None = None
    login: Mapping[str, Value] = field(default_factory=dict)
    dialect: str = "any"


@dataclass(frozen=True)
class FlagReading:
    """The value that was read: None where the flag is not set. `problem` says why it could not be read."""

    value: str | None = None
    problem: str = ""


def parse_reading(text: str, code: int) -> FlagReading:
    """Parse `value TEXT`, `unset` or `unreadable REASON`; whatever else was printed is a problem."""
    said = collect(text, {"value", "unset", "unreadable"})
    words = [word for word in ("value", "unset", "unreadable") if word in said]
    if code == 0 and words == ["value"] and len(said["value"]) == 1:
        return FlagReading(said["value"][0])
    if code == 0 and words == ["unset"]:
        return FlagReading()
    reason = (said["unreadable"] or said[""] or ["nothing was said"])[-1]
    return FlagReading(problem=reason if not code or said["unreadable"] else f"{reason} (exit code {code})")


def reading_line(value: str | None) -> str:
    """Return the line that a driver prints for a value."""
    return "unset" if value is None else f"value {value}"


class Flag(BaseModel):
    """The base of a feature flag. Subclasses set `kind: Literal[...]` and their settings, and override hooks.

    `read_text` prints `value TEXT`, `unset` or `unreadable REASON`. `write_text` sets `$flag_to`, or takes the flag
    away where `$flag_unset` is not empty; it fails with a reason. Their values have names that begin with `flag_`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    # Settings of such a flag as an inventory has them, without `kind`; tests take each.
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ()
    # True for one that each host of the app has for itself; else it is set once, from the app's first host.
    per_host: ClassVar[bool] = False

    gates: tuple[GateName, ...] = Field((), description="the app's `gates` that judge each step, by their names")
    steps: tuple[FlagStep, ...] = Field((), description="the values of `flag.rollout`, in order")

    def says(self) -> str:
        """Return where the flag is, in words."""
        raise NotImplementedError

    def refusal(self, value: str) -> str:
        """Return why the flag cannot have a value; empty where it can. Where all steps are numbers it is a number."""
        steps = [step.to for step in self.steps]
        if not steps or number_in(value) is not None or any(number_in(each) is None for each in steps):
            return ""
        return f"{value!r} is no number, and the steps are: {', '.join(steps)}"

    def references(self) -> tuple[str, ...]:
        """Return the references to secrets that it needs."""
        return ()

    def database_name(self) -> str | None:
        """Return the database it is in, by its name in the inventory; empty for the app's own, None for no database."""
        return None

    def variable_name(self) -> str:
        """Return the environment variable that the app's processes must have; empty where there is none."""
        return ""

    def is_read_by_app(self) -> bool:
        """Tell whether the app's code reads the file itself, so that its environment need not have the variable."""
        return False

    def file_in_release(self) -> str:
        """Return the file that it changes, relative to the release; empty where it is elsewhere."""
        return ""

    def values(self, place: FlagPlace, to: str | None = None) -> Mapping[str, Value]:
        """Return the values of its texts; `to` is what will be set, where something will."""
        raise NotImplementedError

    def read_text(self, place: FlagPlace) -> str:
        """Return the text that reads it."""
        raise NotImplementedError

    def write_text(self, place: FlagPlace) -> str:
        """Return the text that sets it."""
        raise NotImplementedError

    def export_text(self, place: FlagPlace) -> str:
        """Return the text that gives what starts or reloads the app the value that is set; empty where none is."""
        return ""

    def functions(self, place: FlagPlace) -> str:
        """Return its texts as shell functions `ls_flag_read` and `ls_flag_write`."""
        read, write = self.read_text(place), self.write_text(place)
        return f"ls_flag_read() {{{read}\n}}\nls_flag_write() {{{write}\n}}\n"

    def probe(self, place: FlagPlace) -> Probe[FlagReading]:
        """Return the question for its value."""
        command = Command(f"{self.functions(place)}ls_flag_read\n", values=self.values(place))
        return Probe(f"flag {place.flag}", command, parse_reading)

    def change(self, place: FlagPlace, to: str | None, expected: str = "") -> Command:
        """Return the command that sets it and reads it back. With `expected`, the line of a reading, it fails where
        another value is found."""
        asked = {
            "flag_name": place.flag,
            "flag_to": to or "",
            "flag_unset": "yes" if to is None else "",
            "flag_wanted": reading_line(to),
            "flag_expected": expected,
        }
        return Command(self.functions(place) + _CHANGE, values={**self.values(place, to), **asked})
