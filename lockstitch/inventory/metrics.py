"""Models of metric sources and of the gates that judge them: `metrics`, and `gates` of an app."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt, model_validator

from lockstitch.inventory.settings import AlternativeForm, AnyKind, Settings, wrong
from lockstitch.inventory.types import Name, WrittenType, positive_duration
from lockstitch.metrics.base import Source, source_types
from lockstitch.model.lazy_dataclass import dataclass

_CLASS = re.compile(r"([1-5])xx")
_PART = re.compile(r"(\d{1,3}(?:\.\d+)?)%")


def _statuses(value: object) -> range:
    match = _CLASS.fullmatch(value) if isinstance(value, str) else None
    if match:
        return range(int(match[1]) * 100, int(match[1]) * 100 + 100)
    if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
        return range(value, value + 1)
    raise ValueError(f"{value!r} is no HTTP status: write one like 502, or all of a kind like 5xx")


def part(value: object) -> float:
    """Parse a part of all requests, such as `5%` or `0.5%`, to a number between 0 and 1."""
    match = _PART.fullmatch(value) if isinstance(value, str) and value.isascii() else None
    if not match or not 0 < float(match[1]) < 100:
        raise ValueError(f"{value!r} is no part of all requests: write a percentage like 5% or 0.5%")
    return float(match[1]) / 100


@dataclass(frozen=True)
class Limit:
    """A limit of a gate: a part of all requests (between 0 and 1), or a duration in seconds; the other is None."""

    part: float | None = None
    seconds: float | None = None


def _limit(value: object) -> Limit:
    if isinstance(value, str) and value.endswith("%"):
        return Limit(part=part(value))
    return Limit(seconds=positive_duration(value))


Statuses = Annotated[range, WrittenType("status or `5xx`", _statuses, {"type": ["string", "integer"]})]
Part = Annotated[float, WrittenType("percentage", part, {"type": "string", "pattern": f"^{_PART.pattern}$"})]
LimitText = Annotated[Limit, WrittenType("percentage or duration", _limit, {"type": ["string", "number"]})]
AnySource = Annotated[Source, AnyKind(lambda kind: source_types())]


def _listed(written: Any) -> Any:
    return [written] if isinstance(written, str) else written


Against = Annotated[tuple[Literal["old", "before"], ...], AlternativeForm(_listed, {"enum": ["old", "before"]})]


class GateSettings(Settings):
    """Limits on what a metric source shows of an app. Either `status` or `percentile`, with a limit; or `rate`."""

    source: Name = Field(description="the source, by its name under `metrics`")
    status: Statuses | None = Field(default=None, description="requests with this HTTP status are bad: 502, or `5xx`")
    percentile: Annotated[StrictInt, Field(ge=50, le=99)] | None = Field(
        default=None, description="so many requests, in percent, must take no longer than `max`"
    )
    max: LimitText | None = Field(
        default=None, description="how many requests may be bad, such as `5%`; with `percentile` a duration"
    )
    rate: Literal["requests"] | None = Field(default=None, description="how many requests there are")
    drop: Part | None = Field(default=None, description="by how much `rate` may be lower than before")
    against: Against = Field(
        default=(),
        description="what it is compared with: `old`, the hosts that run another release; `before`, the same host "
        "before the release; both: how each differs from itself before",
    )
    by: Part | None = Field(default=None, description="by how much more may be bad than there")
    dry: Annotated[bool, Field(strict=True)] = Field(default=False, description="judged and shown, but decides nothing")

    @model_validator(mode="after")
    def _forms(self) -> GateSettings:
        kinds = [key for key in ("status", "percentile", "rate") if getattr(self, key) is not None]
        if len(kinds) != 1:
            raise wrong("source", "give one of status, percentile and rate")
        (kind,) = kinds
        if kind == "percentile" and (self.max is None or self.max.seconds is None):
            raise wrong("max", "a percentile needs a duration: {percentile: 95, max: 300ms}")
        if kind == "status" and self.max is not None and self.max.part is None:
            raise wrong("max", "requests with a status are counted: write a percentage, such as max: 5%")
        if (kind == "rate") != (self.drop is not None):
            raise wrong("rate", "rate and drop belong together: {rate: requests, against: before, drop: 50%}")
        if kind == "rate" and self.against != ("before",):
            raise wrong("against", "a rate is compared with what it was: against: before")
        if kind == "status" and (self.max is None) == (self.by is None):
            raise wrong("status", "give one limit: max: 5%, or against and by: 1%")
        if (self.by is not None) != (bool(self.against) and kind != "rate"):
            raise wrong("against", "against and by belong together: {against: old, by: 1%}")
        return self
