"""What runs on a host, the busiest first."""

from __future__ import annotations

from collections.abc import Iterator

from lockstitch.errors import UsageError
from lockstitch.facts.table import Rows, TableQuery, size, span
from lockstitch.model.command import Command
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, number

_SORT: dict[str, str] = {"cpu": "-pcpu", "memory": "-rss", "age": "-etimes"}
# What asks is left out: its group is that of this script. `args` may hold anything, so it is the last. Chosen there,
# since of a long answer only the end would arrive, and the busiest stand first.
_TEXT = r"""
command -v ps >/dev/null 2>&1 || { echo "ps is not there: it is in the package procps"; exit 1; }
mine=$(ps -o pgid= -p $$ | tr -d ' ')
LC_ALL=C; export LC_ALL
COLUMNS=10000 ps -ww -eo pgid=,pid=,user:32=,pcpu=,rss=,etimes=,stat=,args= --sort="$sort" \
    | mine="$mine" match="$match" top="$top" most="$most" awk '
        $1 == ENVIRON["mine"] { next }
        {
            command = $0
            for (i = 0; i < 7; i++) sub(/^ *[^ ]+ +/, "", command)
            if (ENVIRON["match"] != $3 && index(command, ENVIRON["match"]) == 0) next
            line = substr($0, 1, length($0) - length(command)) substr(command, 1, 2000)
            said += length(line) + 1
            if (said > ENVIRON["most"] + 0) {
                print "these are more than can be told at once: give a smaller --top, or a part of the command"
                failed = 1; exit
            }
            print line
            if (++told == ENVIRON["top"] + 0) exit
        }
        END { exit failed }'
"""
# In bytes; what is kept of an answer is a little more.
_MOST = 250_000


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


def processes(order: str = "cpu", top: int = 10, match: str = "") -> TableQuery[Process]:
    """The first `top` by `order` (0: all) whose command holds `match`, or whose user it is."""
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


def _rows(found: tuple[Process, ...]) -> Rows:
    return [(str(p.pid), p.user, f"{p.cpu:.1f}%", size(p.memory), span(p.age), p.state, p.command[:100]) for p in found]
