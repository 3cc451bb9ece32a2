"""The Remote whose only host is this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from lockstitch.errors import LockstitchError
from lockstitch.model.host import Host
from lockstitch.model.plan import Script
from lockstitch.model.results import Observer, Result, nobody
from lockstitch.remote import FileMode
from lockstitch.remote.local import LocalRun, environment
from lockstitch.remote.local_files import open_file


class Here:
    """Carries scripts out on this machine, as the person who runs `fab`."""

    def __init__(self) -> None:
        self._running: set[LocalRun] = set()
        self._lock = threading.Lock()

    def connect(self, hosts: Iterable[Host]) -> dict[str, LockstitchError]:
        """There is nothing to open."""
        return {}

    def run(self, host: Host, script: Script, observe: Observer = nobody) -> tuple[Result, ...]:
        """Carry out a script in a shell of its own."""
        if not script.steps:
            return ()
        run = LocalRun(host.name, script, observe)
        with self._lock:
            self._running.add(run)
        try:
            return run.results()
        finally:
            with self._lock:
                self._running.discard(run)

    def open(self, host: Host, path: str, mode: FileMode, start: int = 0) -> AbstractContextManager[BinaryIO]:
        """A file of this machine; a relative path starts at the home folder."""
        return open_file(host.name, Path(environment()["HOME"]), path, mode, start)

    def interrupt(self) -> None:
        """End whatever runs."""
        with self._lock:
            running = list(self._running)
        for run in running:
            run.interrupted.set()

    def close(self) -> None:
        """End whatever runs: there are no connections."""
        self.interrupt()
