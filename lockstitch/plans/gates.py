"""Pure: the gates of a site: the service runs the release, and its health URL confirms it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from lockstitch.facts.http import http_request, parse_answer
from lockstitch.inventory.app import Health
from lockstitch.inventory.model import App
from lockstitch.model.gate import Gate, HttpAnswer, Verdict, judge_health, passed
from lockstitch.model.probe import Probe
from lockstitch.services.maintenance import AWAY
from lockstitch.services.release_context import ReleaseContext


def _health(settings: Health, revision: str) -> Gate:
    """Return the gate of a health URL, which is requested on the host itself."""
    judge = partial(
        _judge,
        status=settings.status,
        expect=settings.expect,
        contains=settings.contains,
        revision_key=settings.revision if revision else "",
        revision=revision,
    )
    probe = Probe("health", http_request(settings.url, settings.timeout), parse_answer)
    return Gate("health", probe, judge, settings.interval, settings.timeout, settings.tries)


def _judge(answer: HttpAnswer, **expected: Any) -> Verdict:
    if answer == HttpAnswer(0, AWAY):
        return passed("in maintenance, as it was found: its page answers")
    return judge_health(answer, **expected)


def gates(app: App, place: ReleaseContext, run: str) -> tuple[Gate, ...]:
    """Return all gates of a site for the release at `place`. While a site is in maintenance for somebody else, its
    maintenance page passes the health gate, whatever the survey saw."""
    serving = Gate("serving", app.service.probe(place), app.service.judge)
    if not app.health:
        return (serving,)
    asked = _health(app.health, place.revision)
    if app.mode:
        asked = replace(asked, probe=replace(asked.probe, command=app.mode.unless(place, run, asked.probe.command)))
    return (serving, asked)
