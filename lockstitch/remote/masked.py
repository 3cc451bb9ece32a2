"""A Remote that masks secrets: the one place where what steps print is masked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lockstitch.model.command import Secret, mask, mask_lines
from lockstitch.model.host import Host
from lockstitch.model.plan import Script
from lockstitch.model.results import Event, LinesObserver, Observer, Result, StepOutput, nobody
from lockstitch.remote import Remote


class MaskedRemote:
    """Masks the secrets of a script, and `secrets`, in its events and results.

    The answer to a query (`Step.is_query`) stays as it is: a mask within a number or a path would change what is read.
    Texts that are made from it are masked with `mask` where they are made.
    """

    def __init__(self, remote: Remote, secrets: Iterable[Secret] = ()) -> None:
        self._remote, self._secrets = remote, frozenset(secrets)
        self.connect, self.open = remote.connect, remote.open
        self.interrupt, self.close = remote.interrupt, remote.close

    def run(self, host: Host, script: Script, observe: Observer = nobody) -> tuple[Result, ...]:
        """Carry out a script, as any Remote does."""
        secrets = self._secrets | secrets_of(script)
        if not secrets:
            return self._remote.run(host, script, observe)
        queries = {step.name for step in script.steps if step.is_query}
        masked = _MaskedLines if isinstance(observe, LinesObserver) else _MaskedEvents
        results = self._remote.run(host, script, masked(observe, secrets, queries))
        return tuple(r if r.name in queries else replace(r, output=mask(r.output, secrets)) for r in results)

    def mask(self, text: str) -> str:
        """Return a text without the secrets that were given."""
        return mask(text, self._secrets) if self._secrets else text


class _MaskedEvents:
    """An observer that masks, for one that takes events."""

    def __init__(self, observe: Observer, secrets: frozenset[Secret], queries: set[str]) -> None:
        self._observe, self._secrets, self._queries = observe, secrets, queries

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepOutput) and event.name not in self._queries:
            event = replace(event, line=mask(event.line, self._secrets))
        self._observe(event)


class _MaskedLines(_MaskedEvents):
    """The same, for one that also takes many lines at once."""

    _observe: LinesObserver

    def take_lines(self, host: str, app: str, name: str, text: str) -> None:
        """Pass whole lines on: no secret that is printed in one line is at the border of two texts."""
        masked = text if name in self._queries else mask_lines(text, self._secrets)
        self._observe.take_lines(host, app, name, masked)


def secrets_of(script: Script) -> frozenset[Secret]:
    """Return the secrets in a script's commands."""
    return frozenset(secret for step in script.steps for secret in step.command.secrets())
