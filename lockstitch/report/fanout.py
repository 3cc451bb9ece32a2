"""Results of commands on many hosts as text and JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from lockstitch.errors import ExitCode
from lockstitch.model.format import span, when
from lockstitch.model.results import HostResult, worst_exit_code
from lockstitch.report.text import counted, indented, table
from lockstitch.text import oneline

_KINDS = {ExitCode.DONE: "ok", ExitCode.UNREACHABLE: "unreachable", ExitCode.INTERRUPTED: "interrupted"}


def results_text(results: Mapping[str, HostResult], *, all_of_them: bool = True) -> str:
    """Return a line for each result, or for those that failed, and how many ended in which way."""
    shown = {label: result for label, result in results.items() if all_of_them or result.code is not ExitCode.DONE}
    rows = [(label, result.words, span(result.seconds, tenths=True)) for label, result in shown.items()]
    lines = [table(("HOST", "RESULT", "TIME"), rows)] if rows else []
    return "\n".join([*lines, summary(results)]) if len(results) > 1 else "\n".join(lines) or summary(results)


def summary(results: Mapping[str, HostResult]) -> str:
    """Return the counts in one line: `3 hosts: 2 ok, 1 failed`."""
    kinds = [_KINDS.get(result.code, "failed") for result in results.values()]
    counts = [f"{kinds.count(kind)} {kind}" for kind in ("ok", "failed", "unreachable", "interrupted") if kind in kinds]
    return f"{counted(len(results), 'host')}: {', '.join(counts) or 'nothing done'}"


def results_json(results: Mapping[str, HostResult], *, cut: Mapping[str, bool] | None = None) -> dict[str, Any]:
    """Return by host the result, exit code, duration and output; `cut` is true where only the end of the output was
    kept."""
    hosts = {
        label: {
            "result": _KINDS.get(result.code, "failed"),
            "code": result.exit,
            "words": result.words,
            "seconds": round(result.seconds, 3),
            "output": "".join(step.output for step in result.results),
            "cut": bool((cut or {}).get(label)),
        }
        for label, result in results.items()
    }
    return {"hosts": hosts, "exit_code": int(worst_exit_code(list(results.values())))}


_WORDS = {"check_said_no": "failed", "reverted": "put back", "needs_a_person": "needs a person"}


def code_word(name: str) -> str:
    """Return the name of an exit code as people read it."""
    return _WORDS.get(name.lower(), name.lower())


def by_hand_text(lines: Sequence[Mapping[str, Any]], now: datetime, zone: tzinfo | None = None) -> str:
    """Return the ad hoc commands in this machine's journal, newest first; times are local."""
    rows = [
        (
            *when(str(line["began"]), now, zone),
            str(line["by"]),
            _codes(line["codes"]),
            span(line["seconds"], tenths=True),
            str(line["what"]),
            str(line.get("run", "")),
        )
        for line in lines
    ]
    return (
        table(("WHEN", "", "BY", "HOSTS", "TIME", "WHAT", "RUN"), rows)
        if rows
        else "nothing was done by hand from this machine"
    )


def _codes(codes: Mapping[str, Any]) -> str:
    """Return the results in one line: `3 ok, api1: 42, api2: unreachable`; of the failed ones only the first three."""
    bad = [f"{label}: {code_word(str(code))}" for label, code in codes.items() if code != 0]
    good = len(codes) - len(bad)
    more = [f"{len(bad) - 3} more"] if len(bad) > 3 else []
    return ", ".join([*([f"{good} ok"] if good else []), *bad[:3], *more])


def grouped_text(results: Mapping[str, HostResult], sums: Mapping[str, str]) -> str:
    """Return the output of hosts, identical output once with all its hosts; `sums` tells by label which are
    identical."""
    groups: dict[tuple[str, str], list[str]] = {}
    for label, result in results.items():
        groups.setdefault((result.words, sums.get(label, "")), []).append(label)
    parts = []
    for (words, _), labels in groups.items():
        said = "".join(step.output for step in results[labels[0]].results).rstrip("\n")
        count = f" ({counted(len(labels), 'host')})" if len(labels) > 1 else ""
        lines = indented(said.split("\n") if said else (), "  | ")
        parts.append("\n".join([f"== {', '.join(labels)}{count}: {oneline(words)}", *lines]))
    return "\n\n".join(parts)
