"""Past runs judged by the limits of today, as text and JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from lockstitch.checks.past_runs import PastGate, PastRun
from lockstitch.model.format import when
from lockstitch.model.wave_watch import Way
from lockstitch.report.text import counted, table
from lockstitch.text import oneline


def past_runs_json(judged: Sequence[PastRun], unreadable: Sequence[str], code: int) -> dict[str, Any]:
    """Return the runs, the newest first, and how many would have gone back, for programs."""
    return {
        "runs": [_run(each) for each in judged],
        "judged": len(judged),
        "back": sum(each.goes_back is True for each in judged),
        "unknown": sum(each.goes_back is None for each in judged),
        "went": sum(each.went for each in judged),
        "unreadable": list(unreadable),
        "exit_code": code,
    }


def _run(each: PastRun) -> dict[str, Any]:
    return {
        "run": each.run,
        "kind": each.kind,
        "by": each.by,
        "at": each.at or None,
        "back": each.goes_back,
        "way": each.way.value,
        "when": None if each.when is None else _utc(each.when),
        "reason": each.reason,
        "went": each.went,
        "notes": list(each.notes),
        "gates": [vars(gate) for gate in each.gates],
    }


def past_runs_text(
    judged: Sequence[PastRun], unreadable: Sequence[str], now: datetime, zone: tzinfo | None = None
) -> str:
    """Return the same for people: times are local."""
    lines: list[str] = []
    for each in judged:
        lines += [*_lines(each, now, zone), ""]
    lines += [oneline(f"! {said}") for said in unreadable]
    reverted, unknown = sum(each.goes_back is True for each in judged), sum(each.goes_back is None for each in judged)
    more = f"; of {unknown} that is not known" if unknown else ""
    if not judged:
        return "\n".join([*lines, "no run with readings of these gates is recorded on this machine"])
    went, runs = sum(each.went for each in judged), counted(len(judged), "run")
    return "\n".join([*lines, f"of {runs} {reverted} would have gone back{more}; {went} did then"])


def _lines(each: PastRun, now: datetime, zone: tzinfo | None) -> list[str]:
    local, ago = when(each.at, now, zone)
    head = f"run {each.run}: {each.kind} by {each.by or 'nobody known'}, {local} ({ago})"
    at = "" if each.when is None else f" at {when(_utc(each.when), now, zone)[0]}"
    ends = {Way.BACK: f"would have gone back{at}", Way.ASK: f"would have asked a person{at}"}
    end = ends.get(
        each.way, "would not have gone back" if each.whole else "whether it would have gone back is not known"
    )
    lines = [oneline(head), oneline(f"  {end}{f': {each.reason}' if each.reason else ''}")]
    if each.went:
        lines.append("  it did go back then")
    rows = [_row(gate) for gate in each.gates]
    lines += [f"  {line}" for line in table(("PART", "APP", "GATE", "NOW", "THEN", "WHY"), rows).splitlines()]
    return [*lines, *(oneline(f"  ! {note}") for note in each.notes)]


def _row(gate: PastGate) -> tuple[str, ...]:
    verdict = f"{gate.verdict or '?'}{' (dry)' if gate.dry else ''}"
    return gate.part, gate.app, gate.gate, verdict, gate.then or "-", gate.says


def _utc(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
