"""Pure: the gates of a site: the service runs the release, and its health URL confirms it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from lockstitch.facts.http import http_request, parse_answer
from lockstitch.inventory.app import Health
from lockstitch.inventory.model import App
from lockstitch.model.gate import Gate, HttpAnswer, Verdict, failed, judge_health, passed
from lockstitch.model.probe import Probe
from lockstitch.services.maintenance import AWAY
from lockstitch.services.release_context import ReleaseContext
from lockstitch.services.state import ServiceState

# A cache in front of the app may tell the old revision for a moment.
_CERTAIN = 3


def _filled(value: Any, place: ReleaseContext) -> Any:
    """Return an expectation with the revision and the release that are to serve in place of their names. None where one
    that is named is not known, as of code that another tool made."""
    if not isinstance(value, str):
        return value
    for name, known in (("{revision}", place.revision), ("{release}", place.release)):
        if name in value and not known:
            return None
        value = value.replace(name, known)
    return value


def _health(settings: Health, place: ReleaseContext) -> Gate:
    """Return the gate of a health URL, which is requested on the host itself."""
    revision = place.revision
    filled = {key: (value, _filled(value, place)) for key, value in settings.expect.items()}
    judge = partial(
        _judge,
        status=settings.status,
        expect={key: made for key, (value, made) in filled.items() if made is not None or value is None},
        contains=_filled(settings.contains, place) or "",
        revision_key=settings.revision if revision else "",
        revision=revision,
    )
    probe = Probe("health", http_request(settings.url, settings.timeout), parse_answer)
    return Gate("health", probe, judge, settings.interval, settings.timeout, settings.tries)


def _judge(answer: HttpAnswer, **expected: Any) -> Verdict:
    if answer == HttpAnswer(0, AWAY):
        return passed("in maintenance, as it was found: its page answers")
    return judge_health(answer, **expected)


def judge_drift(app: str, verdict: Verdict, state: ServiceState) -> Verdict:
    """Judge what passes, whether it also runs as its settings now say."""
    if not verdict.passed or not state.drift:
        return verdict
    hint = f"this makes it so, with the pause of a restart: fab -H ENV service.restart {app}"
    return failed(f"{verdict.reason}, but {'; '.join(state.drift)}", hint)


def gates(app: App, place: ReleaseContext, run: str, *, strict: bool = False) -> tuple[Gate, ...]:
    """Return all gates of a site for the release at `place`. While a site is in maintenance for somebody else, its
    maintenance page passes the health gate, whatever the survey saw. A `strict` one also fails where what runs is not
    what the settings of the service now say."""
    service = app.service

    def judge(state: ServiceState) -> Verdict:
        return judge_drift(app.name, service.judge(state), state)

    serving = Gate("serving", service.probe(replace(place, has_secrets=True)), judge if strict else service.judge)
    if not app.health:
        return (serving,)
    asked = _health(app.health, place)
    if service.proves_workers():
        asked = replace(asked, certain=_CERTAIN)
    if app.mode:
        asked = replace(asked, probe=replace(asked.probe, command=app.mode.unless(place, run, asked.probe.command)))
    return (serving, asked)
