"""How an app's queues are: its workers, what waits, what failed. Pure: what the shell tells, read and judged."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from lockstitch.model.command import Command
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, number

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
    """What one host tells. A size is None where it could not be asked; so is the number of failed jobs."""

    workers: tuple[Worker, ...] = ()
    sizes: Mapping[str, int | None] = field(default_factory=dict)
    failed: int | None = None
    horizon: str = ""
    problem: str = ""

    def as_data(self) -> dict[str, Any]:
        return {
            "workers": [vars(worker) for worker in self.workers],
            "sizes": dict(self.sizes),
            "failed": self.failed,
            "horizon": self.horizon,
            "problem": self.problem,
        }


@dataclass(frozen=True)
class Queues:
    """What can be done with an app's queues on one host."""

    status: Probe[QueueState]
    restart: Command
    failed: Command
    retry: Callable[[Sequence[str]], Command]


def parse_queues(text: str, code: int) -> QueueState:
    """The state from a probe's lines; a word that is not known is part of a problem."""
    workers: list[Worker] = []
    sizes: dict[str, int | None] = {}
    failed: list[str] = []
    rest: list[str] = []
    horizon = ""
    for line in text.split("\n"):
        match line.split(" ", 4):
            case ["worker", pid, since, state, words] if (p := number(pid)) and (s := number(since)) is not None:
                workers.append(Worker(p, s, state, words.strip()))
            case ["monitor", name, *_]:
                found = _size(line.partition(f"monitor {name} ")[2])
                sizes[name] = found if found is not None else sizes.get(name)
            case ["failed", *_]:
                failed.append(line.removeprefix("failed "))
            case ["horizon", *_]:
                horizon = line.removeprefix("horizon ").strip()
            case [word, *_] if word:
                rest.append(line)
    problem = " ".join(rest[-3:]) if code or not (sizes or failed) else ""
    return QueueState(tuple(workers), sizes, _count(failed), horizon, problem)


def _size(line: str) -> int | None:
    return next((number(match[1]) for form in _SIZE if (match := form.search(line))), None)


def _count(lines: list[str]) -> int | None:
    """How many jobs have failed, by what `queue:failed` prints; None where that is something else."""
    rows = [line for line in lines if any(form.search(line) for form in _FAILED)]
    if rows:
        return len(rows)
    return 0 if any("no failed jobs" in line.lower() for line in lines) else None
