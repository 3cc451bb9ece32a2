"""`fab` without its start: a server that has imported everything forks a child for each call.

Starting `fab` takes 0.4 s of CPU, and the tests call it hundreds of times. The child is a session of its own, with the
arguments, folder, environment and streams that it is given, as a process of its own has. What is about start-up, memory,
terminals or an installed package runs a fresh `fab` instead: `Running(...)` without `preloaded`.

A pytest process has one server for each locale and setting of Python. They end when it does, however it ends.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import gc
import importlib
import json
import os
import pkgutil
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any, NoReturn

from pydantic import BaseModel

from lockstitch.inventory.app import AppSettings
from lockstitch.inventory.schema import Environment

ROOT = Path(__file__).parents[1]
FAB = Path(sys.executable).with_name("fab")
_READ = 1 << 20
# What Python, the C library and OpenSSL read when they start. The rest is read when it is asked for.
_READ_AT_START = re.compile("PYTHON|LANG|LC_|LD_|MALLOC_|OPENSSL_")
_NOT_LOADED = ("lockstitch.__main__", "lockstitch.tasks")


class PreloadedProcess:
    """One call, as `subprocess.Popen` shows it."""

    def __init__(self, words: Sequence[str], folder: Path, env: Mapping[str, str], errors: str) -> None:
        assert words[0] == str(FAB) and env["PYTHONPATH"] == str(ROOT), "another program than our `fab`"
        out, theirs_out = os.pipe()
        err, theirs_err = os.pipe()
        self._ended, theirs_end = os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        given = (nothing, theirs_out, theirs_err, theirs_end)
        call = {"words": list(words), "folder": str(folder), "env": dict(env)}
        read_first = ((name, value) for name, value in env.items() if _READ_AT_START.match(name))
        _ask(_server(tuple(sorted(read_first))), json.dumps(call).encode(), given)
        for fd in given:
            os.close(fd)
        self.stdout: IO[str] | None = os.fdopen(out, encoding="utf-8", errors=errors)
        self.stderr: IO[str] | None = os.fdopen(err, encoding="utf-8", errors=errors)
        self.returncode: int | None = None
        self._said = b""
        while b"\n" not in self._said:
            self._hear()
        self.pid = int(self._said.split()[0])

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        if self.returncode is None and select.select([self._ended], [], [], 0)[0]:
            self._hear()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; subprocess.TimeoutExpired after so many seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            left = None if until is None else until - time.monotonic()
            if left is not None and not select.select([self._ended], [], [], max(0.0, left))[0]:
                raise subprocess.TimeoutExpired("fab", timeout or 0)
            self._hear()
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def _hear(self) -> None:
        said = os.read(self._ended, _READ)
        assert said, "the server of the preloaded `fab` has ended"
        self._said += said
        if self._said.count(b"\n") == 2:
            self.returncode = int(self._said.split()[1])
            os.close(self._ended)


def _ask(server: socket.socket, call: bytes, fds: Sequence[int]) -> None:
    # One message is one call: the socket keeps their bounds.
    socket.send_fds(server, [call], fds)


@cache
def _server(env: tuple[tuple[str, str], ...]) -> socket.socket:
    """The server of this process for what an interpreter reads of its environment, started with the first call."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _READ)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.preloaded", str(theirs.fileno())],
        cwd=ROOT,
        env=dict(env),
        # Of the kinds that a child has: Python's streams remember that.
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[theirs.fileno()],
        # Ctrl-C at the terminal is for pytest, and for a `fab` by the test that runs it.
        start_new_session=True,
    )
    theirs.close()

    def stop() -> None:
        ours.close()
        process.communicate()

    atexit.register(stop)
    return ours


def serve(control: socket.socket) -> None:
    """Fork a child for each call until the other end is closed. Returns in a child when that has its call, to run it."""
    running: dict[int, int] = {}
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        sources: list[Any] = [control, woken]
        ready, _, _ = select.select(sources, [], [])
        if woken in ready:
            os.read(woken, _READ)
            while running and (ended := os.waitpid(-1, os.WNOHANG))[0]:
                end = running.pop(ended[0])
                os.write(end, b"%d\n" % os.waitstatus_to_exitcode(ended[1]))
                os.close(end)
        if control in ready:
            data, fds, _, _ = socket.recv_fds(control, _READ, 4)
            if not data:
                os._exit(0)
            pid = os.fork()
            if not pid:
                _become(json.loads(data), fds, control)
                return
            running[pid] = fds[3]
            for fd in fds[:3]:
                os.close(fd)


def _become(call: Mapping[str, Any], fds: Sequence[int], control: socket.socket) -> None:
    """Make this process what a fresh `fab` finds itself as."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # From now on a signal to its group reaches it, and does with it what it does with a fresh one.
    os.write(fds[3], b"%d\n" % os.getpid())
    for number, fd in enumerate(fds[:3]):
        os.dup2(fd, number)
    control.detach()
    os.closerange(3, 4096)
    os.environ.clear()
    os.environ.update(call["env"])
    os.chdir(call["folder"])
    time.tzset()
    sys.argv = list(call["words"])
    # It looks at the program that loads it: the next import, by a fabfile, runs it again. Its modules stay.
    del sys.modules["lockstitch.cli"]
    sys.path[0] = str(FAB.resolve().parent)


def _end(code: int) -> NoReturn:
    """End as Python does, but for taking its modules down: that would copy each page that is shared with the server."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _preload() -> None:
    importlib.import_module("fabric.main")
    names = [module.name for module in pkgutil.walk_packages([str(ROOT / "lockstitch")], "lockstitch.")]
    modules = [importlib.import_module(name) for name in names if name not in _NOT_LOADED]
    for model in (Environment, AppSettings):
        model.model_rebuild(force=True)
    for kind in {value for module in modules for value in vars(module).values() if isinstance(value, type)}:
        # Compiles it, where it is compiled when it is first used.
        if dataclasses.is_dataclass(kind):
            dataclasses.fields(kind)
        elif issubclass(kind, BaseModel) and kind is not BaseModel:
            kind.model_rebuild()
    gc.freeze()


if __name__ == "__main__":
    _preload()
    serve(socket.socket(fileno=int(sys.argv[1])))
    from fabric.main import program

    try:
        program.run()
    except SystemExit as ended:
        if isinstance(ended.code, int):
            with contextlib.suppress(OSError):
                _end(ended.code)
        raise
