"""One script in a local `sh`, in a session of its own.

The script's own watchdog reads the shell's stdin, here as on a host: when that is closed, by us or because this process
was killed, what runs is ended.
"""

from __future__ import annotations

import os
import secrets
import selectors
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic

from lockstitch.errors import ConnectError, HostError, HostLostError, StepTimeoutError
from lockstitch.model.plan import Script
from lockstitch.model.results import Observer, Result
from lockstitch.remote import InterruptedRunError
from lockstitch.remote.script import Reading, render

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
        self._reading = Reading(host, script, self._nonce, observe)
        self._ending: HostError | None = None
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
        if not self._reading.done:
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
        left = memoryview(render(self._script, self._nonce).encode("utf-8", "surrogateescape"))
        with suppress(BrokenPipeError):  # the shell has ended: reading tells how
            while left:
                left = left[process.stdin.write(left) or 0 :]

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdout, selectors.EVENT_READ)
            while not self._reading.done:
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
        if user is not None and not self._reading.results and self._reading.step is None:
            hint = f"a file in /etc/sudoers.d must let you: ALL=({user}) NOPASSWD: ALL"
            return ConnectError(self._host, f"cannot become {user} with sudo on this machine", hint=hint)
        how = f"was killed by signal {-code}" if code < 0 else f"ended (exit code {code})"
        return HostLostError(self._host, f"the shell {how}{self._while()}")

    def _while(self) -> str:
        return f" while `{self._reading.step.name}` was running" if self._reading.step is not None else ""
