"""Measure `redis`: round trips to a Redis, as each host sees them. A bounded sample over one connection.

round_trips.sh    the round trips, by the host's redis-cli
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, StrictInt, WithJsonSchema, model_validator

from lockstitch.measures.base import Measure, MeasuredSite, MeasureResult, blind
from lockstitch.metrics.intervals import Proportion, needed, percentile_ranks
from lockstitch.metrics.judgement import Answer, judge_share
from lockstitch.metrics.settings import Seconds
from lockstitch.model.command import Command
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, collect, number
from lockstitch.model.redis_client import ASK, asking, redis_url
from lockstitch.model.shell import shell_text
from lockstitch.model.written import REFERENCE, WORD

_ROUND_TRIPS = ASK + shell_text(__package__, "round_trips.sh")
_SECONDS = 60
RedisPlace = Annotated[
    str, BeforeValidator(redis_url), WithJsonSchema({"type": "string", WORD: "URL without a password, or reference"})
]


@dataclass(frozen=True)
class RoundTrips:
    """Round trips in seconds, the shortest first; `unreadable` says why there are none."""

    seconds: tuple[float, ...] = ()
    unreadable: str = ""


class RedisMeasure(Measure):
    """Round trips to a Redis from each host. 95 % of them may take no longer than `p95`."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"url": "redis://cache.example.com:6379", "p95": "5ms"},
        {"url": "env:REDIS_URL", "p99": "20ms"},
    )

    kind: Literal["redis"] = Field(description="round trips to a Redis, as each host sees them")
    url: RedisPlace = Field(
        "redis://127.0.0.1:6379", description="its URL, as the host reaches it; one with a password only by reference"
    )
    p50: Seconds | None = Field(None, description="half of the round trips take no longer")
    p95: Seconds | None = Field(None, description="95 % of them take no longer")
    p99: Seconds | None = Field(None, description="99 % of them take no longer")
    samples: StrictInt = Field(400, ge=60, le=10_000, description="how many round trips")

    @model_validator(mode="after")
    def _decidable(self) -> RedisMeasure:
        if not self.limits:
            raise ValueError("it judges nothing: write p95")
        for percent in self.limits:
            if self.samples < (least := needed(1 - percent / 100)):
                raise ValueError(f"p{percent} cannot pass by {self.samples} samples: it needs {least} without one over")
        return self

    @property
    def limits(self) -> dict[int, float]:
        """The limits in seconds by percentile."""
        known = {50: self.p50, 95: self.p95, 99: self.p99}
        return {percent: limit for percent, limit in known.items() if limit is not None}

    def references(self) -> tuple[str, ...]:
        return (self.url,) if REFERENCE.fullmatch(self.url) else ()

    def seconds(self, samples: int) -> float:
        return _SECONDS + 10

    def probe(self, site: MeasuredSite, begin: int, end: int) -> Probe[RoundTrips]:
        values = {
            **asking(site.known.get(self.url, self.url), self.url),
            # The first answer begins the first round trip.
            "samples": str(self.samples + 1),
            "redis_seconds": str(_SECONDS),
        }
        return Probe(f"measure {site.name}", Command(_ROUND_TRIPS, values=values), parse_round_trips)

    def judge(self, site: MeasuredSite, sample: Any, before: Mapping[str, float] | None) -> MeasureResult:
        assert isinstance(sample, RoundTrips)
        trips = sample.seconds
        if sample.unreadable or len(trips) < self.samples:
            why = sample.unreadable or f"{len(trips)} of {self.samples} round trips came back"
            return blind(why, "does it run there, and may this host connect? redis-cli comes with redis-tools")
        answers, says, numbers = [], [], {"samples": float(len(trips))}
        for percent, limit in self.limits.items():
            count = Proportion(sum(each > limit for each in trips), len(trips))
            answers.append(judge_share(count, 1 - percent / 100))
            said = f"p{percent} {_text(*_bounds(trips, percent))}, limit {limit * 1000:.3g} ms"
            says.append(f"{said}: {count.bad} of {count.total} took longer")
            numbers |= {f"over_{percent}": count.bad}
        for percent in (50, 95):
            low, high = _bounds(trips, percent)
            numbers |= {f"p{percent}_low": low, **({f"p{percent}_high": high} if high is not None else {})}
        notes = []
        if before and (lower := before.get("p95_low")) is not None:
            notes.append(f"p95 was {_text(lower, before.get('p95_high'))} then")
        answer = next((each for each in (Answer.FAIL, Answer.UNCLEAR, Answer.FEW) if each in answers), Answer.PASS)
        return MeasureResult(answer, "; ".join(says), notes=tuple(notes), numbers=numbers)


def _bounds(trips: tuple[float, ...], percent: int) -> tuple[float, float | None]:
    low, high = percentile_ranks(len(trips), percent / 100)
    return trips[low - 1], None if high is None else trips[high - 1]


def _text(low: float, high: float | None) -> str:
    return f"≥ {low * 1000:.3g} ms" if high is None else f"{low * 1000:.3g} to {high * 1000:.3g} ms"


def parse_round_trips(text: str, code: int) -> RoundTrips:
    """Parse round trips, in microseconds a line."""
    said = collect(text, {"trip", "unreadable", "end"})
    if said["unreadable"] or said[""] or code or "end" not in said:
        return RoundTrips(unreadable=[*said["unreadable"], *said[""], f"it was not asked to the end (code {code})"][0])
    trips = [number(word) for word in said["trip"]]
    return RoundTrips(tuple(sorted(trip / 1e6 for trip in trips if trip is not None)))
