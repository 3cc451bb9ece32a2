"""EFFECT: everything that the steps of a journey make: written down before it is made, and taken away at the end."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lockstitch.engine.journal import now
from lockstitch.engine.local_command import INTERRUPTED
from lockstitch.engine.smoke.client import HttpClient
from lockstitch.engine.smoke.ledger import Ledger
from lockstitch.engine.smoke.values import SmokeValues
from lockstitch.errors import CheckError, LockstitchError
from lockstitch.inventory.smoke import SmokeStepSettings
from lockstitch.smoke.journey import Journey
from lockstitch.smoke.judge import SmokeAnswer
from lockstitch.smoke.ledger import LedgerEntry
from lockstitch.smoke.results import SmokeLeftover, leftover

if TYPE_CHECKING:
    from requests.cookies import RequestsCookieJar

_SECONDS = 10.0
_GONE = (404, 410)
# A server that gives up waiting for a request may have begun it.
_UNCERTAIN = 408


class SmokeCleaner:
    """The things that one journey has made. `jar` returns the cookies of a step."""

    def __init__(
        self,
        journey: Journey,
        client: HttpClient,
        ledger: Ledger,
        values: SmokeValues,
        jar: Callable[[str], RequestsCookieJar],
    ) -> None:
        self._journey, self._client, self._ledger = journey, client, ledger
        self._values, self._jar = values, jar
        self.open: list[LedgerEntry] = []
        self.leftovers: list[SmokeLeftover] = []
        self.count = 0

    def take_over(self, former: Sequence[LedgerEntry]) -> None:
        """Take over what former runs have made."""
        self.open = list(former)

    def begin(self, name: str, step: SmokeStepSettings) -> LedgerEntry | None:
        """Write down what a step is about to make. Raises CheckError where that cannot be written."""
        if step.clean is None:
            return None
        journey = self._journey
        # A run may make the same thing again, after it has gone back.
        identity = f"{journey.run}.{name}.{secrets.token_hex(2)}"
        entry = LedgerEntry(
            entry=identity,
            environment=journey.environment,
            app=journey.app,
            step=name,
            at=now(),
            run=journey.run,
            clean=step.clean,
            url=journey.smoke.url,
            host=journey.host,
            values=self._values.written_down(step, self._values.visible(name)),
        )
        try:
            self._ledger.begin(entry)
        except CheckError as error:
            raise CheckError(f"{error.message}; without it no step may make anything", hint=error.hint) from error
        self.open.append(entry)
        return entry

    def made(self, entry: LedgerEntry, step: SmokeStepSettings, answer: SmokeAnswer, values: Mapping[str, Any]) -> None:
        """Write down what the answer says of it: its values, or that nothing was made."""
        refused = 400 <= answer.status < 500 and answer.status != _UNCERTAIN
        if not answer.sent or refused:
            self._ledger.closed(entry.entry, f"nothing was made: {answer.status or 'not sent'}")
            self.open.remove(entry)
            return
        kept = self._values.written_down(step, values)
        self.open[self.open.index(entry)] = replace(entry, values={**entry.values, **kept})
        if not answer.error:
            self._ledger.saved(entry.entry, kept)

    def clean_up(self, given_up: threading.Event, unproven: Callable[[LedgerEntry], str]) -> None:
        """Take away what is there, the newest first, until that is given up. Where a thing is `unproven`, its absence
        says nothing."""
        for entry in reversed(self.open):
            try:
                why = INTERRUPTED if given_up.is_set() else self._take_away(entry, given_up, unproven(entry))
                if not why:
                    self._ledger.closed(entry.entry, "taken away")
                    self.count += 1
            except LockstitchError as error:
                why = error.message
            if why:
                self.leftovers.append(leftover(entry, self._values.mask(why)))

    def _take_away(self, entry: LedgerEntry, given_up: threading.Event, unproven: str) -> str:
        """Make the request that takes something away. Returns why it is still there, empty where it is not."""
        clean = entry.clean
        values = {**self._values.visible(entry.step), **entry.values}
        bearer = clean.bearer if clean.bearer is not None else self._values.bearer(entry.step, clean.place)
        try:
            request = self._values.request(clean, values, bearer, None)
        except KeyError as error:
            return f"whether it was made is not known: the answer that has its {error.args[0]} never came"
        answer = self._client.send(request, self._jar(entry.step), _SECONDS, given_up)
        if answer.error:
            return answer.error
        said = f"{clean.method} {clean.place} was answered {answer.status}"
        if unproven and answer.status in _GONE:
            return f"{said}, which says nothing: {unproven}"
        return "" if answer.status in (clean.expect or (*range(200, 300), *_GONE)) else said
