"""Errors that the application reports to Sentry, or to Bugsink, which takes the same reports.

It is asked from here about the release that serves. The two tell nothing of hosts: they count what a release did.

answer.py     replies: what is read from them, and why there is nothing
issues.py     questions to Sentry
bugsink.py    questions to Bugsink, whose API is another one
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from lockstitch.metrics.base import Kind, Source, Unit, WebQuery, WebReply, WebRequest
from lockstitch.metrics.intervals import rate_ratio
from lockstitch.metrics.measurement import Measurement, Question, Requests
from lockstitch.metrics.sentry import bugsink, issues
from lockstitch.metrics.sentry.answer import Asked, ErrorCounts, Talk, TrackerError
from lockstitch.metrics.settings import Reference, Seconds, UrlOrReference
from lockstitch.model.host import Host
from lockstitch.model.release import VERSION_NAMES

# Errors of so many seconds before the release are what those after it are compared with: no fewer, no more.
_LEAST, _MOST = 600.0, 3600.0
_UNKNOWN = "which release serves there is not known"


class Sentry(Source):
    """A Sentry, or a Bugsink, that the application reports its errors to."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"organization": "acme", "project": "shop", "token": "env:SENTRY_TOKEN"},
        {
            "url": "https://sentry.example.com",
            "organization": "acme",
            "project": "4505",
            "token": "env:SENTRY_TOKEN",
            "release": "shop@{tag}",
            "environment": "production",
        },
        {"api": "bugsink", "url": "https://bugs.example.com", "project": "1", "token": "env:BUGSINK_TOKEN"},
    )
    of_app: ClassVar[bool] = True
    of_release: ClassVar[bool] = True

    kind: Literal["sentry"] = Field(description="errors that the application reports to Sentry or Bugsink")
    api: Literal["sentry", "bugsink"] = Field(default="sentry", description="which of the two it is")
    url: UrlOrReference = Field(default="https://sentry.io", description="the server, as this machine reaches it")
    organization: str = Field(default="", pattern=r"^[\w.-]*$", description="the organization's slug, in Sentry")
    project: str = Field(pattern=r"^[\w.-]+$", description="the project: its slug or number; in Bugsink its number")
    environment: str = Field(default="", description="the environment that is meant, where Sentry is told of several")
    token: Reference = Field(description="reference to a token that may read issues, events and releases")
    release: str = Field(
        default="{revision}",
        description="the release as the app reports it, with `{revision}`, `{release}`, `{ref}` or `{tag}`",
    )
    timeout: Seconds = Field(default=15.0, description="how long all its answers together may take")

    @model_validator(mode="after")
    def _fits(self) -> Sentry:
        if not any(name in self.release for name in VERSION_NAMES):
            raise ValueError(f"its release names none of {', '.join(VERSION_NAMES)}: each release would be the same")
        if self.api == "sentry" and not self.organization:
            raise ValueError("say which organization: it stands in the address, /organizations/NAME/")
        if self.api == "bugsink" and not self.project.isdigit():
            raise ValueError("a project of Bugsink is a number: it stands in the address, /projects/NUMBER/")
        if self.api == "bugsink" and (self.organization or self.environment):
            raise ValueError("Bugsink has neither organizations nor environments to ask for")
        return self

    def measures(self) -> frozenset[Kind]:
        return frozenset({"values"})

    def units(self) -> Mapping[str, Unit]:
        return {"new_issues": "number", "events_per_minute": "number", "times_before": "number"}

    def web_query(self, questions: Mapping[Host, Question], now: float) -> WebQuery:
        names = {host: self._release(question) for host, question in questions.items()}
        asked = {
            name: _asked(name, [questions[host] for host in names if names[host] == name], len(questions), now)
            for name in dict.fromkeys(filter(None, names.values()))
        }
        first, _ = self._talked(asked, ())
        return WebQuery(
            tuple(first),
            partial(self._measured, dict(questions), names, asked),
            self.timeout,
            lambda replies: self._talked(asked, replies)[0],
        )

    def _release(self, question: Question) -> str:
        """Return the release as the app reports it; empty where what it names is not known."""
        name = self.release
        for key in VERSION_NAMES:
            if key in name:
                if not question.names.get(key):
                    return ""
                name = name.replace(key, question.names[key])
        return name

    def _talk(self, asked: Asked) -> Talk:
        if self.api == "bugsink":
            return bugsink.talk(self._request, self.project, asked)
        return issues.talk(self._request, self.organization, self.project, self.environment, asked)

    def _request(self, path: str, fields: Mapping[str, str]) -> WebRequest:
        return WebRequest(self.url, path, fields, self.token)

    def _talked(
        self, asked: Mapping[str, Asked], replies: Sequence[WebReply]
    ) -> tuple[Sequence[WebRequest], Mapping[str, ErrorCounts | TrackerError]]:
        """Return what is to be asked next, after these replies, and what is known by then of each release."""
        known: dict[str, ErrorCounts | TrackerError] = {}
        talks = {name: self._talk(each) for name, each in asked.items()}
        open_requests = {name: list(next(talk)) for name, talk in talks.items()}
        unread = deque(replies)
        while requests := [each for some in open_requests.values() for each in some]:
            if len(unread) < len(requests):
                return requests, known
            for name, some in list(open_requests.items()):
                try:
                    open_requests[name] = list(talks[name].send([unread.popleft() for _ in some]))
                except StopIteration as end:
                    known[name] = end.value
                    del open_requests[name]
                except TrackerError as error:
                    known[name] = error
                    del open_requests[name]
        return (), known

    def _measured(
        self,
        questions: Mapping[Host, Question],
        names: Mapping[Host, str],
        asked: Mapping[str, Asked],
        replies: Sequence[WebReply],
    ) -> Mapping[str, Measurement]:
        _, known = self._talked(asked, replies)
        return {
            host.name: self._of_host(names[host], asked, known, len(question.windows))
            for host, question in questions.items()
        }

    def _of_host(
        self, name: str, asked: Mapping[str, Asked], known: Mapping[str, ErrorCounts | TrackerError], windows: int
    ) -> Measurement:
        if not name:
            return Measurement(
                blind=f"{_UNKNOWN}, as {self.release}", hint="`release` of the source says how it is named"
            )
        counts = known.get(name)
        if counts is None:
            return Measurement(blind="it did not answer in time", hint="see its `timeout`")
        if isinstance(counts, TrackerError):
            return Measurement(blind=counts.says, hint=counts.hint)
        about = asked[name]
        rate = counts.after / about.after.seconds * 60
        values = {
            "new_issues": float(counts.new_issues),
            "events_per_minute": rate,
            "times_before": _times_before(about, counts),
        }
        says = f"release {name}: {counts.new_issues} new, {counts.after} events in {about.after.words}"
        return Measurement(
            (Requests(),) * windows, f"{says}, {counts.before} of others in {about.before.words} before", values=values
        )


def _asked(name: str, questions: Sequence[Question], hosts: int, now: float) -> Asked:
    """Return what is asked about the release of some of so many hosts: the time that is judged, and the one before."""

    def at(edge: float) -> float:
        return edge if edge > 0 else now + edge

    windows = [(at(window.begin), at(window.end)) for question in questions for window in question.windows]
    taken = [at(question.since) for question in questions if question.since is not None]
    after = [(begin, end) for begin, end in windows if not taken or begin >= min(taken) - 1] or windows
    begin, end = min(begin for begin, _ in after), max(end for _, end in after)
    switches = [at(edge) for q in questions if (edge := q.switch if q.switch is not None else q.since) is not None]
    until = min([begin, *switches])
    return Asked.of(name, (begin, end), (until - min(_MOST, max(_LEAST, end - begin)), until), len(questions), hosts)


def _times_before(asked: Asked, counts: ErrorCounts) -> float:
    """Return how many times as many events a minute come from a host as before: at least, with a confidence of 95 %."""
    exposure, earlier = asked.after.seconds * asked.hosts, asked.before.seconds * asked.all_hosts
    if not counts.after:
        return 0.0
    return rate_ratio(counts.after, exposure, counts.before, earlier).low
