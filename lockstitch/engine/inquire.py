"""EFFECT: put probes to many hosts at once, and note when each was asked and when it answered. Read-only."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lockstitch.checks import Asking
from lockstitch.engine.fanout import Way, Work, everywhere
from lockstitch.errors import ExitCode, LockstitchError
from lockstitch.facts.clock import Clock
from lockstitch.model.host import Host
from lockstitch.model.plan import Script, Step
from lockstitch.model.probe import Probe
from lockstitch.model.results import Done, Event, Observer, Result, StepEnded, StepOutput, nobody
from lockstitch.remote import Remote

# Whatever may hang has a shorter time of its own, in its text.
_LONGEST = 60.0


@dataclass(frozen=True)
class Inquiry:
    """The probes of one host, or of one app on it; `label` tells them apart."""

    label: str
    host: Host
    probes: tuple[Probe[Any], ...]
    app: str = ""
    user: str | None = None


@dataclass(frozen=True)
class Answers:
    """What one inquiry came to: `read` has the facts in the order of the probes, as far as they were answered; `error`
    is why there are none."""

    done: Done
    read: tuple[Any, ...] = ()
    error: LockstitchError | None = None

    @property
    def away(self) -> bool:
        """Whether the host could not be asked."""
        return self.done.code in (ExitCode.UNREACHABLE, ExitCode.INTERRUPTED)


def of(asking: Asking) -> Inquiry:
    """The probes of a host's checks."""
    return Inquiry(asking.label, asking.host, tuple(c.probe for c in asking.checks), asking.app, asking.user)


def inquire(remote: Remote, inquiries: Sequence[Inquiry], way: Way | None = None) -> dict[str, Answers]:
    """Connect to all hosts and ask them at once; one that cannot be asked is reported, not raised."""
    errors = remote.connect({one.host.name: one.host for one in inquiries}.values())
    here = [one for one in inquiries if one.host.name not in errors]
    timed = _Timed(remote, {one.label: _Watched() for one in here})
    said = _Said()
    done = everywhere(timed, [Work(one.label, one.host, _script(one)) for one in here], said, way)
    found = {}
    for one in inquiries:
        error = errors.get(one.host.name)
        if error is not None:
            found[one.label] = Answers(Done(ExitCode.UNREACHABLE, error.message), error=error)
        else:
            results = done[one.label].results or said.ended.get((one.host.name, one.app), ())
            found[one.label] = Answers(done[one.label], _read(one, results, timed.watched[one.label]))
    return found


def _script(one: Inquiry) -> Script:
    names = [probe.name for probe in one.probes]
    # The name is what is said of one that takes too long; it must be there once.
    told = [name if names.count(name) == 1 else f"{name} {names[:n].count(name) + 1}" for n, name in enumerate(names)]
    steps = tuple(Step(name, "", probe.command, timeout=_LONGEST) for name, probe in zip(told, one.probes, strict=True))
    # `run` tells the scripts of one host apart; nothing of it is recorded.
    return Script(steps, run=one.label, app=one.app, keep_going=True, user=one.user)


def _read(one: Inquiry, results: Sequence[Result], watched: _Watched) -> tuple[Any, ...]:
    read = []
    for probe, result in zip(one.probes, results, strict=False):
        fact = probe.parse(result.output, result.code)
        if isinstance(fact, Clock) and (heard := watched.heard.get(result.name)):
            fact = fact.seen(watched.sent, heard)
        read.append(fact)
    return tuple(read)


class _Said:
    """What was answered before a script was cut off: by its host and app, the steps that had ended."""

    def __init__(self) -> None:
        self.ended: dict[tuple[str, str], list[Result]] = {}
        self._lines: dict[tuple[str, str, str], list[str]] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepOutput):
            self._lines.setdefault((event.host, event.app, event.name), []).append(event.line)
        elif isinstance(event, StepEnded):
            text = "".join(f"{line}\n" for line in self._lines.pop((event.host, event.app, event.name), ()))
            result = Result(event.name, event.code, text, event.seconds)
            self.ended.setdefault((event.host, event.app), []).append(result)


@dataclass
class _Watched:
    """When one script was sent, and when the first word of each of its steps came."""

    sent: float = 0.0
    heard: dict[str, float] = field(default_factory=dict)


class _Timed:
    """A Remote that notes the times of what it carries."""

    def __init__(self, remote: Remote, watched: Mapping[str, _Watched]) -> None:
        self._remote, self.watched = remote, watched
        self.connect, self.open, self.interrupt, self.close = (
            remote.connect,
            remote.open,
            remote.interrupt,
            remote.close,
        )

    def run(self, host: Host, script: Script, observe: Observer = nobody) -> tuple[Result, ...]:
        watched = self.watched[script.run]

        def noted(event: Event) -> None:
            if isinstance(event, StepOutput):
                watched.heard.setdefault(event.name, time.time())
            observe(event)

        watched.heard.clear()
        watched.sent = time.time()
        return self._remote.run(host, script, noted)
