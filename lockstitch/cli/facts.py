"""Questions to every selected host, and their answers as one table or as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from lockstitch.cli.fanout import by_hand, end
from lockstitch.cli.output import aside, tell
from lockstitch.cli.session import Session
from lockstitch.engine.fanout import HostScript
from lockstitch.errors import ExitCode
from lockstitch.facts.disks import disks, folders
from lockstitch.facts.processes import processes
from lockstitch.facts.users import accounts
from lockstitch.model.plan import Script, Step
from lockstitch.model.probe import Probe, TableQuery
from lockstitch.model.results import HostResult
from lockstitch.report.fanout import results_text
from lockstitch.report.text import table
from lockstitch.text import quoted

T = TypeVar("T")
_LONGEST = 400.0


def show_processes(session: Session, match: str, by: str, top: int) -> None:
    """Show the busiest processes of every selected host."""
    ask(session, "processes", processes(by, top, match))


def show_disk_usage(session: Session, path: str, top: int) -> None:
    """Show the file systems of every selected host, or what is largest below a folder."""
    ask(session, f"disk.usage {path}".strip(), folders(path, top) if path else disks())


def show_users(session: Session) -> None:
    """Show who may log in to every selected host."""
    ask(session, "users.list", accounts())


def ask(session: Session, what: str, question: TableQuery[Any]) -> None:
    """Ask every selected host, and end with the exit code of all."""
    results, values_of = answers(session, what, question.probe)
    if session.json:
        hosts = {label: _json(ended, values_of.get(label)) for label, ended in results.items()}
        session.answer(lambda: {"hosts": hosts}, str)
    else:
        rows = [(label, *row) for label, values in values_of.items() for row in question.rows(values)]
        tell(table(("HOST", *question.headings), rows))
        bad = {label: ended for label, ended in results.items() if ended.code is not ExitCode.DONE}
        if bad:
            aside("\n" + results_text(bad))
            for label, ended in bad.items():
                for result in ended.results:
                    aside(quoted(f"{label}: {result.output.strip()}"))
    end(list(results.values()))


def answers(session: Session, what: str, probe: Probe[T]) -> tuple[dict[str, HostResult], dict[str, T]]:
    """Return the result on each host, and the parsed answers of those that gave one."""
    steps = (Step(probe.name, "", probe.command, timeout=_LONGEST),)
    work = [HostScript(host.name, host, Script(steps, user=session.user or None)) for host in session.c.hosts]
    results = by_hand(session, what, work)
    parsed = {
        label: probe.parse(result.results[0].output, result.results[0].code)
        for label, result in results.items()
        if result.code is ExitCode.DONE
    }
    return results, parsed


def _json(ended: HostResult, values: Any) -> Mapping[str, Any]:
    if values is None:
        said = "".join(result.output for result in ended.results).strip()
        return {"result": ended.words, "output": said}
    return {"result": "ok", "answer": [dataclasses.asdict(value) for value in values]}
