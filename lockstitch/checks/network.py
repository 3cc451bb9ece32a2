"""Checks of URLs that must answer, and of TCP ports that must be listened on, or must not be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from lockstitch.checks.check import Check, Context, failed, passed, unknown
from lockstitch.facts.http import parse_answer
from lockstitch.inventory.checks import UrlChecks
from lockstitch.model.command import Command, plain
from lockstitch.model.finding import Finding
from lockstitch.model.gate import HttpAnswer, judge_health
from lockstitch.model.http import http_request
from lockstitch.model.probe import Probe, collect
from lockstitch.model.shell import shell_text

_PORTS = shell_text(__package__, "ports.sh")
_REFUSED = (401, 403)
_NOTHING = "this host has none of curl, python3 and node"


def url(settings: UrlChecks, context: Context) -> Check:
    """Return the check that a URL answers the host that needs it, with headers of the values that are known."""
    parts = header_parts(settings)
    keys = {name: context.known.get(reference, "") for name, (_, reference) in parts.items()}
    missing = tuple(
        f"{name}: {context.lacking.get(reference, 'its value was not looked up')}"
        for name, (_, reference) in parts.items()
        if not keys[name]
    )
    headers = {name: (word, keys[name]) for name, (word, _) in parts.items()}
    missing += tuple(f"{name}: its value has several lines" for name, key in keys.items() if "\n" in plain(key))
    request = Command(":") if missing else http_request(settings.url, settings.timeout, headers)
    return Check("urls", Probe("urls", request, parse_answer), partial(judge_url, settings, missing=missing))


def header_parts(settings: UrlChecks) -> dict[str, tuple[str, str]]:
    """Return for each header the word before its reference, or nothing, and the reference."""
    return {
        name: (word + space, reference) if (space and ":" not in word) else ("", value)
        for name, value in settings.headers.items()
        for word, space, reference in [value.partition(" ")]
    }


def judge_url(settings: UrlChecks, answer: HttpAnswer, missing: Sequence[str] = ()) -> Iterator[Finding]:
    if missing:
        says = f"{settings.url}: not asked, a header cannot be had: {'; '.join(missing)}"
        yield unknown("urls", says, "make it available on this machine")
    elif answer.status == 0 and _NOTHING in answer.body:
        yield unknown("urls", f"{settings.url}: {answer.body}", "install curl there")
    elif answer.status == 0:
        said = answer.body.strip().splitlines()[-1:] or ["nothing was said"]
        yield failed("urls", f"{settings.url} does not answer: {said[0]}", f"try it there: curl -v {settings.url}")
    elif answer.status in _REFUSED and settings.headers and answer.status != settings.status:
        names = ", ".join(f"{name} ({value})" for name, value in settings.headers.items())
        says = f"{settings.url} answered {answer.status}, expected {settings.status}: the key is not accepted"
        yield failed("urls", says, f"is it the right one, and still valid? {names}")
    else:
        status, expect, contains = settings.status, settings.expect, settings.contains
        verdict = judge_health(answer, status=status, expect=expect, contains=contains, revision_key="", revision="")
        joint = " " if verdict.reason.startswith("answered ") else ": "
        says = f"{settings.url}{joint}{verdict.reason}"
        hint = f"see what it says: curl -i {settings.url}"
        yield passed("urls", says) if verdict.passed else failed("urls", says, hint)


def ports(listening: Sequence[int], silent: Sequence[int]) -> Check:
    """Return the check that somebody listens on TCP ports, and nobody on others, by the kernel's own list."""
    return Check(
        "ports", Probe("ports", Command(_PORTS), parse_ports), partial(judge_ports, tuple(listening), tuple(silent))
    )


def parse_ports(text: str, code: int) -> frozenset[int] | None:
    """Parse the ports that are listened on; None where the kernel does not list them."""
    said = collect(text)
    if "told" not in said:
        return None
    return frozenset(
        int(word, 16) for word in said["port"] if len(word) == 4 and all(c in "0123456789ABCDEFabcdef" for c in word)
    )


def judge_ports(listening: Sequence[int], silent: Sequence[int], open_: frozenset[int] | None) -> Iterator[Finding]:
    if open_ is None:
        yield unknown("ports", "the kernel does not tell who listens", "look there: ss -ltn")
        return
    for port in listening:
        if port in open_:
            yield passed("ports", f"somebody listens on {port}")
        else:
            yield failed(
                "ports", f"nobody listens on {port}", f"start what should; see who listens: ss -ltnp 'sport = {port}'"
            )
    for port in silent:
        if port in open_:
            yield failed(
                "ports", f"somebody listens on {port}, where nobody should", f"see who: ss -ltnp 'sport = {port}'"
            )
        else:
            yield passed("ports", f"nobody listens on {port}")
