"""What runs on a host, the busiest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lockstitch.command import Command
from lockstitch.errors import UsageError
from lockstitch.probe import Probe, number
from lockstitch.upkeep.question import Question, Rows, size, span

_SORT: dict[str, str] = {"cpu": "-pcpu", "memory": "-rss", "age": "-etimes"}
# What asks is left out: its group is that of this script. `args` may hold anything, so it is the last.
_TEXT = r"""
command -v ps >/dev/null 2>&1 || { echo "ps is not there: it is in the package procps"; exit 1; }
mine=$(ps -o pgid= -p $$ | tr -d ' ')
COLUMNS=10000 LC_ALL=C ps -ww -eo pgid=,pid=,user:32=,pcpu=,rss=,etimes=,stat=,args= --sort="$sort" \
    | awk -v mine="$mine" '$1 != mine'
"""


@dataclass(frozen=True)
class Process:
    """One process. `cpu` is in percent of one CPU over its whole life, `memory` what is resident in KiB, `age` in
    seconds, `state` the kernel's letters."""

    pid: int
    user: str
    cpu: float
    memory: int
    age: int
    state: str
    command: str


def processes(order: str = "cpu", top: int = 10, match: str = "") -> Question[Process]:
    """The first `top` by `order` (0: all) whose command holds `match`, or whose user it is."""
    if order not in _SORT:
        raise UsageError(f"processes are ordered by {', '.join(_SORT)}, not by {order}")

    def parse(output: str, code: int) -> tuple[Process, ...]:
        found = [p for p in _read(output) if match in p.command or match == p.user]
        return tuple(found[:top] if top else found)

    probe = Probe("processes", Command(_TEXT, values={"sort": _SORT[order]}), parse)
    return Question(probe, ("PID", "USER", "CPU", "MEMORY", "AGE", "STATE", "COMMAND"), _rows)


def _read(output: str) -> Iterator[Process]:
    for line in output.splitlines():
        words = line.split(None, 7)
        pid, memory, age = (number(words[i]) if len(words) == 8 else None for i in (1, 4, 5))
        if pid is not None and memory is not None and age is not None and words[3].replace(".", "").isdigit():
            yield Process(pid, words[2], float(words[3]), memory, age, words[6], words[7])


def _rows(found: tuple[Process, ...]) -> Rows:
    return [(str(p.pid), p.user, f"{p.cpu:.1f}%", size(p.memory), span(p.age), p.state, p.command[:100]) for p in found]
