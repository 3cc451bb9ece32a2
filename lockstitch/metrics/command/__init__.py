"""Counts or a number that a command prints on each host.

run.sh    what runs on the host: the command for each window, with its output told apart from its errors
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from lockstitch.metrics.base import Kind, Source, Unit
from lockstitch.metrics.counters import LABEL_NAME
from lockstitch.metrics.intervals import Proportion
from lockstitch.metrics.measurement import Measurement, Question, Requests
from lockstitch.metrics.settings import Reference, ShellLine
from lockstitch.model.command import Command
from lockstitch.model.probe import KeyedLines, Probe, collect, fields
from lockstitch.model.shell import shell_text

_RUN = shell_text(__package__, "run.sh")
_COUNTS = re.compile(r"(\d{1,15})\s*(?:of|/)\s*(\d{1,15})", re.ASCII)
_HINT = "it must print one line: `BAD of TOTAL`, such as `3 of 120`, or with `prints: number` one number"


class CommandSource(Source):
    """A command that is run on the host, in the login user's home."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"run": "/usr/local/bin/failed-orders --since @$WINDOW_BEGIN"},
        {"run": "ls /var/spool/mail-out | wc -l", "prints": "number"},
        {"run": "/usr/local/bin/failed-orders --since @$WINDOW_BEGIN", "secrets": {"ORDERS_KEY": "env:ORDERS_KEY"}},
    )

    kind: Literal["command"] = Field(description="counts, or a number, that a command prints on each host")
    run: ShellLine = Field(
        description="the command; `$WINDOW_BEGIN` and `$WINDOW_END` are the times to count between, in epoch seconds"
    )
    prints: Literal["counts", "number"] = Field(
        default="counts", description="its one line of output: `BAD of TOTAL`, or a number as it is now"
    )

    secrets: dict[str, Reference] = Field(
        default={}, description="variables of its environment that are secret, as references: `env:NAME` and others"
    )

    @field_validator("secrets")
    @classmethod
    def _variables(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if not LABEL_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a variable")
        return value

    def measures(self) -> frozenset[Kind]:
        return frozenset({"shares"} if self.prints == "counts" else {"values"})

    def units(self) -> Mapping[str, Unit]:
        return {} if self.prints == "counts" else {"": "number"}

    def references(self) -> tuple[str, ...]:
        return tuple(self.secrets.values())

    def probe(self, question: Question) -> Probe[Measurement]:
        # A number is one of now.
        windows = question.windows if self.prints == "counts" else question.windows[:1]
        values = {"line": self.run, "spans": " ".join(window.words for window in windows)}
        if missing := question.missing(self.references()):
            return Probe("command", Command(":"), lambda text, code: Measurement(blind=missing))
        env = {name: question.known[reference] for name, reference in self.secrets.items()}
        parse, count = self._counts if self.prints == "counts" else self._number, len(question.windows)
        return Probe("command", Command(_RUN, values=values, env=env), lambda text, code: parse(collect(text), count))

    def _counts(self, said: KeyedLines, windows: int) -> Measurement:
        shares = []
        for window in range(1, windows + 1):
            line, blind = _line_of(said, window)
            if blind:
                return Measurement(blind=blind, hint=_HINT)
            if not (match := _COUNTS.fullmatch(line)) or int(match[1]) > int(match[2]):
                return Measurement(blind=f"the command printed {line[:200]!r}", hint=_HINT)
            shares.append(Requests(share=Proportion(int(match[1]), int(match[2]))))
        about = f"{shares[0].share.bad} of {shares[0].share.total}" if shares else ""
        return Measurement(tuple(shares), about)

    def _number(self, said: KeyedLines, windows: int) -> Measurement:
        line, blind = _line_of(said, 1)
        if blind:
            return Measurement(blind=blind, hint=_HINT)
        try:
            number = float(line)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            return Measurement(blind=f"the command printed {line[:200]!r}", hint=_HINT)
        return Measurement((Requests(),) * windows, f"{number:g}", values={"": number})


def _line_of(said: KeyedLines, window: int) -> tuple[str, str]:
    """Return the one line that the command printed for a window, or why there is none."""
    by_word = {
        word: [rest for at, rest in (fields(line, 2) for line in said[word]) if at == str(window)]
        for word in ("code", "said", "error")
    }
    code = (by_word["code"] or [""])[-1]
    lines = [line.strip() for line in by_word["said"] if line.strip()]
    if code == "0" and len(lines) == 1:
        return lines[0], ""
    if code == "0":
        return "", f"the command printed {len(lines)} lines" if lines else "the command printed nothing"
    why = ([line for line in by_word["error"] if line.strip()] or lines or ["it said nothing"])[-1][:300]
    return "", f"the command ended with exit code {code}: {why}" if code else "the host did not run the command"
