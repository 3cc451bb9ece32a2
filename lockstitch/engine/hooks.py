"""EFFECT: the user's own commands before and after a run, on this machine or on a host, with a document on stdin."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from lockstitch.concurrency import run_in_thread
from lockstitch.engine.local_command import INTERRUPTED, run_here
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
                what = "interrupt" if failure == INTERRUPTED else f"hook {hook.event}"
                failures.append(Failure(None, what, f"{hook}: {failure}", output=said))
                if not all_of_them:
                    break
        return failures

    def _one(self, hook: Hook, document: str) -> tuple[str, tuple[str, ...]]:
        """Run one. Returns why it failed (empty: it did not), and the last lines it printed."""
        stopped = threading.Event()

        def do() -> tuple[str, str]:
            if hook.host.local:
                return run_here(hook.line, hook.timeout, self.root, stopped, f"{document}\n")
            return self._on_host(hook, document)

        def stop() -> None:
            stopped.set()
            self.remote.interrupt()

        try:
            failure, output = run_in_thread(do, stop)
        except KeyboardInterrupt:
            return INTERRUPTED, ()
        return mask(failure, self.secrets), last_lines(mask(output, self.secrets))

    def _on_host(self, hook: Hook, document: str) -> tuple[str, str]:
        command = Command(_ON_HOST, values={"document": document, "line": hook.line})
        script = Script((Step(hook.event, "", command, timeout=hook.timeout),), unseen=True)
        try:
            (result,) = MaskedRemote(self.remote, self.secrets).run(hook.host, script)
        except LockstitchError as error:
            return error.message, ""
        return "" if result.ok else f"it ended with exit code {result.code}", result.output


def after_event(kind: str, code: ExitCode) -> str:
    """Return the event of a run that has ended."""
    return f"after_{kind}" if code is ExitCode.DONE else "failed"
