"""One script in a local `sh`, in a session of its own.

The script's own watchdog reads the shell's stdin, here as on a host: when that is closed, by us or because this process
was killed, what runs is ended.
"""

from __future__ import annotations

import io
import os
import secrets
import selectors
import signal
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

from lockstitch.errors import ConnectError, HostError, HostLostError, LockstitchError, StepTimeoutError
from lockstitch.model.host import Host
from lockstitch.model.plan import Script
from lockstitch.model.results import Observer, Result, nobody
from lockstitch.remote import FileError, FileMode, InterruptedRunError
from lockstitch.remote.script import ScriptOutput, render
from lockstitch.remote.terminal import run_at_terminal

_NEW = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
_BUFFER = 256 * 1024
_DOING = {"rb": "read", "wb": "written"}


@contextmanager
def open_file(host: str, home: Path, path: str, mode: FileMode, start: int = 0) -> Iterator[BinaryIO]:
    """A file as a stream, from `start` on; a relative path starts at `home`."""
    with _File(host, home / path, path, mode, start) as raw:
        if mode == "rb":
            with io.BufferedReader(raw, _BUFFER) as reading:
                yield reading
            return
        writing = io.BufferedWriter(raw, _BUFFER)
        yield writing
        # Only where all went well: what is left of a file that was given up is not worth writing.
        if not writing.closed:
            writing.flush()


class _File(io.FileIO):
    """A file whose errors are a FileError."""

    def __init__(self, host: str, place: Path, path: str, mode: FileMode, start: int) -> None:
        self._host, self._path, self._doing = host, path, _DOING[mode]
        with self._told():
            if place.is_dir():
                raise IsADirectoryError(None, "it is a folder")
            super().__init__(place, mode, opener=_private if mode == "wb" else None)
            if mode == "wb":
                self.truncate(start)
            self.seek(start)

    def readinto(self, buffer: Any) -> int:
        with self._told():
            return super().readinto(buffer)

    def write(self, data: Any) -> int:
        with self._told():
            return super().write(data)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._error(error) from error

    def _error(self, error: OSError) -> FileError:
        if isinstance(error, FileNotFoundError) and self._doing == "read":
            return FileError(self._host, f"there is no {self._path}", missing=True)
        if isinstance(error, FileNotFoundError):
            said = f"{self._path} cannot be written: its folder does not exist"
            return FileError(self._host, said, missing=True)
        return FileError(self._host, f"{self._path} cannot be {self._doing}: {(error.strerror or str(error)).lower()}")


def _private(path: str, flags: int) -> int:
    descriptor = os.open(path, _NEW, 0o600)
    # A file that was there keeps the mode it had.
    os.fchmod(descriptor, 0o600)
    return descriptor


TICK = 0.2
CHUNK = 64 * 1024
# Between the steps little is done: the journal is written and, before the first, a run that was cut off is ended.
BETWEEN_STEPS = 60.0
# The script's own watchdog ends the steps with TERM, and with KILL five seconds later.
ENDING = 8.0
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "USER", "LOGNAME", "SSH_AUTH_SOCK")


