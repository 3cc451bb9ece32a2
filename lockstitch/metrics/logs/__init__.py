"""Records of an app's logs that match a regular expression, counted on the host by the times in the logs.

count.sh count.awk    what runs on the host: only counts leave it
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from lockstitch.metrics.base import TIMES, WINDOWS, Kind, Source
from lockstitch.metrics.intervals import Proportion
from lockstitch.metrics.measurement import LogPlace, Measurement, Question, Requests, pooled
from lockstitch.model.command import Command, Value
from lockstitch.model.probe import KeyedLines, Probe, collect, last, number
from lockstitch.model.shell import shell_text

_COUNT = shell_text(__package__, "count.sh")
_SHORTER = "use a shorter window"


class AppLogs(Source):
    """The logs of an app, as `fab logs` finds them."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({}, {"paths": ["/var/log/api/*.log"]})
    of_app: ClassVar[bool] = True

    kind: Literal["logs"] = Field(description="records of an app's logs that match a regular expression")
    paths: tuple[str, ...] = Field(
        default=(), description="files or patterns to read instead of all logs that `fab logs` finds"
    )

    @field_validator("paths")
    @classmethod
    def _paths(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for path in value:
            if not path.strip() or path.startswith(("~", "-")) or "\n" in path:
                raise ValueError(f"{path!r} is no path: write it from / or from the user's home on")
        return value

    def measures(self) -> frozenset[Kind]:
        return frozenset({"records"})

    def probe(self, question: Question) -> Probe[Measurement]:
        places = tuple(LogPlace(path) for path in self.paths) or question.places
        # An app has one service, and that has one question of this kind at most.
        ask = next((place.ask for place in places if place.ask), Command(":"))
        values: dict[str, Value] = {
            **ask.values,
            "paths": "\n".join(place.path for place in places if place.path),
            "units": " ".join(place.unit for place in places if place.unit),
            "spans": " ".join(window.words for window in question.windows),
            "patterns": "\n".join(question.patterns),
            "program": TIMES + shell_text(__package__, "count.awk"),
        }
        command = Command("ask() {\n" + ask.text + "\n}\n" + WINDOWS + _COUNT, values=values, env=ask.env)
        return Probe("logs", command, lambda text, code: _measurement(text, code, question, bool(places)))


def _measurement(text: str, code: int, question: Question, known: bool) -> Measurement:
    """Return the records in each window, of all files together. It is blind where one could not be read."""
    if not known:
        return Measurement(blind="it is not known where the app logs", hint="give it `logs:` in the inventory")
    beginning, *files = f"\n{text}".split("\nfile ")
    ending = collect(text)
    if code or "told" not in ending:
        return Measurement(blind=f"the question ended with exit code {code}: {beginning.strip()[-300:]}")
    for says in ending["unreadable"]:
        return Measurement(blind=says, hint="fab logs shows what can be read of it")
    if not files:
        absent = ", ".join(dict.fromkeys(ending["absent"])) or "nothing"
        return Measurement(blind=f"there is no log: {absent} is not there", hint="fab logs shows what there is")
    parts = []
    for each in files:
        name, _, rest = each.partition("\n")
        said = collect(rest)
        if blind := _blind(name, said):
            return Measurement(blind=blind[0], hint=blind[1])
        parts.append(tuple(_requests(said, question, window) for window in range(1, len(question.windows) + 1)))
    together = tuple(pooled(windows) for windows in zip(*parts, strict=True))
    return Measurement(together, _about(together[0], len(files)))


def _blind(name: str, said: KeyedLines) -> tuple[str, str] | None:
    """Return why a file cannot be judged by, and what to do; None where it can."""
    if "quiet" in said:
        return None
    lines, untimed = number(last(said, "lines")), number(last(said, "untimed"))
    if "end" not in said or lines is None or untimed is None:
        return f"{name}: the host did not read it to its end", ""
    first = last(said, "first")
    if lines and not first:
        return (
            f"{name}: its lines begin with no time that is known",
            "set `paths` of the source to logs that have times",
        )
    cut, _, earliest = last(said, "cut").partition(" ")
    if cut == "1" and (number(first) or 0) > (number(earliest) or 0):
        return f"{name}: more than 64 MiB were written since the window began", _SHORTER
    return None


def _requests(said: KeyedLines, question: Question, window: int) -> Requests:
    counts = {tuple(line.split()[:-1]): number(line.split()[-1]) or 0 for line in said["match"] if line.strip()}
    totals = {line.split()[0]: number(line.split()[-1]) or 0 for line in said["records"] if line.strip()}
    total = totals.get(str(window), 0)
    return Requests(
        records={
            pattern: Proportion(counts.get((str(window), str(at)), 0), total)
            for at, pattern in enumerate(question.patterns or ("",), 1)
        }
    )


def _about(window: Requests, files: int) -> str:
    logs = "1 log" if files == 1 else f"{files} logs"
    if list(window.records) == [""]:
        return f"{window.records[''].total} records in {logs}"
    return f"{logs}: " + ", ".join(f"{n.bad} of {n.total} records match {p}" for p, n in window.records.items())
