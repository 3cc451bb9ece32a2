"""Measure `http`: requests by a fixed schedule, judged by how many took longer than a limit.

ask.sh      the requests on a host, by its own curl
count.awk   their counts: a histogram travels, not the lines
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Literal
from urllib.parse import urljoin

from pydantic import Field, StrictBool, StrictInt, model_validator

from lockstitch.measures.base import (
    FEW_A_SECOND,
    FEW_REQUESTS,
    Measure,
    MeasureComparison,
    MeasuredOn,
    MeasuredSite,
    MeasureResult,
    blind,
)
from lockstitch.measures.settings import Headers, MeasuredUrl, RequestCounts
from lockstitch.measures.timing import PHASES, RequestLoad, TimedRequests
from lockstitch.metrics.intervals import difference, needed
from lockstitch.metrics.judgement import Answer, Comparison, confidence_of, judge_share, judge_worsening
from lockstitch.metrics.measurement import Durations
from lockstitch.metrics.settings import Reference, Seconds
from lockstitch.model.command import Command, Secret, Value, plain
from lockstitch.model.probe import KeyedLines, Probe, collect, fields, last, number
from lockstitch.model.shell import shell_text
from lockstitch.model.written import is_loopback

_ASK, _COUNT = shell_text(__package__, "ask.sh"), shell_text(__package__, "count.awk")
_PERCENTILES = {"p50": 50, "p90": 90, "p95": 95, "p99": 99}
# A host that takes so many times as long as the schedule could not send that many.
_BEHIND = 1.5
# By so many points more requests may be slow with the new release than with the old.
_WORSE = 0.05
# A gate goes on until it is decided: two releases that are the same pass then in 99 of 100 comparisons (simulated).
_GATE_LOOKS = (100, 200, 400, 800)
_WORDS = frozenset({"unreadable", "phase", "over", "reason", "total", "took", "end"})
_SHORTEST_MASKED = 8


class HttpMeasure(Measure):
    """Requests to a URL. At most so many percent of them may take longer than the limit of a percentile; what is not
    answered in time, or with an error, counts as longer than every limit."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"url": "/healthz", "p95": "100ms", "requests": {"until": "decided", "most": 1000}},
        {"url": "https://api.example.com/settings", "p95": "300ms", "from": "here", "bearer": "env:SMOKE_TOKEN"},
    )

    kind: Literal["http"] = Field(description="requests to a URL")
    url: MeasuredUrl = Field(description="what is requested; a path is on the server of the app's `health` URL")
    p50: Seconds | None = Field(None, description="half of the requests take no longer")
    p90: Seconds | None = Field(None, description="90 % of the requests take no longer")
    p95: Seconds | None = Field(None, description="95 % of the requests take no longer")
    p99: Seconds | None = Field(None, description="99 % of the requests take no longer")
    warn: Seconds | None = Field(None, description="how many requests took longer is said, and decides nothing")
    requests: RequestCounts = Field(
        default=(100,),
        description="how many; `{until: decided, most: 1000}` looks after 100, 200, 400 and 800, and ends when they "
        "decide",
    )
    concurrency: StrictInt = Field(10, ge=1, le=64, description="how many are under way at once, at most")
    rate: float = Field(20.0, gt=0, le=1000, description="how many are meant to begin in a second")
    timeout: Seconds = Field(10.0, description="how long one answer may take")
    warm_up: StrictInt = Field(5, ge=0, le=100, description="so many more come first, and are not counted")
    from_: Literal["hosts", "here"] = Field(
        "hosts", alias="from", description="each host asks by its own curl, or this machine asks"
    )
    headers: Headers = Field({}, description="headers of each request, as references: `env:NAME`")
    bearer: Reference | None = Field(None, description="reference to a bearer token")
    expect: StrictInt | None = Field(
        None, ge=100, le=599, description="the status that is no error; without it all from 200 to 399"
    )
    gate: StrictBool = Field(
        False, description="in the first wave of a deploy a new host and an old one are asked in turns, and compared"
    )

    @model_validator(mode="after")
    def _decidable(self) -> HttpMeasure:
        for name, percent in _PERCENTILES.items():
            least = needed(1 - percent / 100, self.confidence)
            if getattr(self, name) is not None and self.requests[-1] < least:
                raise ValueError(
                    f"{name} cannot pass by {self.requests[-1]} requests: it needs {least} without one over"
                )
        if self.gate and not self.is_of_host():
            raise ValueError(
                "a gate asks each host itself: write a path like /healthz, or a URL of localhost, from: hosts"
            )
        return self

    @property
    def confidence(self) -> float:
        """The confidence of each look: of all together it is 0.95."""
        return confidence_of(len(self.requests))

    @property
    def limits(self) -> dict[int, float]:
        """The limits in seconds by percentile. Without any, 5 % may have no answer."""
        limits = {percent: getattr(self, name) for name, percent in _PERCENTILES.items()}
        known = {percent: float(limit) for percent, limit in limits.items() if limit is not None}
        return known or {95: self.timeout}

    def is_of_host(self) -> bool:
        """Tell whether a host that asks this is answered by itself."""
        return self.from_ == "hosts" and (self.url.startswith("/") or is_loopback(self.url))

    def measured_on(self) -> MeasuredOn:
        return self.from_

    def references(self) -> tuple[str, ...]:
        return (*self.headers.values(), *((self.bearer,) if self.bearer else ()))

    def needs_health(self) -> bool:
        return self.url.startswith("/")

    def is_gate(self) -> bool:
        return self.gate

    def looks(self, *, few: bool) -> tuple[int, ...]:
        if not few:
            return self.requests
        if self.rate > FEW_A_SECOND:
            raise ValueError(f"it sends {self.rate:g} requests a second")
        if self.requests[0] > FEW_REQUESTS:
            raise ValueError(f"it sends {self.requests[0]} requests")
        return tuple(count for count in self.requests if count <= FEW_REQUESTS)

    def gate_looks(self) -> tuple[int, ...]:
        return _GATE_LOOKS

    def refusal(self, site: MeasuredSite) -> str:
        for name, (_, value) in self._headers(site.known).items():
            if not plain(value).isprintable():
                return f"the value of the header {name} has more than one line, or a character that no header can have"
        return ""

    def seconds(self, samples: int) -> float:
        rounds = -(-(samples + self.warm_up) // self.concurrency)
        return 30.0 + samples / self.rate + rounds * (self.timeout + 1)

    def load(self, site: MeasuredSite, begin: int, end: int) -> RequestLoad | None:
        if self.from_ != "here":
            return None
        return RequestLoad(
            urljoin(site.health, self.url),
            begin if begin else -self.warm_up,
            end,
            self.rate,
            self.concurrency,
            self.timeout,
            self._timed_limits(),
            self._headers(site.known),
            self.expect,
        )

    def probe(self, site: MeasuredSite, begin: int, end: int) -> Probe[TimedRequests] | None:
        if self.from_ != "hosts":
            return None
        headers = self._headers(site.known)
        lines = [f"{name}: {word}{plain(value)}" for name, (word, value) in headers.items()]
        values: dict[str, Value] = {
            "url": urljoin(site.health, self.url),
            "begin": str(begin if begin else -self.warm_up),
            "end": str(end),
            "rate": str(max(1, round(self.rate * 1000))),
            "concurrency": str(self.concurrency),
            "timeout": f"{self.timeout:g}",
            "headers": Secret("\n".join(lines)) if lines else "",
            "limits": " ".join(f"{limit:g}" for limit in self._timed_limits()),
            "expected": str(self.expect or ""),
            "program": _COUNT,
        }
        # The script does not read these: what stands in them is masked in an answer. A short one, such as the
        # number of a tenant, would be in its counts.
        keys = [value for _, value in headers.values() if len(plain(value)) >= _SHORTEST_MASKED]
        values |= {f"key_{at}": value for at, value in enumerate(keys)}
        parse = partial(parse_counts, limits=self._timed_limits())
        return Probe(f"measure {site.name}", Command(_ASK, values=values), parse)

    def judge(self, site: MeasuredSite, sample: Any, before: Mapping[str, float] | None) -> MeasureResult:
        assert isinstance(sample, TimedRequests)
        if sample.unreadable or not sample.total:
            hint = "install curl there, or ask from this machine: from: here"
            return blind(sample.unreadable or "no request was made", hint if "curl" in sample.unreadable else "")
        answers, says = [], []
        for percent, limit in self.limits.items():
            count = sample.longer_than(limit)
            answers.append(judge_share(count, 1 - percent / 100, self.confidence))
            bounds = bounds_text(sample.percentile(percent / 100))
            says.append(f"p{percent} {bounds}, limit {seconds_text(limit)}: {count.bad} of {count.total} took longer")
        answer = next((each for each in (Answer.FAIL, Answer.UNCLEAR, Answer.FEW) if each in answers), Answer.PASS)
        return MeasureResult(
            answer,
            "; ".join(says),
            notes=self._notes(sample, before),
            numbers=self._numbers(sample),
            lines=(self._phases(sample),),
        )

    def compare(self, new: Any, old: Any) -> MeasureComparison:
        assert isinstance(new, TimedRequests) and isinstance(old, TimedRequests)
        for sample in (new, old):
            if sample.unreadable or not sample.total:
                return MeasureComparison(Answer.BLIND, sample.unreadable or "no request was made")
        if 2 * old.failed > old.total:
            why = ", ".join(f"{count} × {reason}" for reason, count in old.reasons.items())
            return MeasureComparison(Answer.BLIND, f"the old release does not answer well itself: {why}")
        judged = [self._compared(new, old, percent, limit) for percent, limit in self.limits.items()]
        order = (Answer.FAIL, Answer.UNCLEAR, Answer.FEW, Answer.PASS)
        return min(judged, key=lambda each: order.index(each.answer))

    def _compared(self, new: TimedRequests, old: TimedRequests, percent: int, limit: float) -> MeasureComparison:
        """Compare how many took longer than the limit, or than what the old release itself needs where that is more."""
        usual = (old.percentile(percent / 100) or (0.0, None))[1]
        edge = max(limit, usual) if usual is not None else limit
        comparison = Comparison(new.beyond(edge), old.beyond(edge))
        confidence = confidence_of(len(_GATE_LOOKS))
        bounds = difference(comparison.terms, confidence)
        both = [bounds_text(sample.percentile(percent / 100)) for sample in (new, old)]
        counts = [f"{count.bad} of {count.total}" for count in (comparison.new, comparison.other)]
        says = (
            f"p{percent} {both[0]} with the new release, {both[1]} with the old; "
            f"{counts[0]} took longer than {seconds_text(edge)}, and {counts[1]} with the old"
        )
        return MeasureComparison(
            judge_worsening(comparison, _WORSE, confidence),
            says,
            new=comparison.new,
            old=comparison.other,
            low=bounds.low,
            high=bounds.high,
            by=_WORSE,
        )

    def _notes(self, sample: TimedRequests, before: Mapping[str, float] | None) -> tuple[str, ...]:
        notes = []
        if self.warn is not None and (over := sample.longer_than(self.warn)).bad:
            notes.append(f"warning: {over.bad} of {over.total} took longer than {seconds_text(self.warn)}")
        if sample.failed:
            why = ", ".join(f"{count} × {reason}" for reason, count in sample.reasons.items())
            notes.append(f"{sample.failed} had no answer that counts, and are over every limit: {why}")
        if sample.behind > _BEHIND:
            rate = self.rate / sample.behind
            notes.append(f"that host kept up with about {rate:.2g} requests a second, where {self.rate:g} were meant")
        if before and (low := before.get("p95_low")) is not None:
            high = before.get("p95_high")
            then = phases_text({phase: before[f"{phase}_p50"] for phase in PHASES if f"{phase}_p50" in before})
            notes.append(f"p95 was {bounds_text((low, high))} then; {then}")
        return tuple(notes)

    def _phases(self, sample: TimedRequests) -> str:
        middles = {phase: middle for phase in PHASES if (middle := sample.middle(phase)) is not None}
        warm = f"; {sample.warm_up} to warm up are left out" if sample.warm_up else ""
        return phases_text(middles) + warm

    def _numbers(self, sample: TimedRequests) -> dict[str, float]:
        numbers: dict[str, float] = {"requests": sample.total, "failed": sample.failed, "warm_up": sample.warm_up}
        for percent in (50, 95):
            low, high = sample.percentile(percent / 100) or (None, None)
            numbers |= {f"p{percent}_low": low} if low is not None else {}
            numbers |= {f"p{percent}_high": high} if high is not None else {}
        numbers |= {f"over_{percent}": sample.longer_than(limit).bad for percent, limit in self.limits.items()}
        numbers |= {f"{phase}_p50": middle for phase in PHASES if (middle := sample.middle(phase)) is not None}
        return {name: round(value, 6) for name, value in numbers.items() if math.isfinite(value)}

    def _timed_limits(self) -> tuple[float, ...]:
        return tuple(dict.fromkeys([*self.limits.values(), *([self.warn] if self.warn is not None else [])]))

    def _headers(self, known: Mapping[str, Value]) -> dict[str, tuple[str, Value]]:
        headers = {name: ("", known.get(reference, "")) for name, reference in self.headers.items()}
        if self.bearer:
            headers["Authorization"] = ("Bearer ", known.get(self.bearer, ""))
        return headers


def parse_counts(text: str, code: int, *, limits: tuple[float, ...]) -> TimedRequests:
    """Parse the counts of requests that a host has made; `unreadable` says why there are none."""
    said = collect(text, _WORDS)
    if said["unreadable"]:
        return TimedRequests(unreadable=last(said, "unreadable"))
    why = (said[""] or ["it did not ask to the end"])[-1]
    try:
        if not code and "end" in said:
            return _counted(said, limits)
    except ValueError as error:
        why = str(error)
    return TimedRequests(unreadable=f"the host did not count its requests: {why}")


def _counted(said: KeyedLines, limits: tuple[float, ...]) -> TimedRequests:
    """Return the counts of a host. Raises ValueError where one is no number, or they do not add up."""
    total, failed, warm_up = map(_count, fields(last(said, "total"), 3))
    over = {limits[at - 1]: many for line in said["over"] for at, many in [_pair(line, " ")] if 0 < at <= len(limits)}
    phases = {}
    for name, *pairs in (line.split() for line in said["phase"] if line.strip()):
        buckets = dict(_pair(pair, ":") for pair in pairs)
        phases[name] = Durations(total, buckets, over if name == "total" else {})
    timed = phases.get("total", Durations())
    if sum(timed.buckets.values()) != total or set(over) != set(limits):
        raise ValueError("its counts do not add up")
    took, ideal = _pair(last(said, "took"), " ")
    reasons = {words[1]: _count(words[0]) for line in said["reason"] for words in [fields(line, 2)]}
    return TimedRequests({}, failed, reasons, warm_up) + TimedRequests(phases, behind=took / max(ideal, 100))


def _pair(text: str, between: str) -> tuple[int, int]:
    first, _, second = text.partition(between)
    return _count(first), _count(second)


def _count(word: str) -> int:
    if (value := number(word)) is None:
        raise ValueError(f"{word[:40]!r} is no number")
    return value


def seconds_text(seconds: float) -> str:
    """Return a duration of a request as people read it."""
    if seconds <= 0.001:
        return "under 1 ms"
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def bounds_text(bounds: tuple[float, float | None] | None) -> str:
    """Return the bounds of a percentile in words; a low one of infinity is no answer."""
    if bounds is None:
        return "unknown"
    low, high = bounds
    if low == float("inf"):
        return "without an answer"
    return f"≥ {seconds_text(low)}" if high is None else f"{seconds_text(low)} to {seconds_text(high)}"


def phases_text(middles: Mapping[str, float]) -> str:
    """Return the medians of the phases in one line."""
    named = {"dns": "DNS", "connect": "connect", "tls": "TLS", "first": "first byte", "body": "body", "total": "total"}
    parts = [f"{word} {seconds_text(middles[phase])}" for phase, word in named.items() if phase in middles]
    return f"medians: {', '.join(parts) or 'unknown'}"
