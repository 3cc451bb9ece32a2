"""Checks of URLs, requested from the host that needs them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from lockstitch.checks.check import Check, failed, passed, unknown
from lockstitch.facts.http import asked_of, parse_answer
from lockstitch.inventory.checks import UrlChecks
from lockstitch.model.finding import Finding
from lockstitch.model.gate import HttpAnswer
from lockstitch.model.probe import Probe

NAME = "urls"
_NOTHING = "this host has none of curl, python3 and node"


def url(settings: UrlChecks) -> Check:
    return Check(NAME, Probe(NAME, asked_of(settings.url, settings.timeout), parse_answer), partial(judge, settings))


def judge(settings: UrlChecks, answer: HttpAnswer) -> Iterator[Finding]:
    if answer.status == 0 and _NOTHING in answer.body:
        yield unknown(NAME, f"{settings.url}: {answer.body}", "install curl there")
    elif answer.status == 0:
        said = answer.body.strip().splitlines()[-1:] or ["nothing was said"]
        yield failed(NAME, f"{settings.url} does not answer: {said[0]}", f"try it there: curl -v {settings.url}")
    elif answer.status != settings.status:
        says = f"{settings.url} answered {answer.status}, expected {settings.status}"
        yield failed(NAME, says, f"see what it says: curl -i {settings.url}")
    elif settings.contains not in answer.body:
        says = f"{settings.url}: the answer does not contain {settings.contains!r}"
        yield failed(NAME, says, f"see what it says: curl -i {settings.url}")
    else:
        yield passed(NAME, f"{settings.url} answered {answer.status}")
