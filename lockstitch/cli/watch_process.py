"""The process of a watch: one that outlives its terminal, and the wait for one to begin or to end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lockstitch.cli.session import Session
from lockstitch.concurrency import sleep
from lockstitch.engine.watch_lock import watcher
from lockstitch.errors import CheckError, LockHeldError

# How long a process that was started or stopped may take to answer, in seconds.
_PATIENCE = 20.0


def detached(session: Session, run: str, options: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """Start the same watch in a process that outlives this one and its terminal. Returns what is said of it, as JSON
    and as text."""
    if process := watcher(session.runs, run):
        raise LockHeldError(f"run {run} is watched already, by process {process}", hint=f"fab watch.stop {run} ends it")
    words = [word for name, text in options.items() if text for word in (name, text)]
    # It is typed as this one was: other hosts would be another watch.
    typed = session.c.typed or ("-H", session.fleet("").inventory.name)
    command = [*fab_program(), *typed, "watch", run, *words]
    log = session.runs / run / "watch.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        started = subprocess.Popen(
            [*_beyond_the_login(os.environ), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    wait_for(
        lambda: watcher(session.runs, run) is not None or started.poll() is not None, f"the watch did not begin: {log}"
    )
    if started.poll() is not None and watcher(session.runs, run) is None:
        raise CheckError(f"the watch ended at once, with exit code {started.returncode}", hint=f"see {log}")
    process = watcher(session.runs, run)
    text = f"run {run} is watched by process {process}, which writes {log}\n"
    text += f"fab watch.list shows it, fab watch.stop {run} ends it"
    return {"run": run, "process": process, "log": str(log)}, text


def fab_program() -> list[str]:
    """Return the words that start this same `fab`."""
    name = Path(sys.argv[0])
    return [str(name.resolve())] if name.is_file() and os.access(name, os.X_OK) else [sys.executable, "-m", "fabric"]


def _beyond_the_login(env: Mapping[str, str]) -> list[str]:
    """Return the words before a command that keep it alive where the end of a login ends its processes: a scope of
    the user's own manager. A session of its own is enough elsewhere."""
    # Start-up: only a watch that is detached needs it.
    import shutil

    bus = Path(env.get("XDG_RUNTIME_DIR") or "/nonexistent") / "bus"
    program = shutil.which("systemd-run", path=env.get("PATH"))
    return [program, "--user", "--scope", "--quiet", "--collect"] if program and bus.exists() else []


def wait_for(reached: Callable[[], Any], failed: str) -> None:
    until = time.monotonic() + _PATIENCE
    while not reached():
        if time.monotonic() > until:
            raise CheckError(failed)
        sleep(0.05)
