"""EFFECT: ask every site what is there. One script a site, all at once; read-only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lockstitch.errors import LockstitchError
from lockstitch.facts import Facts, HostFacts, PlaceFacts, Survey
from lockstitch.plan import Script, Site, Step
from lockstitch.questions import Ask, probes
from lockstitch.remote import Remote
from lockstitch.services import ServiceState


def survey(remote: Remote, asks: Sequence[Ask]) -> Survey:
    """Connect to all hosts and ask them at once; a host that cannot be asked is reported, not raised."""
    errors = dict(remote.connect({ask.host.name: ask.host for ask in asks}.values()))
    facts: dict[Site, Facts] = {}

    def one(ask: Ask) -> None:
        if ask.host.name in errors:
            return
        try:
            facts[ask.site] = _ask(remote, ask)
        except LockstitchError as error:
            errors[ask.host.name] = error

    each(asks, one)
    return Survey({ask.site: facts[ask.site] for ask in asks if ask.site in facts}, errors)


def _ask(remote: Remote, ask: Ask) -> Facts:
    asked = probes(ask)
    steps = tuple(Step(probe.name, "", probe.command, timeout=60) for probe in asked)
    results = remote.run(ask.host, Script(steps, app=ask.app.name, keep_going=True, user=ask.app.user))
    read: Mapping[str, Any] = {
        probe.name: probe.parse(result.output, result.code) for probe, result in zip(asked, results, strict=False)
    }
    return Facts(
        ask.site,
        read.get("place", PlaceFacts()),
        read.get("host", HostFacts()),
        read.get("service", ServiceState(False)),
        read.get("target"),
    )


def each(items: Iterable[Ask], do: Callable[[Ask], None], at_once: int = 64) -> None:
    """Do something for each, in parallel, and let every one end before an error is raised."""
    items = list(items)
    if items:
        with ThreadPoolExecutor(max_workers=min(at_once, len(items))) as pool:
            for future in [pool.submit(do, item) for item in items]:
                future.result()
