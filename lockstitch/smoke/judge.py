"""Answers of smoke steps judged by what their steps expect; answers of caches told apart; values taken from answers."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any
from urllib.parse import unquote

from lockstitch.inventory.smoke import SmokeExpectations, SmokeLimitSettings
from lockstitch.model.expectation import (
    ABSENT,
    field_at,
    field_problems,
    shown,
    status_problem,
    text_problems,
    value_problem,
)
from lockstitch.model.format import span
from lockstitch.model.gate import MIN_REVISION
from lockstitch.model.json_shape import shape_problems
from lockstitch.model.lazy_dataclass import dataclass

_CHARSET = re.compile(r"(?i)\bcharset\s*=\s*\"?([\w.:-]+)")


def _no_json(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


@dataclass(frozen=True)
class SmokeAnswer:
    """An answer to a request, with its headers by lower-case names. `error` says why there is none; `sent` whether the
    request had begun to go out, and so may have had an effect."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cookies: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""
    sent: bool = True

    @property
    def text(self) -> str:
        """The body as text: in the charset that it says it has, else in the one that its first bytes show."""
        said = _CHARSET.search(self.headers.get("content-type", ""))
        try:
            return self.body.decode(said[1] if said else json.detect_encoding(self.body), "replace")
        except (LookupError, UnicodeError):
            return self._utf8

    @property
    def _utf8(self) -> str:
        return self.body.decode("utf-8", "replace")

    def contains(self, text: str) -> bool:
        """Tell whether a text is in a header or in the body, whatever charset that says it has."""
        return text in self.text or text in self._utf8 or any(text in each for each in self.headers.values())

    @property
    def content(self) -> Any:
        """The body as a JSON value; ABSENT where it is none."""
        try:
            return json.loads(self.body, parse_constant=_no_json)
        except (ValueError, RecursionError):
            return ABSENT


@dataclass(frozen=True)
class RefusedText:
    """A text that no answer may contain: how it is called, and every form in which it may be written."""

    name: str
    forms: tuple[str, ...]


def judge_answer(
    expect: SmokeExpectations, answer: SmokeAnswer, refused: Sequence[RefusedText] = (), digest: str = ""
) -> tuple[list[str], int]:
    """Return how an answer differs from what is expected, and how many expectations were judged. `digest` is the
    SHA-256 of the file that was sent."""
    if answer.error:
        return [answer.error], 1
    problems = [each for each in _problems(expect, answer, digest) if each]
    problems += [f"the answer contains {each.name}" for each in refused if any(map(answer.contains, each.forms))]
    wanting = (expect.fields, expect.header, expect.headers, expect.text, expect.at_most)
    extra = sum(map(bool, (expect.sha256, expect.shape, expect.duration)))
    return problems, 1 + sum(map(len, wanting)) + extra + len(refused)


def _problems(expect: SmokeExpectations, answer: SmokeAnswer, digest: str) -> Iterator[str]:
    yield status_problem(expect.status, answer.status)
    if expect.fields or expect.shape is not None:
        if (content := answer.content) is ABSENT:
            yield f"the answer is no JSON: {shown(answer.text[:_READ])}"
        else:
            yield from field_problems(expect.fields, content)
            yield from list(shape_problems(expect.shape or {}, content))[:3]
    for name in expect.header:
        yield "" if name.lower() in answer.headers else f"the answer has no header {name}"
    for name, value in expect.headers.items():
        said = value_problem(value, answer.headers.get(name.lower(), ABSENT))
        yield f"header {name} {said}" if said else ""
    yield from text_problems(expect.text, answer.text)
    for text, most in expect.at_most.items():
        times = answer.text.count(text)
        yield f"the answer contains {text!r} {times} times, and may {most} times" if times > most else ""
    if expect.sha256 is not None:
        known = digest if expect.sha256 == "file" else expect.sha256
        actual = hashlib.sha256(answer.body).hexdigest()
        of = "the file that was sent" if expect.sha256 == "file" else known
        yield "" if actual == known else f"its SHA-256 is {actual} ({len(answer.body)} bytes), and not that of {of}"
    if expect.duration is not None and answer.seconds > expect.duration:
        yield f"it took {span(answer.seconds, tenths=True)}, and may take {span(expect.duration, tenths=True)}"


