"""Commands measured one after the other in turns, and how what was measured is printed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from scripts.sandbox import processes

TIMED = Path(__file__).with_name("timed.py")


@dataclass(frozen=True)
class Ran:
    """What a command took: wall seconds, CPU seconds of all its processes, MiB of the largest of them."""

    seconds: float
    cpu: float
    mebibytes: float
    hosts_cpu: float = 0.0


@dataclass(frozen=True)
class Options:
    """What is asked for on the command line; None leaves a benchmark its own number."""

    hosts: tuple[int, ...] | None = None
    rtt: tuple[int, ...] = (0, 40)
    rounds: int | None = None
    megabytes: int | None = None
    few: bool = False


@contextmanager
def whole() -> Iterator[None]:
    """Hold signals back until the end of the block: for what cleans up."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run(words: Sequence[str], folder: Path, env: Mapping[str, str] | None = None) -> Ran:
    """Run a command in a folder; its output is thrown away. Raises SystemExit with its last lines where it fails."""
    with tempfile.TemporaryDirectory(prefix="bench.") as reports, tempfile.TemporaryFile() as errors:
        # What an ended command leaves in its temporary folder goes with ours.
        report = Path(reports) / "report"
        process = subprocess.Popen(
            [sys.executable, "-I", str(TIMED), str(report), *words],
            cwd=folder,
            env={**os.environ, "TMPDIR": reports, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        try:
            process.wait()
        finally:
            if process.poll() is None:
                with whole():
                    processes.end(lambda: processes.descendants([process.pid]))
                    process.wait()
        if process.returncode:
            errors.seek(0)
            text = errors.read().decode(errors="replace").strip()
            raise SystemExit(f"{' '.join(words)[:200]} failed with {process.returncode}:\n{text[-2000:]}")
        return Ran(*json.loads(report.read_text()))


def turns(rounds: int, tools: Mapping[str, Callable[[], Ran]], warm: int = 1) -> dict[str, list[Ran]]:
    """Each tool once a round, another one first each time; the `warm` first rounds are not counted."""
    found: dict[str, list[Ran]] = {name: [] for name in tools}
    order = list(tools)
    for number in range(warm + rounds):
        for name in order:
            ran = tools[name]()
            if number >= warm:
                found[name].append(ran)
        order = order[1:] + order[:1]
    return found


def spread(values: Iterable[float]) -> str:
    """The median, and in brackets the least."""
    ordered = sorted(values)
    return f"{median(ordered):.2f} ({ordered[0]:.2f})"


def ratio(ours: Iterable[float], theirs: Iterable[float]) -> float:
    """The median of the ratios of each round: what else the machine does slows both of a round."""
    return median(mine / max(other, 1e-9) for mine, other in zip(ours, theirs, strict=True))


def goal(what: str, value: float, limit: float) -> None:
    """Print a ratio beside the most that is wanted. Nothing depends on it."""
    print(f"  {what}: {value:.2f} times, wanted at most {limit:.2f}: goal {'met' if value <= limit else 'missed'}")


def wall(some: Iterable[Ran]) -> list[float]:
    """The wall seconds of each."""
    return [ran.seconds for ran in some]


def cpu(some: Iterable[Ran]) -> list[float]:
    """The CPU seconds of each, on this side."""
    return [ran.cpu for ran in some]


def hosts_cpu(some: Iterable[Ran]) -> list[float]:
    """The CPU seconds of each, on all hosts together."""
    return [ran.hosts_cpu for ran in some]
