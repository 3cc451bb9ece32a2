"""Pure: the gates of a site: the service runs the release, and its health URL confirms it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from lockstitch.facts.http import parse_answer
from lockstitch.inventory.app import Health
from lockstitch.inventory.model import App
from lockstitch.model.gate import Gate, HttpAnswer, Verdict, failed, judge_health, passed
from lockstitch.model.http import http_request
from lockstitch.model.probe import Probe
from lockstitch.model.release import VERSION_NAMES, version_names
from lockstitch.services.maintenance import AWAY
from lockstitch.services.release_context import ReleaseContext
from lockstitch.services.state import ServiceState

# A cache in front of the app may tell the old revision for a moment.
_CERTAIN = 3


def _filled(value: Any, place: ReleaseContext) -> Any:
    """Return an expectation with what is to serve in place of the names of VERSION_NAMES. None where one that is named
    is not known, as the tag of a branch, or the release of code that another tool made."""
    if not isinstance(value, str):
        return value
    known = versions(place)
    if any(not known[name] for name in named_versions(value)):
        return None
    for name, version in known.items():
        value = value.replace(name, version)
    return value


def versions(place: ReleaseContext) -> dict[str, str]:
    """Return what each name in an expectation stands for, of the release at `place`; empty where it is not known."""
    return version_names(place.revision, place.release, place.ref)


def named_versions(value: Any) -> tuple[str, ...]:
    """Return the names in an expectation that stand for a version."""
    return tuple(name for name in VERSION_NAMES if isinstance(value, str) and name in value)


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
