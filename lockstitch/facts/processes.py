"""Processes of a host, the busiest first."""

from __future__ import annotations

from collections.abc import Iterator

from lockstitch.errors import UsageError
from lockstitch.model.command import Command
from lockstitch.model.format import sized, span
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, Rows, TableQuery, number
from lockstitch.model.shell import shell_text

_SORT: dict[str, str] = {"cpu": "-pcpu", "memory": "-rss", "age": "-etimes"}
_TEXT = shell_text(__package__, "processes.sh")
# In bytes; what is kept of an answer is a little more.
_MOST = 250_000


@dataclass(frozen=True)
class Process:
    """A process. `cpu` is in percent of one CPU over its whole life, `memory` is the resident size in KiB, `age` is in
    seconds, `state` has the kernel's letters."""

    pid: int
    user: str
    cpu: float
    memory: int
    age: int
    state: str
    command: str


def processes(order: str = "cpu", top: int = 10, match: str = "") -> TableQuery[Process]:
    """Return the query for the first `top` processes (0: all) in an order, whose command contains `match` or whose user
    it is. Raises UsageError for an unknown order or a negative `top`."""
    if order not in _SORT:
        raise UsageError(f"processes are ordered by {', '.join(_SORT)}, not by {order}")

    if top < 0:
        raise UsageError("--top is a number from 0; 0 is all")
    values = {"sort": _SORT[order], "match": match, "top": str(top), "most": str(_MOST)}
    probe = Probe("processes", Command(_TEXT, values=values), lambda output, code: tuple(_read(output)))
    return TableQuery(probe, ("PID", "USER", "CPU", "MEMORY", "AGE", "STATE", "COMMAND"), _rows)


def _read(output: str) -> Iterator[Process]:
    for line in output.splitlines():
        words = line.split(None, 7)
        pid, memory, age = (number(words[i]) if len(words) == 8 else None for i in (1, 4, 5))
        if pid is not None and memory is not None and age is not None and words[3].replace(".", "").isdigit():
            yield Process(pid, words[2], float(words[3]), memory, age, words[6], words[7])


def _rows(running: tuple[Process, ...]) -> Rows:
    return [
        (str(p.pid), p.user, f"{p.cpu:.1f}%", sized(p.memory << 10), span(p.age), p.state, p.command[:100])
        for p in running
    ]
