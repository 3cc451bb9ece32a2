"""Pure: how far a step is, by the lines `progress NUMBER WORDS` that it prints and by what it expects to come to."""

from __future__ import annotations

from dataclasses import dataclass

from lockstitch.model.format import sized
from lockstitch.model.plan import Plan
from lockstitch.model.probe import number

Expected = dict[tuple[str, str, str], int]


@dataclass(frozen=True)
class Progress:
    """How far a step is: `done` of about `of`, 0 where that is not known, and both in words."""

    done: int
    of: int
    words: str


def expected(plan: Plan) -> Expected:
    """What the steps of a plan will come to, by host, app and step."""
    return {
        (unit.site.host, unit.site.app, step.name): step.expects
        for unit in plan.units()
        for step in unit.steps
        if step.expects
    }


def progress(line: str, whole: int) -> Progress | None:
    """How far a step is that comes to `whole`, where its line tells that."""
    word, _, rest = line.partition(" ")
    count, _, words = rest.partition(" ")
    done = number(count) if word == "progress" else None
    if done is None:
        return None
    if words.startswith("bytes"):
        about = f" of about {sized(whole)}" if whole else ""
        return Progress(done, whole, f"{sized(done)}{about}{words.removeprefix('bytes')}")
    return Progress(done, whole, f"{done}{f' of {whole}' if whole else ''} {words}")
