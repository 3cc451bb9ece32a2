"""Values of the host itself, as they are now: memory, CPUs, load, disks. Those of its apps come from other questions.

host.sh    what runs on the host
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from lockstitch.metrics.base import Kind, Source, Unit
from lockstitch.metrics.measurement import Measurement, Question, Requests
from lockstitch.model.command import Command
from lockstitch.model.probe import KeyedLines, Probe, collect, last, number
from lockstitch.model.shell import shell_text

_VALUES = shell_text(__package__, "host.sh")
# The kinds of time that every kernel since 2.6.11 tells first: user, nice, system, idle, iowait, irq, softirq, steal.
_KINDS, _IDLE, _WAITING, _STOLEN = 8, 3, 4, 7
_UNITS: Mapping[str, Unit] = {
    "memory": "percentage",
    "swap": "percentage",
    "cpu": "percentage",
    "waiting": "percentage",
    "stolen": "percentage",
    "load": "number",
    "disk": "percentage",
    "inodes": "percentage",
}
# They are asked only where a gate names them.
_OF_APP: Mapping[str, Unit] = {
    "connections": "percentage",
    "redis_memory": "percentage",
    "redis_clients": "percentage",
    "jobs_waiting": "number",
    "jobs_failed": "number",
}


class HostValues(Source):
    """The host's memory, CPUs, load and disks."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({}, {"paths": ["/", "/var/lib/postgresql"]})

    kind: Literal["host"] = Field(
        description="values of the host now: `memory`, `swap`, `cpu`, `waiting` (for disks), `stolen`, `disk` and "
        "`inodes` in percent, and `load` for each CPU; of the app `connections` of its database, `redis_memory` and "
        "`redis_clients` in percent of what is allowed, and the numbers `jobs_waiting` and `jobs_failed`"
    )
    paths: tuple[str, ...] = Field(default=("/",), description="a path on each file system; the fullest one counts")

    @field_validator("paths")
    @classmethod
    def _paths(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for path in value:
            if not path.startswith("/") or "\n" in path:
                raise ValueError(f"{path!r} is no absolute path")
        if not value:
            raise ValueError("it is empty")
        return value

    def measures(self) -> frozenset[Kind]:
        return frozenset({"values"})

    def units(self) -> Mapping[str, Unit]:
        return {**_UNITS, **_OF_APP}

    def values_of_app(self) -> frozenset[str]:
        return frozenset(_OF_APP)

    def probe(self, question: Question) -> Probe[Measurement]:
        windows, paths = len(question.windows), self.paths
        command = Command(_VALUES, values={"paths": "\n".join(paths)})
        return Probe("host", command, lambda text, code: _measurement(text, windows, paths))


def _measurement(text: str, windows: int, paths: tuple[str, ...]) -> Measurement:
    """Return what the host told. A value that it did not tell is missing; without its file systems it is blind."""
    said = collect(text)
    values = {**_memory(said), **_processors(said)}
    for name, word in (("disk", "k"), ("inodes", "i")):
        parts = [_part(line) for line in said[word]]
        if len(parts) != len(paths) or (word == "k" and None in parts):
            says = next((line for line in said[word] if _part(line) is None), "df says nothing")
            return Measurement(blind=f"the file systems of {', '.join(paths)} cannot be read: {says[:200]}")
        # A file system without inodes of its own has no part of them.
        if known := [part for part in parts if part is not None]:
            values[name] = max(known)
    return Measurement((Requests(),) * windows, _about(values), values=values)


def _memory(said: KeyedLines) -> dict[str, float]:
    total, available, swap, free = (
        number(last(said, f"{word}:")) for word in ("MemTotal", "MemAvailable", "SwapTotal", "SwapFree")
    )
    values = {}
    if total and available is not None:
        values["memory"] = 1 - min(total, available) / total
    if swap is not None and free is not None:
        values["swap"] = 1 - min(swap, free) / swap if swap else 0.0
    return values


def _processors(said: KeyedLines) -> dict[str, float]:
    values: dict[str, float] = {}
    try:
        values["load"] = float(last(said, "load")) / (number(last(said, "cpus")) or 0)
    except (ValueError, ZeroDivisionError):
        values = {}
    before, after = ([int(word) for word in last(said, key).split()[1:9] if word.isdigit()] for key in ("from", "to"))
    if len(before) == len(after) == _KINDS:
        spent = [max(0, new - old) for old, new in zip(before, after, strict=True)]
        if total := sum(spent):
            values["cpu"] = 1 - (spent[_IDLE] + spent[_WAITING]) / total
            values["waiting"], values["stolen"] = spent[_WAITING] / total, spent[_STOLEN] / total
    return values


def _part(line: str) -> float | None:
    """Return the used part that a line of df tells; None where it tells none."""
    words = line.split()
    percent = number(words[4].rstrip("%")) if len(words) > 5 and words[4].endswith("%") else None
    return None if percent is None else percent / 100


def _about(values: Mapping[str, float]) -> str:
    return ", ".join(
        f"{name} {value * 100:.0f} %" if _UNITS[name] == "percentage" else f"{name} {value:.2f}"
        for name, value in values.items()
    )
