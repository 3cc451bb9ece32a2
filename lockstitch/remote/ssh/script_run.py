"""One script on one shell: send it, read what comes back, and never wait longer than a step may take."""

from __future__ import annotations

from time import monotonic

from lockstitch.errors import HostError, HostLostError, StepTimeoutError
from lockstitch.model.plan import Script
from lockstitch.model.results import Result
from lockstitch.remote import InterruptedRunError
from lockstitch.remote.script import ScriptOutput
from lockstitch.remote.ssh.channels import ChannelPool
from lockstitch.remote.ssh.shell import BROKEN, KEPT, NotStartedError, Shell

TICK = 1.0
# Between the steps the host does little: it writes its journal and, before the first, ends a run that was cut off.
BETWEEN_STEPS = 60.0
# The script's own watchdog ends the steps with TERM, and with KILL five seconds later.
ENDING = 8.0


class ScriptRun:
    """One script under way on one host."""

    def __init__(self, host: str, line: ChannelPool, shell: Shell, script: Script, reading: ScriptOutput) -> None:
        self._host, self._line, self._shell, self._script, self._reading = host, line, shell, script, reading
        self._ending: HostError | None = None
        self._at = (0, True)
        # Until a script that was given to its shell as that was started begins, it is the shell that is waited for.
        self._until = monotonic() + (line.patience if shell.has_script else BETWEEN_STEPS)
        self._heard = b""

    def run(self, text: str) -> tuple[Result, ...]:
        """Carry the script out, which is `text` as shell text; a Result for each step that ended."""
        try:
            if not self._shell.has_script:
                self._shell.send(text)
                self._until = monotonic() + BETWEEN_STEPS
            self._read()
        except BROKEN as error:
            raise self.why_ended() from error
        if not self._reading.complete:
            raise self.why_ended()
        return tuple(self._reading.results)

    def interrupt(self) -> None:
        """End what runs; a second time, do not wait for the host."""
        if isinstance(self._ending, InterruptedRunError):
            self._shell.close()
            return
        self._end(InterruptedRunError(self._host, f"interrupted{self._while()}"))

    def _read(self) -> None:
        while not self._reading.complete:
            remaining = self._until - monotonic()
            if remaining <= 0:
                if self._ending is not None:
                    return
                self._end(self._too_long())
                continue
            data = self._shell.read(min(TICK, remaining))
            if data == b"":
                return
            if data:
                self._feed(data)

    def _feed(self, data: bytes) -> None:
        if not self._begun:
            self._heard = (self._heard + data)[-KEPT:]
        self._reading.feed(data)
        step = self._reading.step
        at = (len(self._reading.results), step is None)
        if at != self._at and self._ending is None:
            self._at = at
            self._until = monotonic() + (BETWEEN_STEPS if step is None else step.timeout)

    def _end(self, error: HostError) -> None:
        self._ending = error
        self._until = monotonic() + ENDING
        self._shell.stop()

    def _too_long(self) -> HostError:
        step = self._reading.step
        if not self._begun and self._shell.has_script:
            return self._line.too_slow()
        if step is None:
            said = f"the shell on the host did not go on within {BETWEEN_STEPS:g} s"
            return StepTimeoutError(self._host, said, hint="is a disk or a mount of the host stuck?")
        said = f"`{step.name}` took longer than {step.timeout:g} s and was ended"
        return StepTimeoutError(self._host, said, hint="see why it takes so long, or raise its timeout")

    def why_ended(self) -> HostError:
        """The shell ended before the script did: we ended it, the line is gone, or it was ended on the host."""
        if self._ending is not None:
            return self._ending
        if self._shell.cut_off:
            self._line.wait_until_known_dead()
        if not self._line.alive:
            return HostLostError(self._host, f"{self._line.died_of}{self._while()}")
        code = self._shell.wait_for_exit_code()
        if not self._begun and (self._shell.has_script or code is not None):
            error = NotStartedError(self._heard.decode(errors="replace"), code)
            return self._line.not_started(self._script.user, error, ready=not self._shell.has_script)
        how = "was killed" if code is None else f"ended (exit code {code})"
        return HostLostError(self._host, f"the shell on the host {how}{self._while()}")

    @property
    def _begun(self) -> bool:
        return self._reading.step is not None or bool(self._reading.results)

    def _while(self) -> str:
        return f" while `{self._reading.step.name}` was running" if self._reading.step is not None else ""
