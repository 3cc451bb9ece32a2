"""Pure: what `database.check` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lockstitch.databases.health import DatabaseState
from lockstitch.model.finding import Finding
from lockstitch.model.format import sized, span
from lockstitch.report.text import table
from lockstitch.text import oneline

Judged = tuple[DatabaseState, Sequence[Finding]]
_LEVELS = {"pass": "pass", "note": "note", "warn": "WARN", "fail": "FAIL"}
_TABLES = ("TABLE", "SIZE", "ROWS, ABOUT", "DEAD", "ANALYZED")


def databases_text(judged: Mapping[str, Judged]) -> str:
    """Each database: what it is, every finding, its largest tables, and the verdict."""
    blocks = [_block(name, state, findings) for name, (state, findings) in judged.items()]
    return "\n\n".join(blocks)


def _block(name: str, state: DatabaseState, findings: Sequence[Finding]) -> str:
    lines = [_head(name, state)]
    wide = max((len(finding.check) for finding in findings), default=0)
    for finding in findings:
        lines += _finding(finding, wide)
    if state.tables:
        rows = [(t.name, sized(t.bytes), _count(t.rows), _count(t.dead), t.analyzed or "never") for t in state.tables]
        lines += ["", *(f"  {line}" for line in table(_TABLES, rows).splitlines())]
    return "\n".join([*lines, "", f"{name}: {oneline(_verdict(findings))}"])


def _head(name: str, state: DatabaseState) -> str:
    if state.problem:
        return f"{name}: it cannot be asked"
    told = [f"{state.database} as {state.user}", f"server {state.version.partition(' ')[0]}"]
    told += ["a standby"] if state.standby else []
    told += [f"{sized(state.size)} on disk"] if state.size is not None else []
    told += [f"up for {span(state.up)}"] if state.up is not None else []
    return oneline(f"{name}: {', '.join(told)}").replace("\n", " ")


def _finding(finding: Finding, wide: int) -> list[str]:
    first, *rest = map(oneline, finding.says.split("\n"))
    room = " " * (wide + 10)
    lines = [
        f"  {_LEVELS[finding.level]}  {oneline(finding.check):<{wide}}  {first}",
        *(f"{room}{line}" for line in rest),
    ]
    return [*lines, *([f"{room}HINT: {oneline(finding.hint)}"] if finding.hint else [])]


def _count(number: int | None) -> str:
    return "-" if number is None else str(number)


def _verdict(findings: Sequence[Finding]) -> str:
    noes = list(dict.fromkeys(f.check for f in findings if f.level == "fail"))
    warned = list(dict.fromkeys(f.check for f in findings if f.level == "warn"))
    also = f"; look at {', '.join(warned)}" if warned else ""
    return (f"NO: {', '.join(noes)}" if noes else "all within its thresholds") + also


def databases_json(judged: Mapping[str, Judged]) -> dict[str, Any]:
    """The same for programs: sizes in bytes, times in seconds."""
    return {
        "databases": {
            name: {
                "passed": not any(finding.level == "fail" for finding in findings),
                "findings": [asdict(finding) for finding in findings],
                **{key: value for key, value in asdict(state).items() if key != "asked"},
                "asked": sorted(state.asked),
            }
            for name, (state, findings) in judged.items()
        }
    }
