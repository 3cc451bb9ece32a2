"""EFFECT: journeys carried out one after the other, with one ledger; and what former runs have left, taken away."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from lockstitch.engine.smoke.client import HttpClient, certificates
from lockstitch.engine.smoke.journey import JourneyRunner
from lockstitch.engine.smoke.ledger import SUFFIX, Ledger, StoredLedger, stored
from lockstitch.engine.smoke.values import SmokeValues
from lockstitch.errors import UsageError
from lockstitch.inventory.model import App
from lockstitch.inventory.smoke import SmokeSettings
from lockstitch.model.host import Host
from lockstitch.model.smoke_check import SmokeResult
from lockstitch.smoke.journey import Journey, steps_again
from lockstitch.smoke.ledger import LedgerEntry
from lockstitch.smoke.results import JourneyResult, leftover


class Forwarder(Protocol):
    """Connects to servers as hosts reach them."""

    def forward(self, host: Host, address: str, port: int, seconds: float) -> socket.socket:
        """Return a connection. Raises HostError or OSError."""


class JourneyFolder:
    """Runs journeys of one project: `root` is its folder, `ledgers` that of the ledgers, `hosts` those that journeys may
    go to."""

    def __init__(
        self,
        root: Path,
        ledgers: Path,
        forwarder: Forwarder,
        hosts: Mapping[str, Host],
        observe: Callable[[SmokeResult], None] = lambda result: None,
    ) -> None:
        self._root, self._ledgers = root, ledgers
        self._forwarder, self._hosts, self._observe = forwarder, hosts, observe

    def run(self, run: str, journeys: Sequence[Journey]) -> list[JourneyResult]:
        """Run journeys, until one is interrupted. Raises UsageError before the first one has sent anything."""
        results: list[JourneyResult] = []
        with Ledger(self._ledgers / f"{run}{SUFFIX}") as ledger:
            runners = [self._runner(journey, ledger) for journey in journeys]
            for runner in runners:
                runner.prepare()
            for runner in runners:
                results.append(runner.run())
                if results[-1].interrupted:
                    break
        return results

    def prepare(self, journeys: Sequence[Journey]) -> None:
        """Look up every secret and file of journeys that are run later. Raises UsageError."""
        for journey in journeys:
            SmokeValues(journey, self._root).prepare()

    def _runner(self, journey: Journey, ledger: Ledger) -> JourneyRunner:
        smoke = journey.smoke
        dial = partial(self._dial, self._hosts[journey.host], smoke) if journey.host else None
        client = HttpClient(dial, certificates(smoke.ca or "", str(self._root)))
        return JourneyRunner(journey, client, ledger, self._root, self._observe)

    def _dial(self, host: Host, smoke: SmokeSettings, seconds: float) -> socket.socket:
        return self._forwarder.forward(host, smoke.on.address, port_of(smoke), seconds)

    def leftovers(self, environment: str) -> Iterator[tuple[StoredLedger, list[LedgerEntry]]]:
        """Yield each ledger on this machine with what is open of an environment."""
        for each in stored(self._ledgers):
            yield each, [entry for entry in each.facts.open if entry.environment == environment]

    def clean(self, each: StoredLedger, entries: Sequence[LedgerEntry], apps: Mapping[str, App]) -> list[JourneyResult]:
        """Take away what a former run has left. It logs in again where that is needed."""
        results = []
        for app, host in dict.fromkeys((entry.app, entry.host) for entry in entries):
            mine = [entry for entry in entries if (entry.app, entry.host) == (app, host)]
            smoke = apps[app].smoke if app in apps else None
            if smoke is None or (host and host not in self._hosts):
                gone = f"the inventory has no smoke of {app}" if smoke is None else f"there is no host {host}"
                results.append(_still_there(host, mine, gone))
                continue
            names = [name for entry in mine for name in steps_again(smoke, entry)]
            first = mine[0]
            # It is there where it was made, wherever the app is now.
            there = smoke.model_copy(update={"url": first.url or smoke.url})
            journey = Journey(first.environment, app, first.run, there, tuple(dict.fromkeys(names)), host=host)
            try:
                results.append(self._runner(journey, each.ledger).run(mine))
            except UsageError as error:
                results.append(_still_there(host, mine, error.message))
        return results


def _still_there(host: str, entries: Sequence[LedgerEntry], why: str) -> JourneyResult:
    return JourneyResult(entries[0].app, host, (), tuple(leftover(each, why) for each in entries))


def port_of(smoke: SmokeSettings) -> int:
    """Return the port of a host's own web server: that of the URL, where no other is given. Raises UsageError."""
    try:
        written = urlsplit(smoke.url).port
    except ValueError as error:
        raise UsageError(f"{smoke.url}: {error}") from error
    return smoke.on.port or written or (443 if smoke.url.startswith("https:") else 80)
