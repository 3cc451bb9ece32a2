"""A Remote without hosts, for tests: it answers as it was told, fails where it was told, and remembers what was run.

    remote = Scripted()
    remote.answer("web*", "build*", output="built")
    remote.answer("web2", "check", code=1, output="no")
    remote.fail("web1", "switch", HostLostError("web1", "the connection dropped"), when="during")
    remote.connect_error("web3", ConnectError("web3", "no route"))
    remote.files["web1", "backups/one/manifest.json"] = b"{}"

What nothing was said about succeeds silently. Of several words about a step, the last one counts.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import BinaryIO, Literal

from lockstitch.errors import LockstitchError
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Script, Step
from lockstitch.model.results import Observer, Result, StepBegan, StepEnded, StepOutput, nobody
from lockstitch.remote import FileError, FileMode, InterruptedRunError

TICK = 0.01
FailureMoment = Literal["before", "during", "after"]
FakeReply = Callable[[Host, Script, Step], "FakeAnswer"]


@dataclass(frozen=True)
class FakeAnswer:
    """The end of a step: its exit code, output and seconds."""

    code: int = 0
    output: str = ""
    seconds: int = 0


@dataclass(frozen=True)
class FakeStep:
    """One step that began: where, as part of what, as whom."""

    host: str
    step: Step
    script: Script

    @property
    def name(self) -> str:
        return self.step.name

    @property
    def text(self) -> str:
        """The shell text, with secrets masked."""
        return self.step.command.shown()


def _silently(host: Host, script: Script, step: Step) -> FakeAnswer:
    return FakeAnswer()


@dataclass
class _Rule:
    host: str
    step: str
    remaining: int | None
    reply: FakeReply = _silently
    error: BaseException | None = None
    when: FailureMoment = "before"
    until: threading.Event | None = None

    def about(self, host: Host, step: Step) -> bool:
        return self.remaining != 0 and fnmatchcase(host.name, self.host) and fnmatchcase(step.name, self.step)

    def fail(self, when: FailureMoment) -> None:
        if self.error is not None and self.when == when:
            raise self.error


class FakeRemote:
    """Answers scripts as it was told. Patterns are those of a shell: `web*`, `build ?/?`."""

    def __init__(self) -> None:
        self.ran: list[FakeStep] = []
        self.connected: list[str] = []
        self.closed = False
        self.files: dict[tuple[str, str], bytes] = {}
        self._rules: list[_Rule] = []
        self._refused: dict[str, LockstitchError] = {}
        self._lock = threading.RLock()
        self._interrupted = threading.Event()

    def answer(self, host: str, step: str, *, code: int = 0, output: str = "", times: int | None = None) -> None:
        """A step ends with this code and output; only the next `times` times, where that is given."""
        self.reply(host, step, lambda *_: FakeAnswer(code, output), times=times)

    def reply(self, host: str, step: str, how: FakeReply, *, times: int | None = None) -> None:
        """A step ends as a function says, which sees the host, the script and the step."""
        self._add(_Rule(host, step, times, reply=how))

    def fail(
        self, host: str, step: str, error: BaseException, *, when: FailureMoment = "during", times: int | None = None
    ) -> None:
        """The run raises before a step begins, while it runs, or after it has ended on the host."""
        self._add(_Rule(host, step, times, error=error, when=when))

    def hold(self, host: str, step: str, until: threading.Event) -> None:
        """A step begins, and goes on only when the event is set (never: it freezes); an interruption ends it."""
        self._add(_Rule(host, step, None, until=until))

    def connect_error(self, host: str, error: LockstitchError | None) -> None:
        """Connecting to a host fails; None lets it succeed again."""
        with self._lock:
            self._refused.pop(host, None)
            if error is not None:
                self._refused[host] = error

    def names(self, host: str) -> list[str]:
        """The names of the steps that began on a host, in order."""
        with self._lock:
            return [ran.name for ran in self.ran if ran.host == host]

    def connect(self, hosts: Iterable[Host]) -> dict[str, LockstitchError]:
        """Open nothing; return the errors that were set for these hosts."""
        with self._lock:
            names = [host.name for host in hosts]
            self.connected += [name for name in names if name not in self._refused]
            return {name: self._refused[name] for name in names if name in self._refused}

    def run(self, host: Host, script: Script, observe: Observer = nobody) -> tuple[Result, ...]:
        """Play a script, step by step, with the events of a real one."""
        with self._lock:
            if host.name in self._refused:
                raise self._refused[host.name]
            interrupted = self._interrupted
        results: list[Result] = []
        for result in self._steps(host, script, observe, interrupted):
            results.append(result)
            if not result.ok and not script.keep_going:
                break
        return tuple(results)

    @contextmanager
    def open(self, host: Host, path: str, mode: FileMode, start: int = 0) -> Iterator[BinaryIO]:
        """A file of `files`, by the host's name and the path as given; one that is written is there at its end."""
        key = host.name, path
        with self._lock:
            if host.name in self._refused:
                raise self._refused[host.name]
            if mode == "rb" and key not in self.files:
                raise FileError(host.name, f"there is no {path}", missing=True)
            there = self.files.get(key, b"")
            file = io.BytesIO(there if mode == "rb" else there[:start].ljust(start, b"\0"))
            file.seek(start)
        yield file
        if mode == "wb":
            with self._lock:
                self.files[key] = file.getvalue()

    def interrupt(self) -> None:
        """End every step that is held; what is run afterwards goes its way."""
        with self._lock:
            before, self._interrupted = self._interrupted, threading.Event()
        before.set()

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    def _steps(self, host: Host, script: Script, observe: Observer, interrupted: threading.Event) -> Iterator[Result]:
        for step in script.steps:
            rule = self._rule(host, step)
            rule.fail("before")
            with self._lock:
                self.ran.append(FakeStep(host.name, step, script))
            observe(StepBegan(host.name, script.app, step.name, script.run))
            while rule.until is not None and not rule.until.wait(TICK):
                if interrupted.is_set():
                    raise InterruptedRunError(host.name, f"interrupted while `{step.name}` was running")
            rule.fail("during")
            answer = rule.reply(host, script, step)
            for line in answer.output.splitlines():
                observe(StepOutput(host.name, script.app, step.name, line))
            rule.fail("after")
            observe(StepEnded(host.name, script.app, step.name, answer.code, answer.seconds))
            yield Result(step.name, answer.code, answer.output, answer.seconds)

    def _add(self, rule: _Rule) -> None:
        with self._lock:
            self._rules.append(rule)

    def _rule(self, host: Host, step: Step) -> _Rule:
        with self._lock:
            rule = next((rule for rule in reversed(self._rules) if rule.about(host, step)), _Rule("*", "*", None))
            rule.remaining = None if rule.remaining is None else rule.remaining - 1
            return rule
