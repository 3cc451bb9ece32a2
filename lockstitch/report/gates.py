"""Readings of metric gates during a run, as text and JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from lockstitch.model.format import finite, span
from lockstitch.model.wave_watch import GateMeasured
from lockstitch.report.text import table


def measured_text(event: GateMeasured) -> str:
    """Return a reading in one line: what was counted, what it says so far, and for how long it goes on."""
    return f"{event.app}: gate {event.gate}: {verdict_text(event)}: {event.says}{remaining_text(event)}"


def verdict_text(event: GateMeasured) -> str:
    """Return the verdict as a word, and what it decides."""
    so_far = "" if event.last else " so far"
    return f"{event.answer}{so_far}{' (dry: decides nothing)' if event.dry else ''}"


def remaining_text(event: GateMeasured) -> str:
    return "" if event.last else f"; {span(event.remaining)} left"


def interval_text(event: GateMeasured) -> str:
    """Return the bounds of the true value; `-` where it has none."""
    if event.low is None or event.high is None or not event.total:
        return "-"
    return f"{event.low * 100:.2g} to {event.high * 100:.2g} %"


def limit_text(event: GateMeasured) -> str:
    """Return what the true value is judged by; `-` where it is judged otherwise."""
    return "-" if event.limit is None else f"{event.limit * 100:.3g} %"


_KEYS = ("app", "gate", "answer", "says", "hint", "dry", "bad", "total", "old_bad", "old_total", "low", "high", "limit")


def reading_json(reading: Mapping[str, Any]) -> dict[str, Any]:
    """Return a reading, as an event or as a line of a run's record, for programs."""
    at = {key: _time(reading.get(key)) for key in ("begin", "end")}
    return {**{key: reading.get(key) for key in _KEYS}, **at, "last": bool(reading.get("last"))}


def readings_table(readings: Sequence[Mapping[str, Any]]) -> str:
    """Return the readings of a run as a table: of each gate those with another verdict than the one before, and those
    that decided."""
    rows, before = [], dict[tuple[str, str], str]()
    for each in map(reading_json, readings):
        gate = (str(each["app"]), str(each["gate"]))
        if each["last"] or before.get(gate) != each["answer"]:
            verdict = f"{each['answer']}{'' if each['last'] else ' so far'}{' (dry)' if each['dry'] else ''}"
            rows.append((*gate, str(each["end"]), verdict, str(each["says"])))
        before[gate] = str(each["answer"])
        if each["last"]:
            before.pop(gate)
    return table(("APP", "GATE", "UNTIL", "VERDICT", "WHY"), rows) if rows else ""


def _time(epoch: object) -> str | None:
    try:
        return None if (at := finite(epoch)) is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return None
