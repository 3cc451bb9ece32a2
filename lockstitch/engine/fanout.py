"""EFFECT: commands on many hosts at once; every host finishes, successes and failures are both kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from lockstitch.concurrency import run_parallel
from lockstitch.errors import ExitCode, LockstitchError
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Script
from lockstitch.model.results import HostResult, Observer, nobody
from lockstitch.remote import Remote
from lockstitch.remote.masked import MaskedRemote

DAY = 86400.0
NOT_BEGUN = "interrupted before it began"


@dataclass(frozen=True)
class HostScript:
    """A script for one host; `label` tells it from others on the same host."""

    label: str
    host: Host
    script: Script


@dataclass(frozen=True)
class FanoutOptions:
    """The limits of work on many hosts.

    `at_once` is the largest number of hosts at the same time, `tries` how often work is tried until it succeeds, with
    `pause` seconds between two tries. `timeout` ends a step after so many seconds; 0 leaves that to the step.
    """

    at_once: int = 64
    tries: int = 1
    pause: float = 1.0
    timeout: float = 0.0


def run_on_hosts(
    remote: Remote,
    work: Sequence[HostScript],
    observe: Observer = nobody,
    way: FanoutOptions | None = None,
    ended: Callable[[str, HostResult], None] = lambda label, result: None,
    stopped: threading.Event | None = None,
) -> dict[str, HostResult]:
    """Run every script. Returns each result by the script's label, and calls `ended` with it as soon as it is known.

    An interrupt ends the scripts that run and starts no more; both have a result that says so. `stopped` is set by an
    interrupt, also by one that comes when all results are there.
    """
    limits, over = way or FanoutOptions(), stopped or threading.Event()
    tasks = {given.label: partial(_try_repeatedly, remote, given, observe, limits, over) for given in work}
    return results_of(remote, tasks, limits.at_once, over, ended)


def results_of(
    remote: Remote,
    tasks: Mapping[str, Callable[[], HostResult]],
    most: int,
    stopped: threading.Event,
    ended: Callable[[str, HostResult], None] = lambda label, result: None,
) -> dict[str, HostResult]:
    """Call every task, `most` at once, and return the results by label, as `run_on_hosts` does."""
    results: dict[str, HostResult] = {}

    def stop() -> None:
        stopped.set()
        remote.interrupt()

    def run(label: str) -> None:
        began = time.monotonic()
        results[label] = replace(tasks[label](), seconds=time.monotonic() - began)
        ended(label, results[label])

    try:
        run_parallel(run, tasks, stop, most=most)
    except KeyboardInterrupt:
        stop()
    return {label: results.get(label, HostResult(ExitCode.INTERRUPTED, NOT_BEGUN)) for label in tasks}


def _try_repeatedly(
    remote: Remote, given: HostScript, observe: Observer, way: FanoutOptions, stopped: threading.Event
) -> HostResult:
    for remaining in reversed(range(way.tries)):
        ended = _run_once(remote, given, observe, way.timeout)
        if ended.code in (ExitCode.DONE, ExitCode.INTERRUPTED) or not remaining or stopped.wait(way.pause):
            break
    return ended


def _run_once(remote: Remote, given: HostScript, observe: Observer, timeout: float) -> HostResult:
    script = given.script
    if timeout:
        script = replace(script, steps=tuple(replace(step, timeout=timeout) for step in script.steps))
    try:
        results = MaskedRemote(remote).run(given.host, script, observe)
    except LockstitchError as error:
        return HostResult(error.exit_code, error.message)
    bad = next((result for result in results if not result.ok), None)
    if bad is None:
        return HostResult(ExitCode.DONE, "ok", results, 0)
    return HostResult(ExitCode.CHECK_SAID_NO, f"exit code {bad.code}", results, bad.code)