def environment() -> dict[str, str]:
    """The person's environment without what changes how a shell or a tool works (ENV, BASH_ENV, PGHOST, GIT_DIR, …)."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("LC_")}
    return {"PATH": os.defpath, "HOME": str(Path.home()), **kept}


class LocalRun:
    """One script under way."""

    def __init__(self, host: str, script: Script, observe: Observer) -> None:
        self.interrupted = threading.Event()
        self._host, self._script = host, script
        self._nonce = secrets.token_hex(16)
        self._reading = ScriptOutput(host, script, self._nonce, observe)
        self._ending: HostError | None = None
        self._heard = b""
        self._at = (-1, False)
        self._until = monotonic() + BETWEEN_STEPS

    def results(self) -> tuple[Result, ...]:
        """Carry the script out; a Result for each step that ended."""
        process = self._started()
        try:
            self._send(process)
            self._read(process)
        finally:
            self._end(process)
        if not self._reading.complete:
            raise self._ending or self._why_ended(process.returncode)
        return tuple(self._reading.results)

    def _started(self) -> subprocess.Popen[bytes]:
        become = () if self._script.user is None else ("sudo", "-n", "-H", "-u", self._script.user)
        env = environment()
        try:
            return subprocess.Popen(
                [*become, "/bin/sh"],
                cwd=env["HOME"],
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            said = f"no shell can be started on this machine: {(error.strerror or str(error)).lower()}"
            raise HostLostError(self._host, f"{said} ({error.filename})") from error

    def _send(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin
        unsent = memoryview(render(self._script, self._nonce).encode("utf-8", "surrogateescape"))
        with suppress(BrokenPipeError):  # the shell has ended: reading tells how
            while unsent:
                unsent = unsent[process.stdin.write(unsent) or 0 :]

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdout, selectors.EVENT_READ)
            while not self._reading.complete:
                self._judge(process)
                if self._ending is not None and monotonic() > self._until:
                    return
                if ready.select(TICK):
                    data = os.read(process.stdout.fileno(), CHUNK)
                    if not data:
                        return
                    self._feed(data)

    def _judge(self, process: subprocess.Popen[bytes]) -> None:
        """Have the watchdog end what runs, where that is asked or due."""
        if self._ending is not None:
            return
        if self.interrupted.is_set():
            self._ending = InterruptedRunError(self._host, f"interrupted{self._while()}")
        elif monotonic() > self._until:
            self._ending = self._too_long()
        else:
            return
        self._until = monotonic() + ENDING
        assert process.stdin
        process.stdin.close()

    def _feed(self, data: bytes) -> None:
        self._heard = self._heard or data[:CHUNK]
        self._reading.feed(data)
        step = self._reading.step
        at = (len(self._reading.results), step is None)
        if at != self._at and self._ending is None:
            self._at = at
            self._until = monotonic() + (BETWEEN_STEPS if step is None else step.timeout)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """The shell is gone when this returns; what it leaves behind, the watchdog ends."""
        assert process.stdin and process.stdout
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(ENDING)
        except subprocess.TimeoutExpired:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _too_long(self) -> StepTimeoutError:
        step = self._reading.step
        if step is None:
            said = f"the shell did not go on within {BETWEEN_STEPS:g} s"
            return StepTimeoutError(self._host, said, hint="is a disk or a mount of this machine stuck?")
        said = f"`{step.name}` took longer than {step.timeout:g} s and was ended"
        return StepTimeoutError(self._host, said, hint="see why it takes so long, or raise its timeout")

    def _why_ended(self, code: int) -> HostError:
        user = self._script.user
        begun = self._reading.results or self._reading.step is not None
        if not begun and self._heard.startswith(b"the home of"):
            hint = f"see there: getent passwd {user or ''}"
            return ConnectError(self._host, f"no step could begin: {self._heard.decode().strip()}", hint=hint)
        if user is not None and not begun:
            hint = f"a file in /etc/sudoers.d must let you: ALL=({user}) NOPASSWD: ALL"
            return ConnectError(self._host, f"cannot become {user} with sudo on this machine", hint=hint)
        how = f"was killed by signal {-code}" if code < 0 else f"ended (exit code {code})"
        return HostLostError(self._host, f"the shell {how}{self._while()}")

    def _while(self) -> str:
        return f" while `{self._reading.step.name}` was running" if self._reading.step is not None else ""


class LocalRemote:
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


_TERMINAL = ("TERM", "COLORTERM", "EDITOR", "VISUAL", "PAGER", "LESS")


def interact(command_line: str) -> int:
    """Run it in a shell; its exit code. Raises KeyboardInterrupt where the terminal hung up."""
    env = {**environment(), **{name: os.environ[name] for name in _TERMINAL if name in os.environ}}
    try:
        return run_at_terminal(["/bin/sh", "-c", command_line], cwd=env["HOME"], env=env)
    except OSError as error:
        said = f"no shell can be started on this machine: {(error.strerror or str(error)).lower()}"
        raise HostLostError("local", said) from error
