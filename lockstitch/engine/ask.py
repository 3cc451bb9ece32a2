"""EFFECT: questions to hosts. Whatever is asked of them goes through `ask`: all at once, one script a query."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from lockstitch.engine.fanout import FanoutOptions, HostScript, run_on_hosts
from lockstitch.errors import ExitCode, LockstitchError
from lockstitch.facts.clock import Clock
from lockstitch.model.command import mask
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Script, Step
from lockstitch.model.probe import Probe
from lockstitch.model.results import Event, HostResult, Observer, Result, StepEnded, StepOutput, nobody
from lockstitch.remote import Remote
from lockstitch.remote.masked import secrets_of


@dataclass(frozen=True)
class Query:
    """The probes of one host, or of one app on it; `label` tells it from the others.

    Each probe may take `seconds`. Secrets are masked in an answer before it is parsed, unless it is `exact`: facts that
    are compared must not change, and are masked where they are shown.
    """

    label: str
    host: Host
    probes: tuple[Probe[Any], ...]
    app: str = ""
    user: str | None = None
    seconds: float = 60.0
    exact: bool = False


@dataclass(frozen=True)
class Reply:
    """The reply to a query: `facts` are in the order of its probes, as far as they were answered; `error` is why the
    host could not be asked, and `connected` is False where it was not even reached."""

    result: HostResult
    facts: tuple[Any, ...] = ()
    error: LockstitchError | None = None
    connected: bool = True

    @property
    def connect_error(self) -> LockstitchError | None:
        """The error, where the host was not even reached."""
        return None if self.connected else self.error

    @property
    def away(self) -> bool:
        """True if the host could not be asked."""
        return self.result.code in (ExitCode.UNREACHABLE, ExitCode.INTERRUPTED)

    @property
    def interrupted(self) -> bool:
        """True if somebody ended it."""
        return self.result.code is ExitCode.INTERRUPTED


def ask(
    remote: Remote,
    queries: Sequence[Query],
    options: FanoutOptions | None = None,
    stopped: threading.Event | None = None,
) -> dict[str, Reply]:
    """Connect to all hosts and ask them at once; the replies by label, in the order of the queries.

    A host that cannot be asked is in its reply, not raised. After an interrupt `stopped` is set, and the replies say
    which hosts had not answered.
    """
    errors = remote.connect({query.host.name: query.host for query in queries}.values())
    asked = [query for query in queries if query.host.name not in errors]
    listening = _Listening(remote, {query.label: _Answers() for query in asked})
    work = [HostScript(query.label, query.host, _script(query)) for query in asked]
    results = run_on_hosts(listening, work, way=options, stopped=stopped)
    replies = {}
    for query in queries:
        if (error := errors.get(query.host.name)) is not None:
            result = HostResult(ExitCode.UNREACHABLE, error.message)
            replies[query.label] = Reply(result, error=error, connected=False)
        else:
            answers = listening.answers[query.label]
            replies[query.label] = Reply(results[query.label], _facts(query, answers), answers.error)
    return replies


def _script(query: Query) -> Script:
    names = [probe.name for probe in query.probes]
    # The name is shown where a probe takes too long; it must be unique.
    unique = [name if names.count(name) == 1 else f"{name} {names[:n].count(name) + 1}" for n, name in enumerate(names)]
    steps = tuple(
        Step(name, "", probe.command, is_query=True, timeout=query.seconds)
        for name, probe in zip(unique, query.probes, strict=True)
    )
    # `run` tells the scripts of one host apart; nothing of it is recorded.
    return Script(steps, run=query.label, app=query.app, keep_going=True, user=query.user)


def _facts(query: Query, answers: _Answers) -> tuple[Any, ...]:
    secrets = () if query.exact else secrets_of(_script(query))
    facts = []
    for probe, result in zip(query.probes, answers.results, strict=False):
        fact = probe.parse(mask(result.output, secrets), result.code)
        if isinstance(fact, Clock) and (heard := answers.heard.get(result.name)):
            fact = fact.seen(answers.sent, heard)
        facts.append(fact)
    return tuple(facts)


@dataclass
class _Answers:
    """The results of one script, up to where it was cut off; when it was sent, and when the first line of each step
    came (epoch seconds)."""

    sent: float = 0.0
    heard: dict[str, float] = field(default_factory=dict)
    results: Sequence[Result] = ()
    error: LockstitchError | None = None


class _Listening:
    """A Remote that keeps the answers to what it carries, by the label of the query."""

    def __init__(self, remote: Remote, answers: Mapping[str, _Answers]) -> None:
        self._remote, self.answers = remote, answers
        self.connect, self.open = remote.connect, remote.open
        self.interrupt, self.close = remote.interrupt, remote.close

    def run(self, host: Host, script: Script, observe: Observer = nobody) -> tuple[Result, ...]:
        answers = self.answers[script.run]
        ended: list[Result] = []
        lines: dict[str, list[str]] = {}
        answers.heard, answers.error = {}, None

        def listen(event: Event) -> None:
            if isinstance(event, StepOutput):
                answers.heard.setdefault(event.name, time.time())
                lines.setdefault(event.name, []).append(event.line)
            elif isinstance(event, StepEnded):
                text = "".join(f"{line}\n" for line in lines.pop(event.name, ()))
                ended.append(Result(event.name, event.code, text, event.seconds))
            observe(event)

        answers.results, answers.sent = ended, time.time()
        try:
            answers.results = self._remote.run(host, script, listen)
        except LockstitchError as error:
            answers.error = error
            raise
        return tuple(answers.results)
