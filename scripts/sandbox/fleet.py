"""The sandbox as its users hold it: start and stop hosts, break them, read their counts."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from . import control, processes
from .client_files import write_client_files
from .counts import Counts
from .errors import SandboxError
from .launch import end_all, launch
from .place import HostInfo, Place

# What breaks a host, and what mends it. `drop` and `reset` have no lasting effect.
MENDED_BY = {"down": "up", "freeze": "thaw", "wrong-key": "right-key"}
ACTIONS = sorted({*MENDED_BY, *MENDED_BY.values(), "drop", "reset"})


class Sandbox:
    """SSH hosts below one directory. As a context manager it starts them, and stops them after; they end as well when
    this process ends without getting there."""

    _owner: tuple[int, int] | None = None

    def __init__(self, directory: Path | str, hosts: int | Sequence[str] = 3) -> None:
        numbered = range(1, hosts + 1) if isinstance(hosts, int) else ()
        self.place = Place(Path(directory))
        self.names = [f"host{n}" for n in numbered] if isinstance(hosts, int) else list(hosts)

    def __enter__(self) -> Self:
        # No process that we start inherits our end. Nothing is ever written to it.
        self._owner = os.pipe()
        try:
            self.start()
        except BaseException:
            self._let_go()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.stop()
        finally:
            self._let_go()

    @property
    def hosts(self) -> dict[str, HostInfo]:
        """Every host that was ever started here, by name."""
        return self.place.hosts()

    def host(self, name: str) -> HostInfo:
        """One host, or an error that says which there are."""
        hosts = self.hosts
        if name not in hosts:
            there_is = f"there is {', '.join(hosts)}" if hosts else "start the sandbox first"
            raise SandboxError(f"no sandbox host is named {name!r}", there_is)
        return hosts[name]

    def start(self) -> None:
        """Start what does not run yet; on return every host accepts connections."""
        self.place.make(self.names)
        with self.place.locked():
            hosts = launch(self.place, self.names, self._owner[0] if self._owner else -1)
            write_client_files(self.place, hosts.values())

    def stop(self) -> None:
        """End the servers, and every process of their sessions that still runs."""
        if self.place.private.is_dir():
            with self.place.locked():
                end_all(self.place)

    def status(self, name: str) -> str:
        """What the server of a host does: `up`, `frozen` or `stopped`."""
        pid = self.host(name).pid
        if pid not in processes.marked(processes.SERVER_MARK, self.place.root):
            return "stopped"
        return "frozen" if processes.state(pid) == "T" else "up"

    def do(self, name: str, action: str) -> None:
        """Break or mend a host; the effect is there when this returns."""
        if action not in ACTIONS:
            raise SandboxError(f"unknown action {action!r}", f"there is {', '.join(ACTIONS)}")
        if action in ("freeze", "thaw"):
            self._signal(name, signal.SIGSTOP if action == "freeze" else signal.SIGCONT)
        else:
            control.ask(self.place, self.host(name).name, action)

    @contextmanager
    def broken(self, name: str, fault: str) -> Iterator[HostInfo]:
        """Keep a host broken for a while: `down`, `freeze` or `wrong-key`."""
        self.do(name, fault)
        try:
            yield self.host(name)
        finally:
            self.do(name, MENDED_BY[fault])

    def counts(self, name: str) -> Counts:
        """What a host counted since its start, or since the action `reset`."""
        return Counts(**control.ask(self.place, self.host(name).name, "counts"))

    def _let_go(self) -> None:
        for end in self._owner or ():
            os.close(end)
        self._owner = None

    def _signal(self, name: str, number: signal.Signals) -> None:
        if self.status(name) == "stopped":
            raise SandboxError(f"{name} is stopped", "start the sandbox first")
        pid = self.host(name).pid
        os.kill(pid, number)
        # The kernel tells only a parent when a process has stopped: the others must look.
        while (processes.state(pid) == "T") != (number == signal.SIGSTOP):
            time.sleep(0.001)
