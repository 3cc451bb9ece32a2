"""Measure `command`: a command in the code that serves, such as a suite of tests, on the app's first host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from lockstitch.measures.base import Measure, MeasuredOn, MeasuredSite, MeasureResult, bounded
from lockstitch.metrics.judgement import Answer
from lockstitch.metrics.settings import Seconds, ShellLine
from lockstitch.model.command import Command
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe

_LINES = 10


@dataclass(frozen=True)
class CommandEnd:
    """The end of a command: its exit code and its last lines."""

    code: int
    lines: tuple[str, ...]


class CommandMeasure(Measure):
    """A command that passes by ending with 0."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"run": "npm run test:performance", "timeout": "10m"},)

    kind: Literal["command"] = Field(description="a command in the release that serves, on the app's first host")
    run: ShellLine = Field(description="the command, in the release's folder with the app's environment and secrets")
    timeout: Seconds = Field(600.0, description="how long it may take")

    def measured_on(self) -> MeasuredOn:
        return "first"

    def seconds(self, samples: int) -> float:
        return self.timeout

    def probe(self, site: MeasuredSite, begin: int, end: int) -> Probe[CommandEnd]:
        command = Command('sh -c "$line" </dev/null', values={"line": self.run}, env=site.env, cwd=site.directory)
        return Probe(f"measure {site.name}", command, parse_end)

    def judge(self, site: MeasuredSite, sample: Any, before: Mapping[str, float] | None) -> MeasureResult:
        assert isinstance(sample, CommandEnd)
        answer = Answer.FAIL if sample.code else Answer.PASS
        says = f"`{self.run}` ended with exit code {sample.code}"
        return MeasureResult(answer, says, numbers={"code": sample.code}, lines=bounded(sample.lines, "lines"))


def parse_end(text: str, code: int) -> CommandEnd:
    """Return the end of a command, with its last lines."""
    lines = [line for line in text.splitlines() if line.strip()]
    return CommandEnd(code, tuple(lines[-_LINES:]))
