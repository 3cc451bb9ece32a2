"""Results of `measure` as text and JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lockstitch.measures.record import MeasureRecord
from lockstitch.report.text import table
from lockstitch.text import oneline

_KEYS = (
    "app",
    "name",
    "kind",
    "host",
    "verdict",
    "says",
    "hint",
    "notes",
    "numbers",
    "lines",
    "release",
    "revision",
    "before_run",
    "report",
)


def measures_text(records: Sequence[MeasureRecord], run: str, environment: str) -> str:
    """Return the verdict of each measure at each place, with the numbers that decide, and what else is known."""
    lines = []
    wide = max((len(f"{each.app}: {each.name} on {each.host}") for each in records), default=0)
    for each in records:
        where = f"{each.app}: {each.name} on {each.host}"
        lines.append(f"{each.verdict:<7}  {where:<{wide}}  {oneline(each.says)}")
        more = [*each.notes, *each.lines]
        lines += [f"{'':<9}{oneline(line)}" for line in more]
        lines += [f"{'':<9}HINT: {oneline(each.hint)}"] if each.hint else []
        lines += [f"{'':<9}compared with run {each.before_run}"] if each.before_run else []
    if not records:
        return f"nothing was measured; run {run}"
    return "\n".join(
        [*lines, "", f"recorded as run {run}: fab -H {environment} measure --compare {run} compares with it"]
    )


def measures_json(records: Sequence[MeasureRecord], run: str, code: int) -> dict[str, Any]:
    """Return the same for programs."""
    return {"run": run, "measures": [measured_json(each.event) for each in records], "exit_code": code}


def measured_json(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result, or its line in the record of a run, for programs."""
    return {key: list(value) if isinstance(value := event.get(key), tuple) else value for key in _KEYS}


def measures_table(events: Sequence[Mapping[str, Any]]) -> str:
    """Return the results in the record of a run as a table."""
    rows = [
        tuple(str(event.get(key) or "-") for key in ("app", "name", "host", "at", "verdict", "says"))
        for event in events
    ]
    return table(("APP", "MEASURE", "HOST", "AT", "VERDICT", "WHY"), rows)