# As much of an answer is masked for a message, which is cut then.
_READ = 100_000
# Headers in which caches say that an answer is theirs.
_HITS = re.compile(r"(?i)(?:hit|stale|revalidated|updating)\b")
_SAYING = (
    "x-cache",
    "x-cache-status",
    "cf-cache-status",
    "x-vercel-cache",
    "x-proxy-cache",
    "x-fastcgi-cache",
    "x-nginx-cache",
    "x-litespeed-cache",
    "x-drupal-cache",
    "cache-status",
)


def cache_sign(answer: SmokeAnswer) -> str:
    """Return the header by which an answer was a cache's; empty where none says so."""
    # One for each cache on the way, where several have said theirs.
    for age in answer.headers.get("age", "").split(","):
        if (old := age.strip().lstrip("0")).isdecimal():
            return f"Age: {old[:40]}"
    for name in _SAYING:
        if (value := answer.headers.get(name)) is not None and _HITS.search(value):
            return f"{name}: {value[:40]}"
    return ""


def value_at(source: str, answer: SmokeAnswer) -> Any:
    """Return the value at a place of an answer (`json.PATH`, `header.NAME`, `cookie.NAME`, `match:REGEX`); ABSENT where
    there is none, or a text that is no Unicode."""
    value = _at(source, answer)
    # JSON can hold half a character, which nothing can write down or send.
    return ABSENT if isinstance(value, str) and re.search("[\ud800-\udfff]", value) else value


def _at(source: str, answer: SmokeAnswer) -> Any:
    if source.startswith("match:"):
        match = re.search(source.removeprefix("match:"), answer.text)
        return match[1] if match else ABSENT
    kind, _, rest = source.partition(".")
    if kind == "json":
        return field_at(answer.content, rest)
    if kind == "cookie":
        value = answer.cookies.get(rest)
        return ABSENT if value is None else unquote(value)
    return answer.headers.get(rest.lower(), ABSENT)


def take_values(save: Mapping[str, str], answer: SmokeAnswer) -> tuple[dict[str, Any], list[str]]:
    """Return the values that a step saves, and a sentence for each that the answer does not have."""
    values: dict[str, Any] = {}
    problems = []
    for name, source in save.items():
        value = value_at(source, answer)
        # `/files/..` is another place, which a `clean` would take away.
        if isinstance(value, str | int | float) and value not in ("", ".", ".."):
            values[name] = value
        else:
            problems.append(f"the answer has no {source} to save as {name}")
    return values, problems


def same_release(expected: str, revision: str) -> bool:
    """Tell whether a commit that an answer tells is the expected one; it may be a beginning of it."""
    return len(revision) >= MIN_REVISION and (expected.startswith(revision) or revision.startswith(expected))


def judge_limit(
    limit: SmokeLimitSettings, statuses: Sequence[int], problems: Sequence[str], seconds: float
) -> list[str]:
    """Return how a rate limit differs from what is expected. `statuses` are those of the requests in their order, and
    `problems` what was wrong with the ones that should have been answered."""
    allowed = statuses[: limit.requests]
    if limit.expect in allowed:
        at = allowed.index(limit.expect) + 1
        return [f"request {at} was refused with {limit.expect} already, and {limit.requests} are allowed"]
    if problems:
        return list(problems)
    if len(statuses) <= limit.requests:
        return [f"only {len(statuses)} requests were made"]
    if statuses[limit.requests] != limit.expect:
        return [f"request {limit.requests + 1} was answered {statuses[limit.requests]}, expected {limit.expect}"]
    if seconds > limit.per:
        took = span(seconds, tenths=True)
        return [f"{len(statuses)} requests took {took}, longer than the {span(limit.per)} in which they are counted"]
    return []
