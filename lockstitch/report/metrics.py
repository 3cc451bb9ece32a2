"""Results of `metrics` and `gates` as text and JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lockstitch.checks.metric_gates import GateReading
from lockstitch.metrics.measurement import ERROR, Measurement, Requests
from lockstitch.model.format import span
from lockstitch.report.text import table
from lockstitch.text import oneline

_HEADINGS = ("SOURCE", "HOST", "REQUESTS", "5XX", "P50", "P95", "READ AS")
# Source, then host.
Measurements = Mapping[str, Mapping[str, Measurement]]


def metrics_text(measured: Measurements, seconds: float) -> str:
    """Return a line for each source and host, of the last `seconds`; below, what cannot be read and why."""
    rows, notes = [], []
    for source, hosts in measured.items():
        for host, answer in hosts.items():
            rows.append((source, host, *_cells(answer)))
            if answer.blind:
                notes += [f"{source} on {host} cannot be read: {answer.blind}"]
                notes += [f"    HINT: {answer.hint}"] if answer.hint else []
            elif answer.windows and answer.windows[0].untimed and answer.untimed_hint:
                notes += [f"{source} on {host} tells no durations", f"    HINT: {answer.untimed_hint}"]
            notes += [f"{source} on {host}: {name} cannot be read: {why}" for name, why in answer.unread.items()]
    head = f"requests of the last {span(seconds)}, health checks left out"
    return "\n".join([head, "", table(_HEADINGS, rows), *(["", *map(oneline, dict.fromkeys(notes))] if notes else [])])


def _cells(answer: Measurement) -> tuple[str, ...]:
    if answer.blind:
        return ("?", "?", "?", "?", "cannot be read")
    requests = answer.windows[0] if answer.windows else Requests()
    if not requests.statuses and not requests.durations.total and _is_other(answer):
        return ("-", "-", "-", "-", answer.about)
    return (
        str(requests.total),
        str(requests.with_status(ERROR).bad),
        _percentile(requests.durations.percentile(0.5)),
        _percentile(requests.durations.percentile(0.95)),
        answer.about,
    )


def _is_other(answer: Measurement) -> bool:
    """Tell whether a source has something else than requests: values, a share, records."""
    return bool(answer.values) or any(window.share.total or window.records for window in answer.windows)


def _percentile(bounds: tuple[float, float | None] | None) -> str:
    if bounds is None:
        return "-"
    low, high = bounds
    return f"≥ {_seconds(low)}" if high is None else f"{_seconds(low)} to {_seconds(high)}"


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def metrics_json(measured: Measurements, code: int) -> dict[str, Any]:
    """Return the same for programs; `statuses` are requests by status."""
    return {
        "sources": {
            source: {host: _measurement_json(answer) for host, answer in hosts.items()}
            for source, hosts in measured.items()
        },
        "exit_code": code,
    }


def _measurement_json(answer: Measurement) -> dict[str, Any]:
    if answer.blind:
        return {"blind": answer.blind, "hint": answer.hint}
    requests = answer.windows[0] if answer.windows else Requests()
    return {
        "blind": "",
        "about": answer.about,
        "values": dict(answer.values),
        "unread": dict(answer.unread),
        "share": [requests.share.bad, requests.share.total],
        "records": {pattern: [count.bad, count.total] for pattern, count in requests.records.items()},
        "requests": requests.total,
        "statuses": {str(status): count for status, count in sorted(requests.statuses.items())},
        "untimed": requests.untimed,
        "p50": requests.durations.percentile(0.5),
        "p95": requests.durations.percentile(0.95),
    }


def gates_text(readings: Mapping[str, Sequence[GateReading]]) -> str:
    """Return the verdicts of each app's gates, with what they are made of."""
    lines = []
    for app, judged in readings.items():
        wide = max(len(reading.gate) for reading in judged)
        lines.append(f"{app}:")
        for reading in judged:
            dry = " (dry: decides nothing)" if reading.dry else ""
            lines.append(f"  {reading.answer.value:<7}  {reading.gate:<{wide}}  {oneline(reading.says)}{dry}")
            if reading.hint:
                lines.append(f"{'':<{wide + 13}}HINT: {oneline(reading.hint)}")
    return "\n".join(lines)


def gates_json(readings: Mapping[str, Sequence[GateReading]], code: int) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "apps": {
            app: {
                reading.gate: {
                    "verdict": reading.answer.value,
                    "words": reading.says,
                    "hint": reading.hint,
                    "dry": reading.dry,
                }
                for reading in judged
            }
            for app, judged in readings.items()
        },
        "exit_code": code,
    }
