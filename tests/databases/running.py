"""Running servers as `database.check` sees them, and queries that keep them busy; for the tests of either engine."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from lockstitch.databases.engine import Engine
from lockstitch.databases.health import DatabaseState
from lockstitch.model.command import Command, Secret

ALL = frozenset({"room", "query", "migration", "waiting", "standby", "replica", "slot", "table", "beside"})
# Longer than any test waits, shorter than a person does.
PATIENCE = 20.0


def state_at(engine: Engine, url: str, path: str, shell: tuple[str, ...] = ("sh",)) -> DatabaseState:
    """Return the state of the database of a URL, asked by the programs on a path."""
    command = Command(engine.state, values=engine.login(Secret(url), ""))
    env = {"PATH": path, "LANG": "C.UTF-8"}
    done = subprocess.run(shell, input=command.render(), env=env, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return engine.parse_state(done.stdout, 0)


def until(there: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (value := there()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return value


@contextmanager
def meanwhile(work: Callable[[], Any], error: type[Exception], end: Callable[[], Any]) -> Iterator[None]:
    """Have a thread do work that only ends, with an error, when it is ended."""

    def run() -> None:
        with suppress(error):
            work()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        end()
        thread.join(PATIENCE)
