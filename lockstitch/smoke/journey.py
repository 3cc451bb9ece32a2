"""The steps of one app that are to be run, and how it tells which release answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from urllib.parse import urlsplit

from lockstitch.inventory.app import Health
from lockstitch.inventory.smoke import METHODS, RequestSettings, SmokeSettings
from lockstitch.inventory.smoke_rules import BEARER_VALUE, needed
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.template import template_names
from lockstitch.smoke.ledger import LedgerEntry
from lockstitch.smoke.order import in_order


@dataclass(frozen=True)
class Journey:
    """The steps of an app in their order. `left_out` says of some why they are not run. They go to one `host` where it
    is named. `expected` is the commit that should answer, where that is known. Answers tell theirs at `source`; where
    that is in a body, it is the body of `place`. Where that is `assumed` from `health`, an app need not tell it."""

    environment: str
    app: str
    run: str
    smoke: SmokeSettings
    names: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    host: str = ""
    expected: str = ""
    source: str = ""
    place: str = ""
    assumed: bool = False

    def url(self, place: str) -> str:
        """Return the whole URL of a path."""
        return place if not place.startswith("/") else f"{self.smoke.url.rstrip('/')}{place}"


def with_release(journey: Journey, health: Health | None, expected: str = "") -> Journey:
    """Return a journey that knows where answers tell the commit that serves, and which one is expected."""
    source, place = _release(journey.smoke, health)
    assumed = journey.smoke.revision is None and journey.smoke.release is None
    return replace(journey, source=source, place=place, assumed=assumed, expected=expected)


def _release(smoke: SmokeSettings, health: Health | None) -> tuple[str, str]:
    """Return where answers tell the commit that serves, and the path of the one that does; empty where none does."""
    place = smoke.release or ""
    if not place and health is not None:
        asked = urlsplit(health.url)
        place = f"{asked.path or '/'}{f'?{asked.query}' if asked.query else ''}"
    if smoke.revision is not None:
        in_header = smoke.revision.startswith("header.")
        return smoke.revision, (smoke.release or "") if in_header else place
    if health is not None and health.revision:
        return f"json.{health.revision}", place
    return "", ""


def left_out(smoke: SmokeSettings, names: Iterable[str], *, protected: bool, really: bool, host: str) -> dict[str, str]:
    """Return the steps that are not run, with the reason, those that need one of them too."""
    reasons: dict[str, str] = {}
    for name in names:
        step = smoke.steps[name]
        if step.harmful and protected and not really:
            reasons[name] = "it does harm, and the environment is protected: --really runs it"
        elif not step.method and host:
            reasons[name] = "a program of this machine does not go through a host"
        elif need := next((need for need in step.needs if need in reasons), ""):
            reasons[name] = f"{need} is left out"
    return reasons


def steps_again(smoke: SmokeSettings, entry: LedgerEntry) -> tuple[str, ...]:
    """Return the steps that must be run again before what a step has made can be taken away by somebody else: those
    that log in, and those that save values which are not known."""
    if entry.step not in smoke.steps:
        return ()
    bearer = smoke.steps[entry.step].bearer
    used = {*template_names(texts_of(entry.clean)), *template_names(bearer), BEARER_VALUE} - set(entry.values)
    meant = []
    for each in needed(smoke.steps, entry.step):
        other = smoke.steps[each]
        logs_in = not other.save and other.clean is None and other.method
        if set(other.save) & used or logs_in:
            meant.append(each)
    return in_order(smoke, meant)


def texts_of(request: RequestSettings) -> list[object]:
    """Return the parts of a request that may hold templates or references."""
    places = [getattr(request, method) for method in METHODS]
    return [*places, request.body, request.form, request.headers, request.bearer or ""]
