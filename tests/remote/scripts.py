"""Small scripts and hosts for these tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from lockstitch.model.command import Command
from lockstitch.model.host import Address, Host, Limits
from lockstitch.model.plan import Script, Step
from lockstitch.model.results import Event as RemoteEvent
from lockstitch.model.results import Result, StepBegan, StepOutput
from lockstitch.remote.ssh import SshRemote

# Short enough for a test, long enough for a busy machine.
HASTY = Limits(keepalive_interval=0.5, keepalive_timeout=2.0)


def script(*commands: str, timeout: float = 60.0, **options: Any) -> Script:
    """A script of steps named a, b, c, …"""
    names = (chr(ord("a") + number) for number in range(len(commands)))
    steps = [Step(name, "", Command(text), timeout=timeout) for name, text in zip(names, commands, strict=True)]
    return Script(tuple(steps), **options)


def host(name: str, **options: Any) -> Host:
    """A host of the sandbox, by the name its ssh_config knows."""
    return Host(name, options.pop("address", Address(name)), **options)


class Watched:
    """An observer one can wait on: for the first step to begin, for a line to be said."""

    def __init__(self) -> None:
        self.events: list[RemoteEvent] = []
        self.began, self.said = Event(), Event()

    def __call__(self, event: RemoteEvent) -> None:
        self.events.append(event)
        if isinstance(event, StepBegan):
            self.began.set()
        if isinstance(event, StepOutput):
            self.said.set()

    @property
    def lines(self) -> list[str]:
        return [event.line for event in self.events if isinstance(event, StepOutput)]


class Running:
    """A run on a thread of its own: its results or its error."""

    def __init__(self, remote: SshRemote, host: Host, script: Script) -> None:
        self.watched = Watched()
        self.results: tuple[Result, ...] = ()
        self.error: BaseException | None = None

        def work() -> None:
            try:
                self.results = remote.run(host, script, self.watched)
            except BaseException as error:
                self.error = error

        self._thread = Thread(target=work, daemon=True)
        self._thread.start()

    def end(self, timeout: float = 15.0) -> None:
        """Wait for its end; 15 s is what is promised for everything that froze."""
        self._thread.join(timeout)
        assert not self._thread.is_alive(), "it hangs"


@contextmanager
def running(remote: SshRemote, on: Host, what: Script) -> Iterator[Running]:
    """Start a run, and go on when it has said its first line."""
    run = Running(remote, on, what)
    assert run.watched.said.wait(15), run.error
    yield run
    run.end()
