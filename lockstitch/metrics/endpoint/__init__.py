"""Requests that an application counts itself, asked from its host: `/metrics` as text, or JSON.

ask.sh       what runs on the host around the request: its time, and only the series that are read
parser.py    the text formats of Prometheus and OpenMetrics
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from lockstitch.metrics.base import Kind
from lockstitch.metrics.counter_source import CounterSource
from lockstitch.metrics.counters import METRIC_NAME, START, Counters
from lockstitch.metrics.endpoint.parser import parse_text
from lockstitch.metrics.intervals import Proportion
from lockstitch.metrics.measurement import Measurement, Question, Requests, Snapshot
from lockstitch.metrics.settings import Seconds, Url
from lockstitch.model.command import Command, Secret, Value, plain
from lockstitch.model.format import finite, span
from lockstitch.model.http import http_request
from lockstitch.model.probe import Probe, number
from lockstitch.model.shell import shell_text

_ASK = shell_text(__package__, "ask.sh")
_LOGIN = "set `token`, or `user` and `password`, of the source"
_NO_START = f"it does not say when its process began ({START}): two readings cannot be told to be of one process"


class Endpoint(CounterSource):
    """The metrics page of an app, as its host reaches it."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"url": "http://127.0.0.1:8000/metrics", "ignore": ["/healthz", "/metrics"]},
        {
            "url": "http://127.0.0.1:8000/status",
            "format": "json",
            "total": "requests.total",
            "bad": "requests.failed",
            "started": "process.started",
            "values": {"waiting": "queue.waiting"},
        },
    )
    knows_before: ClassVar[bool] = False

    kind: Literal["endpoint"] = Field(description="requests that an app counts itself, asked from its host")
    url: Url = Field(description="the page, as the host reaches it")
    format: Literal["text", "json"] = Field(
        default="text", description="`text` of Prometheus or OpenMetrics, or `json`"
    )
    total: str = Field(default="", description="dotted key of a JSON answer with what was counted since the start")
    bad: str = Field(default="", description="dotted key with how many of these were bad")
    started: str = Field(default="", description="dotted key with when the process began, in epoch seconds")
    values: dict[str, str] = Field(
        default={}, description="values of now by name: a dotted key of JSON, or the name of a metric in a text"
    )
    timeout: Seconds = Field(default=5.0, description="how long its answer may take")

    @model_validator(mode="after")
    def _fits(self) -> Endpoint:
        json_keys = [bool(key) for key in (self.total, self.bad, self.started)]
        if self.format == "json" and any(json_keys) and not all(json_keys):
            raise ValueError("total, bad and started belong together")
        if self.format == "json" and not self.total and not self.values:
            raise ValueError("say what of the JSON is read: total, bad and started, or values")
        if self.format == "text":
            if any(json_keys):
                raise ValueError("total, bad and started are keys of format: json")
            for name in self.values.values():
                if not METRIC_NAME.fullmatch(name):
                    raise ValueError(f"{name!r} is no name of a metric")
            if not self.requests and not self.values:
                raise ValueError("say what of the text is read: requests, or values")
        return self

    def measures(self) -> frozenset[Kind]:
        if self.format == "text":
            return super().measures()
        kinds: list[tuple[Kind, bool]] = [("values", bool(self.values)), ("shares", bool(self.total))]
        return frozenset(kind for kind, has in kinds if has)

    def references(self) -> tuple[str, ...]:
        return tuple(reference for reference in (self.token, self.password) if reference)

    def probe(self, question: Question) -> Probe[Measurement]:
        if missing := self._missing(question):
            return Probe("endpoint", Command(":"), lambda text, code: Measurement(blind=missing))
        asked = http_request(self.url, self.timeout, self._headers(question))
        read = (*(self.names.read if self.requests else ()), *self.values.values()) if self.format == "text" else ()
        command = Command("fetch() {" + asked.text + "\n}\n" + _ASK, values={**asked.values, "names": " ".join(read)})
        return Probe("endpoint", command, lambda text, code: self._measurement(text, code, question))

    def _missing(self, question: Question) -> str:
        """Return why its login cannot be had; empty where it can, or needs none."""
        several = [each for each in self.references() if "\n" in plain(question.known.get(each, ""))]
        return f"the secret {several[0]} has several lines" if several else question.missing(self.references())

    def _headers(self, question: Question) -> Mapping[str, tuple[str, Value]]:
        if self.token:
            return {"Authorization": ("Bearer ", question.known[self.token])}
        if self.password:
            login = f"{self.user}:{plain(question.known[self.password])}".encode()
            return {"Authorization": ("Basic ", Secret(b64encode(login).decode(), source=self.password))}
        return {}

    def _measurement(self, text: str, code: int, question: Question) -> Measurement:
        first, _, rest = text.partition("\n")
        now = number(first.removeprefix("now "))
        if now is None or code:
            return Measurement(blind=f"the question ended with exit code {code}: {text.strip()[-300:]}")
        rest, _, why = rest.partition("\x1e")
        body, _, status = rest.rstrip("\n").rpartition("\n")
        if status != "200":
            says = f"answered {status}" if number(status) else f"does not answer: {why or body or status}".strip()
            hint = _LOGIN if status in ("401", "403") else f"try it there: curl -i {self.url}"
            return Measurement(blind=f"{self.url} {says}"[:300], hint=hint)
        return self._json(body, float(now), question) if self.format == "json" else self._text(body, now, question)

    def _text(self, body: str, now: float, question: Question) -> Measurement:
        all_series, strange = parse_text(body, now)
        if strange:
            return Measurement(blind=f"{self.url}: a line is not understood: {strange[:200]}")
        values = {}
        for key, name in self.values.items():
            numbers = [series.values[0] for series in all_series if series.name == name]
            if not numbers or not math.isfinite(sum(numbers)):
                return Measurement(blind=f"{self.url} has no value {name}", hint=f"look there: curl {self.url}")
            values[key] = sum(numbers)
        if not self.requests:
            return self._of_values(values, question)
        if not any(series.name == self.requests for series in all_series):
            hint = f"set `requests` to its name: curl {self.url}"
            return Measurement(blind=f"{self.url} has no counter {self.requests}", hint=hint)
        starts = [series.values[0] for series in all_series if series.name == START]
        if len(starts) != 1 or not 0 < starts[0] <= now + 1:
            return Measurement(blind=_NO_START, hint="let it expose the metrics of its process")
        counters = Counters.of(all_series, self.names, (*self.ignore, *question.ignored))
        if problem := counters.problem():
            return Measurement(blind=problem[0], hint=problem[1])
        requests = counters.counted(question.limits, lambda series: series.values[0])
        about = f"{requests.total} requests since its process began {span(now - starts[0])} ago"
        snapshot = Snapshot(now, starts[0], requests)
        return Measurement((), about, "", "", counters.untimed_hint, values, snapshot)

    def _json(self, body: str, now: float, question: Question) -> Measurement:
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            return Measurement(blind=f"{self.url} did not answer with JSON", hint=f"look there: curl {self.url}")
        keys = {**self.values, **({"": self.total, "bad ": self.bad, "start ": self.started} if self.total else {})}
        known = {name: _at(answer, key) for name, key in keys.items()}
        for name, value in known.items():
            if value is None:
                return Measurement(
                    blind=f"{self.url} has no number at {keys[name]}", hint=f"look there: curl {self.url}"
                )
        numbers = {name: value for name, value in known.items() if value is not None}
        values = {name: numbers[name] for name in self.values}
        if not self.total:
            return self._of_values(values, question)
        total, bad, started = round(numbers[""]), round(numbers["bad "]), numbers["start "]
        started = started / 1000 if started > 1e11 else started
        if not 0 <= bad <= total or not 0 < started <= now + 1:
            return Measurement(blind=f"{self.url}: {bad} bad of {total} since {started:.0f} cannot be")
        about = f"{bad} of {total} since its process began {span(now - started)} ago"
        return Measurement(
            (), about, values=values, snapshot=Snapshot(now, started, Requests(share=Proportion(bad, total)))
        )

    def _of_values(self, values: Mapping[str, float], question: Question) -> Measurement:
        about = ", ".join(f"{name} {value:g}" for name, value in values.items())
        return Measurement((Requests(),) * len(question.windows), about, values=values)


def _at(answer: Any, key: str) -> float | None:
    """Return the number at a dotted key; None where there is none."""
    for word in key.split("."):
        answer = answer.get(word) if isinstance(answer, dict) else None
    return finite(answer)
