"""A Remote whose hosts are folders: scripts run in a local sh with HOME there. The engine for real, without SSH."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from lockstitch.errors import HostLostError, LockstitchError
from lockstitch.model.host import Host
from lockstitch.model.plan import Script
from lockstitch.model.results import Observer, Result, nobody
from lockstitch.remote import FileMode
from lockstitch.remote.local import open_file
from lockstitch.remote.script import ScriptOutput, render


class LocalRemote:
    """Each host's home is a folder under `root`.

    `faults` are asked before a script is carried out, and may raise in its place. Where one of `losses` gives an error
    the script is carried out and every word of it is lost: that error is raised in the end. `cuts` are asked before a
    file is opened: where one gives a number of bytes, the host is lost after so many of them.
    """

    def __init__(self, root: Path, env: dict[str, str] | None = None) -> None:
        self.root, self.env = root, env or {}
        self.shell: tuple[str, ...] = ("/bin/sh",)
        self.faults: list[Callable[[Host, Script], None]] = []
        self.losses: list[Callable[[Host, Script], BaseException | None]] = []
        self.cuts: list[Callable[[Host, str, FileMode], int | None]] = []
        self.opened: list[tuple[str, str, FileMode]] = []
        self.scripts: list[tuple[str, tuple[str, ...]]] = []

    def home(self, host: str) -> Path:
        home = self.root / host
        home.mkdir(parents=True, exist_ok=True)
        return home

    def connect(self, hosts: Iterable[Host]) -> dict[str, LockstitchError]:
        return {}

    def run(self, host: Host, script: Script, observe: Observer = nobody) -> tuple[Result, ...]:
        self.scripts.append((host.name, tuple(step.name for step in script.steps)))
        for fault in self.faults:
            fault(host, script)
        home = self.home(host.name)
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **self.env}
        process = subprocess.Popen(
            [*self.shell],
            cwd=home,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert process.stdin and process.stdout
        lost = next((error for loss in self.losses if (error := loss(host, script))), None)
        reading = ScriptOutput(host.name, script, "nonce", nobody if lost else observe)
        try:
            process.stdin.write(render(script, "nonce").encode("utf-8", "surrogateescape"))
            process.stdin.flush()
            while not reading.complete and (data := os.read(process.stdout.fileno(), 65536)):
                reading.feed(data)
        finally:
            process.stdin.close()
            process.stdout.close()
            process.wait()
        if not reading.complete:
            raise HostLostError(host.name, "the shell on the host ended")
        if lost:
            raise lost
        return tuple(reading.results)

    @contextmanager
    def open(self, host: Host, path: str, mode: FileMode, start: int = 0) -> Iterator[BinaryIO]:
        self.opened.append((host.name, path, mode))
        cut = next((after for cut in self.cuts if (after := cut(host, path, mode)) is not None), None)
        with open_file(host.name, self.home(host.name), path, mode, start) as file:
            if cut is None:
                yield file
            elif mode == "rb":
                yield io.BufferedReader(Cut(file, host.name, cut))
            else:
                yield Cut(file, host.name, cut)  # type: ignore[misc]

    def interrupt(self) -> None: ...

    def close(self) -> None: ...


class Cut(io.RawIOBase):
    """A file whose host is lost after so many bytes."""

    def __init__(self, file: BinaryIO, host: str, left: int) -> None:
        self._file, self._host, self._left = file, host, left

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(self._some(len(buffer)))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        data, written = bytes(data), 0
        while written < len(data):
            written += self._file.write(data[written : written + self._some(len(data) - written)])
        return written

    def _some(self, wanted: int) -> int:
        if self._left <= 0:
            raise HostLostError(self._host, "the connection dropped")
        some = min(wanted, self._left)
        self._left -= some
        return some
