"""The queues of an app: its workers, waiting jobs and failed jobs, parsed from a probe. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from lockstitch.model.command import Command
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, collect, last, number

# Laravel 8 prints tables, later ones lines: `| redis | default | 3 | OK |`, `[redis] default ..... [3] OK`.
_SIZE = (re.compile(r"\|\s*\S+\s*\|\s*\S+\s*\|\s*(\d+)\s*\|"), re.compile(r"\[(\d+)\]\s+\S+\s*$"))
_FAILED = (re.compile(r"^\|\s*[0-9a-f-]+\s*\|"), re.compile(r"^\s*\d{4}-\d\d-\d\d \d\d:\d\d:\d\d .*\S+@\S+"))


@dataclass(frozen=True)
class Worker:
    """A process that works on jobs. `since` is in seconds since the epoch; `code` is new, old or unknown."""

    pid: int
    since: int
    code: str
    words: str


@dataclass(frozen=True)
class QueueState:
    """The queues as one host sees them. A size, or the number of failed jobs, is None where it is unknown. `starting`
    are the units of systemd that wait to start a worker again, each with its command."""

    workers: tuple[Worker, ...] = ()
    sizes: Mapping[str, int | None] = field(default_factory=dict)
    failed: int | None = None
    horizon: str = ""
    problem: str = ""
    starting: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        return {
            "workers": [vars(worker) for worker in self.workers],
            "sizes": dict(self.sizes),
            "failed": self.failed,
            "horizon": self.horizon,
            "problem": self.problem,
            "starting": list(self.starting),
        }


@dataclass(frozen=True)
class Queues:
    """The question and the commands for an app's queues on one host."""

    status: Probe[QueueState]
    restart: Command
    failed: Command
    retry: Callable[[Sequence[str]], Command]


def parse_queues(text: str, code: int) -> QueueState:
    """Return the state from a probe's lines; a line of an unknown word is part of a problem."""
    said = collect(text, ("worker", "monitor", "failed", "horizon", "starting"))
    sizes: dict[str, int | None] = {}
    for line in said["monitor"]:
        name, _, answer = line.partition(" ")
        size = _size(answer)
        sizes[name] = size if size is not None else sizes.get(name)
    failed = said["failed"]
    problem = " ".join(said[""][-3:]) if code or not (sizes or failed) else ""
    workers = tuple(worker for line in said["worker"] if (worker := _worker(line)))
    starting = tuple(line.strip() for line in said["starting"])
    return QueueState(workers, sizes, _count(failed), last(said, "horizon").strip(), problem, starting)


def _worker(line: str) -> Worker | None:
    match line.split(" ", 3):
        case [pid, since, state, words] if (p := number(pid)) and (s := number(since)) is not None:
            return Worker(p, s, state, words.strip())
    return None


def _size(line: str) -> int | None:
    return next((number(match[1]) for form in _SIZE if (match := form.search(line))), None)


def _count(lines: list[str]) -> int | None:
    """Return the number of failed jobs by what `queue:failed` prints; None where that is something else."""
    rows = [line for line in lines if any(form.search(line) for form in _FAILED)]
    if rows:
        return len(rows)
    return 0 if any("no failed jobs" in line.lower() for line in lines) else None
