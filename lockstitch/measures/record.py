"""The record of one result: what is kept of it with the run and with the release, and compared later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, field
from typing import Any

from lockstitch.measures.base import MOST_LINES, MOST_NUMBERS, MeasureResult
from lockstitch.model.format import finite
from lockstitch.model.lazy_dataclass import dataclass

# The host of what is measured from this machine.
HERE = "here"
_LONGEST = 500


@dataclass(frozen=True)
class MeasureRecord:
    """One result at one place. `release` and `revision` are those that served; `before_run` is the run whose numbers it
    was compared with, empty for none."""

    app: str
    name: str
    kind: str
    host: str
    verdict: str
    says: str
    hint: str = ""
    notes: tuple[str, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    release: str = ""
    revision: str = ""
    before_run: str = ""
    report: str = ""

    @property
    def event(self) -> dict[str, Any]:
        """The fields of its line in the record of a run."""
        return asdict(self)

    @classmethod
    def of(cls, result: MeasureResult, **where: str) -> MeasureRecord:
        """Return the record of a result, which is bounded."""
        return cls(
            verdict=result.answer.value,
            says=result.says[:_LONGEST],
            hint=result.hint[:_LONGEST],
            notes=tuple(note[:_LONGEST] for note in result.notes[:MOST_LINES]),
            numbers=dict(list(result.numbers.items())[:MOST_NUMBERS]),
            lines=tuple(line[:_LONGEST] for line in result.lines[: MOST_LINES + 1]),
            **where,
        )


def numbers_in(events: Iterable[Mapping[str, Any]], app: str, name: str, host: str) -> dict[str, float] | None:
    """Return the newest numbers of a measure at one place, from the events of a run; None where there are none, or they
    could not be judged."""
    known = None
    for event in events:
        same = (event.get("app"), event.get("name"), event.get("host")) == (app, name, host)
        numbers = event.get("numbers")
        if event.get("event") == "measured" and same and isinstance(numbers, dict) and event.get("verdict") != "blind":
            known = {str(key): number for key, value in numbers.items() if (number := finite(value)) is not None}
    return known
