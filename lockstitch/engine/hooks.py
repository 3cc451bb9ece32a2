"""EFFECT: the user's own commands before and after a run, on this machine or on a host, with a document on stdin."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from lockstitch.concurrency import run_in_thread
from lockstitch.engine.site_runner import last_lines
from lockstitch.errors import ExitCode, LockstitchError
from lockstitch.model.command import Command, Secret, mask
from lockstitch.model.hook import Hook
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.outcome import Failure, RunEvent, RunMessage
from lockstitch.model.plan import Script, Step
from lockstitch.remote import Remote
from lockstitch.remote.masked import MaskedRemote

_ON_HOST = 'printf "%s\\n" "$document" | sh -c "$line"\n'
_INTERRUPTED = "interrupted"
_TICK = 0.1
# What a hook that is ended may take to put its own things away.
_PATIENCE = 5.0
# How much of the end of its output is read.
_KEPT = 64 * 1024


@dataclass(frozen=True)
class HookRunner:
    """Runs hooks. `root` is the project's folder, and the values of `secrets` are masked in what they print."""

    remote: Remote
    root: Path
    secrets: frozenset[Secret]
    observe: Callable[[RunEvent], None]

    def run(self, hooks: Iterable[Hook], document: Callable[[Hook], str], *, all_of_them: bool) -> list[Failure]:
        """Run hooks one after the other, each with its document on stdin. Returns what failed; unless all are to run,
        the first failure is the last. An interrupt ends the hook that runs, and is a failure of it."""
        failures: list[Failure] = []
        for hook in hooks:
            self.observe(RunMessage(str(hook)))
            failure, said = self._one(hook, document(hook))
            for line in said:
                self.observe(RunMessage(f"{hook.event} | {line}"))
            if failure:
                what = "interrupt" if failure == _INTERRUPTED else f"hook {hook.event}"
                failures.append(Failure(None, what, f"{hook}: {failure}", output=said))
                if not all_of_them:
                    break
        return failures

    def _one(self, hook: Hook, document: str) -> tuple[str, tuple[str, ...]]:
        """Run one. Returns why it failed (empty: it did not), and the last lines it printed."""
        stopped = threading.Event()

        def do() -> tuple[str, str]:
            if hook.host.local:
                return _here(hook, document, self.root, stopped)
            return self._on_host(hook, document)

        def stop() -> None:
            stopped.set()
            self.remote.interrupt()

        try:
            failure, output = run_in_thread(do, stop)
        except KeyboardInterrupt:
            return _INTERRUPTED, ()
        return mask(failure, self.secrets), last_lines(mask(output, self.secrets))

    def _on_host(self, hook: Hook, document: str) -> tuple[str, str]:
        command = Command(_ON_HOST, values={"document": document, "line": hook.line})
        script = Script((Step(hook.event, "", command, timeout=hook.timeout),), unseen=True)
        try:
            (result,) = MaskedRemote(self.remote, self.secrets).run(hook.host, script)
        except LockstitchError as error:
            return error.message, ""
        return "" if result.ok else f"it ended with exit code {result.code}", result.output


def _here(hook: Hook, document: str, root: Path, stopped: threading.Event) -> tuple[str, str]:
    """Run a hook on this machine, in a session of its own: Ctrl-C is for us, who end it."""
    # Files, not pipes: whatever it leaves running holds nothing up, and what it prints takes no memory.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as printed:
        given.write(f"{document}\n".encode("utf-8", "surrogateescape"))
        given.seek(0)
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", hook.line],
                cwd=root,
                stdin=given,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return f"no shell can be started here: {(error.strerror or str(error)).lower()}", ""
        failure = _wait(process, hook.timeout, stopped)
        printed.seek(max(0, printed.seek(0, os.SEEK_END) - _KEPT))
        return failure, printed.read().decode("utf-8", "replace")


def _wait(process: subprocess.Popen[bytes], seconds: float, stopped: threading.Event) -> str:
    until = time.monotonic() + seconds
    while True:
        try:
            code = process.wait(_TICK)
            return f"it ended with exit code {code}" if code else ""
        except subprocess.TimeoutExpired:
            late = time.monotonic() > until
            if late or stopped.is_set():
                _end(process)
                return f"it was ended, because it took longer than {seconds:g} s" if late else _INTERRUPTED


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
            # What of its group has ignored the first signal.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            return


def after_event(kind: str, code: ExitCode) -> str:
    """Return the event of a run that has ended."""
    return f"after_{kind}" if code is ExitCode.DONE else "failed"
