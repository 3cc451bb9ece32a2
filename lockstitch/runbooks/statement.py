"""The text that a person signs for one stage of one run, and what has changed since. Pure.

The text is JSON with sorted keys, in ASCII alone: each statement has exactly one text, no value can look like another
field or like a new line, and a person can read it before signing. A text that is not written exactly so is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import field, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.release import short

# Signatures of other programs, such as those of commits, are made for other namespaces.
NAMESPACE = "lockstitch-runbook"
FORM = "lockstitch sign-off 1"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_LONGEST = 256 * 1024
_SHOWN = 12


def runbook_hash(content: bytes) -> str:
    """Return the SHA-256 of a runbook's file. A checkout with CRLF at the ends of lines has the same hash."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def utc_text(moment: datetime) -> str:
    """Return a time in UTC, to the second, as statements have it."""
    return moment.astimezone(UTC).strftime(_TIME)


def utc_time(text: str) -> datetime:
    """Return the time that a statement has; raises ValueError for any other text."""
    try:
        moment = datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except ValueError:
        moment = None
    if moment is None or utc_text(moment) != text:
        raise ValueError(f"{text!r} is not a time in UTC, such as 2026-03-01T09:00:00Z")
    return moment


@dataclass(frozen=True)
class Statement:
    """The facts that a sign-off is about.

    `consent` is the stage's `sign:`, and `values` are those that the run was begun with, such as its ref. `revisions`
    are full commit ids by app. `plan` is the hash of the plan where the stage is `of: plan`. `signed` and `expires` are
    times in UTC; a sign-off without an expiry lasts as long as the run. `file_hash` is the SHA-256 of the attached
    `file`.
    """

    runbook: str
    runbook_hash: str
    run: str
    stage: str
    consent: str
    environment: str
    revisions: Mapping[str, str]
    values: Mapping[str, str] = field(default_factory=dict)
    plan: str = ""
    signed: str = ""
    expires: str = ""
    note: str = ""
    file: str = ""
    file_hash: str = ""

    def text(self) -> str:
        """Return the text that is signed, with a newline at its end."""
        content = {"form": FORM, **{each.name: getattr(self, each.name) for each in fields(self)}}
        return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=True, default=dict) + "\n"


@dataclass(frozen=True)
class SignedFile:
    """A file that was signed with a stage: by whom, its name and SHA-256 as they were signed, and its content, or the
    `problem` why it cannot be had."""

    stage: str
    signer: str
    name: str = ""
    digest: str = ""
    content: bytes = field(default=b"", repr=False)
    problem: str = ""


def read_statement(text: str) -> Statement:
    """Return the statement that a text is. Raises ValueError, with a sentence, for any other text."""
    if len(text) > _LONGEST:
        raise ValueError("it is longer than any sign-off")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(content, dict) or content.pop("form", None) != FORM:
        raise ValueError(f"it does not say that it is a {FORM!r}")
    if set(content) != {each.name for each in fields(Statement)}:
        raise ValueError("it has other fields than a sign-off")
    if not all(_fits(name, value) for name, value in content.items()):
        raise ValueError("a field of it is no text")
    statement = Statement(**content)
    if statement.text() != text:
        raise ValueError("it is not written as Lockstitch writes it")
    return statement


def rewritten(text: str) -> str:
    """Return the text of a statement whose spaces and ends of lines were changed on its way. Raises ValueError where it
    is none."""
    try:
        content = json.loads(text[:_LONGEST])
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    written = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=True) + "\n"
    return read_statement(written).text()


def _fits(name: str, value: Any) -> bool:
    if name in ("revisions", "values"):
        return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    return isinstance(value, str)


def expiry(signed: str, lasts: float) -> str:
    """Return the time until which a sign-off holds that lasts so many seconds; empty where they are 0.

    Raises ValueError where `signed` is no time.
    """
    return utc_text(utc_time(signed) + timedelta(seconds=lasts)) if lasts else ""


def differences(signed: Statement, now: Statement) -> tuple[str, ...]:
    """Return a sentence for each thing that was signed and is not so now; none where all of it is the same. The note,
    the file and the times are the signer's own, and are not compared."""
    return tuple(_differences(signed, now))


def _differences(signed: Statement, now: Statement) -> Iterator[str]:
    for name, words in (
        ("run", "run"),
        ("environment", "environment"),
        ("runbook", "runbook"),
        ("stage", "stage"),
        ("consent", "text of `sign:`"),
    ):
        before, after = getattr(signed, name), getattr(now, name)
        if before != after:
            yield f"it was given for the {words} {before!r}, and this is {after!r}"
    if signed.runbook_hash != now.runbook_hash:
        yield "the file of the runbook has changed"
    yield from _changed(signed.revisions, now.revisions)
    for name in sorted({*signed.values, *now.values}):
        before, after = signed.values.get(name), now.values.get(name)
        if before != after:
            yield f"{name} was {before!r}, and is {after!r}"
    if signed.plan != now.plan:
        yield _plan_change(signed.plan, now.plan)


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for app in sorted({*before, *now}):
        if app not in now:
            yield f"{app} is not deployed any more"
        elif app not in before:
            yield f"{app} is deployed as well, at {short(now[app])}"
        elif before[app] != now[app]:
            yield f"the revision of {app} was {short(before[app])}, and is {short(now[app])}"


def _plan_change(before: str, now: str) -> str:
    if not before:
        return "it was not about the plan, and the stage is `of: plan`"
    if not now:
        return "it was about a plan, and there is none now"
    return f"the plan has changed: its hash was {before[:_SHOWN]}, and is {now[:_SHOWN]}"
