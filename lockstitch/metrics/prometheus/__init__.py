"""Requests, counted by the applications themselves and kept by Prometheus, or by what answers its HTTP API.

It is asked from here for the raw samples of a stretch of time; what they amount to is computed here.

answer.py     the answers of the HTTP API: series with their labels and samples, or why there are none
series.py     how much counters grew in a window
counting.py   series of one host as requests by status, and durations
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import isfinite
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from lockstitch.metrics.base import WebQuery, WebReply, WebRequest
from lockstitch.metrics.counter_source import CounterSource
from lockstitch.metrics.counters import LABEL_NAME, START, Series
from lockstitch.metrics.measurement import Measurement, Question, Requests
from lockstitch.metrics.prometheus.answer import ApiError, labels_of, matrix, scalar
from lockstitch.metrics.prometheus.counting import measurement
from lockstitch.metrics.settings import UrlOrReference
from lockstitch.model.host import Host

_PORT = re.compile(r":\d{1,5}\Z")
# Samples from before the windows show whether a series is new; and how often it is scraped.
_BEFORE = 600


class Prometheus(CounterSource):
    """A Prometheus server that scrapes the applications."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"url": "http://prometheus.example.com:9090"},
        {
            "url": "env:PROMETHEUS_URL",
            "token": "env:PROMETHEUS_TOKEN",
            "labels": {"job": "api"},
            "requests": "starlette_requests_total",
            "durations": "starlette_request_duration_seconds",
            "ignore": ["/healthz", "/metrics"],
        },
    )

    kind: Literal["prometheus"] = Field(description="requests, counted by the applications and kept by Prometheus")
    url: UrlOrReference = Field(description="the server, as this machine reaches it, or a reference such as `env:NAME`")
    host_label: str = Field(
        default="instance",
        description="label with the host: its name or its address in the inventory; a port after it does not matter",
    )
    hosts: dict[str, str] = Field(
        default={}, description="value of that label for hosts that have another name there, by the host's name"
    )
    labels: dict[str, str] = Field(
        default={}, description="labels that the series must have, such as `job: api`, where a host has several apps"
    )
    values: dict[str, str] = Field(
        default={},
        description="values of now by name: an expression that has one number for each host, such as "
        "`process_resident_memory_bytes`",
    )

    @model_validator(mode="after")
    def _fits(self) -> Prometheus:
        if not self.requests and not self.values:
            raise ValueError("say what is read: `requests` is the name of a counter, or give values")
        if empty := [name for name, expression in self.values.items() if not expression.strip()]:
            raise ValueError(f"the value {empty[0]} has no expression")
        for label in (self.host_label, *self.labels):
            if not LABEL_NAME.fullmatch(label):
                raise ValueError(f"{label!r} is no name of a label")
        return self

    def host_names(self) -> tuple[str, ...]:
        return tuple(self.hosts)

    def web_query(self, questions: Mapping[Host, Question], now: float) -> WebQuery:
        labels = self._labels(questions)
        begins = [window.begin for question in questions.values() for window in question.windows]
        ago = max(int(-begin if begin <= 0 else now - begin) for begin in begins) + _BEFORE
        names = "|".join(self.names.read)
        hosts = "|".join(re.escape(label) for some in labels.values() for label in sorted(some))
        own = "".join(f",{name}={_quoted(value)}" for name, value in self.labels.items())
        selector = f"{{__name__=~{_quoted(names)},{self.host_label}=~{_quoted(f'({hosts})(:[0-9]+)?')}{own}}}"
        known = f"group by ({self.host_label}) ({{__name__={_quoted(self.requests or START)}{own}}})"
        queries = ("time()", known, f"{selector}[{ago}s]", *self.values.values())
        requests = tuple(map(self._request, queries))
        return WebQuery(requests, partial(self._measured, dict(questions), labels), self.timeout)

    def _request(self, query: str) -> WebRequest:
        return WebRequest(self.url, "/api/v1/query", {"query": query}, self.token or "", self.user, self.password or "")

    def _labels(self, hosts: Iterable[Host]) -> Mapping[Host, set[str]]:
        """Return how each host may be called there: by its name, and by its address if no other host has the same."""
        addresses = [host.address.hostname for host in hosts]
        return {
            host: {_PORT.sub("", self.hosts[host.name])}
            if host.name in self.hosts
            else {host.name, *([at] if (at := host.address.hostname) and addresses.count(at) == 1 else [])}
            for host in hosts
        }

    def _measured(
        self, questions: Mapping[Host, Question], labels: Mapping[Host, set[str]], replies: Sequence[WebReply]
    ) -> Mapping[str, Measurement]:
        try:
            now = scalar(replies[0])
            known = labels_of(matrix(replies[1]), self.host_label)
            all_series = self._by_host(matrix(replies[2]))
            values = {name: self._by_host(matrix(reply)) for name, reply in zip(self.values, replies[3:], strict=True)}
        except ApiError as error:
            return {host.name: Measurement(blind=error.says, hint=error.hint) for host in questions}
        measured = {}
        for host, question in questions.items():
            mine = self._of(all_series, host, labels[host])
            of_host = {name: self._of(series, host, labels[host]) for name, series in values.items()}
            answer = self._missing(host, known)
            if any(series.name == self.requests for series in mine):
                answer = measurement(mine, question, self.names, self.ignore, now)
            elif not self.requests:
                answer = Measurement((Requests(),) * len(question.windows))
            measured[host.name] = self._with_values(answer, of_host)
        return measured

    def _with_values(self, answer: Measurement, of_host: Mapping[str, Sequence[Series]]) -> Measurement:
        """Return an answer with the values of its host: those that are one number."""
        numbers = {name: series[0].values[-1] for name, series in of_host.items() if len(series) == 1}
        values = {name: number for name, number in numbers.items() if isfinite(number)}
        if answer.blind or not self.values:
            return answer
        if not values and not self.requests:
            name, expression = next(iter(self.values.items()))
            says = f"{expression} has {len(of_host[name])} series for it"
            return Measurement(blind=says, hint=f"it needs one, such as max by ({self.host_label}) ({expression})")
        shown = [*([answer.about] if answer.about else []), *(f"{name} {value:g}" for name, value in values.items())]
        return replace(answer, values=values, about=", ".join(shown))

    def _by_host(self, all_series: Iterable[Series]) -> Mapping[str, list[Series]]:
        by_host: dict[str, list[Series]] = defaultdict(list)
        for series in all_series:
            by_host[series.labels.get(self.host_label, "")].append(series)
        return by_host

    def _of(self, by_host: Mapping[str, list[Series]], host: Host, names: set[str]) -> list[Series]:
        """Return the series of a host. A port that is written belongs to what is meant."""
        exact = self.hosts.get(host.name, "")
        if _PORT.search(exact):
            return list(by_host.get(exact, ()))
        return [each for value, some in by_host.items() if _PORT.sub("", value) in names for each in some]

    def _missing(self, host: Host, known: Sequence[str]) -> Measurement:
        if not known:
            hint = "is `requests` the name of its counter, and do `labels` fit? curl the app's /metrics shows the names"
            return Measurement(blind=f"it has no series of {self.requests}", hint=hint)
        shown = ", ".join(known[:5]) + (", …" if len(known) > 5 else "")
        says = f"it has no series of {self.requests} whose {self.host_label} is {host.name}"
        return Measurement(blind=says, hint=f"it has {shown}: set `host_label`, or `hosts: {{{host.name}: …}}`")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
