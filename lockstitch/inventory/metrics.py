"""Models of metric sources and of the gates that judge them: `metrics`, and `gates` of an app."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt, model_validator

from lockstitch.inventory.settings import AlternativeForm, AnyKind, Settings, wrong
from lockstitch.inventory.types import Name, WrittenType
from lockstitch.metrics.base import Source, source_types
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.written import positive_duration

_CLASS = re.compile(r"([1-5])xx")
_PART = re.compile(r"(\d{1,3}(?:\.\d+)?)%")
_INCREASE = re.compile(r"(\d{1,4})%")
# What awk reads as a letter, or not at all.
_FOREIGN = re.compile(r"\\[a-zA-Z0-9<>]|\(\?|[*+?}][?+]|[\n\x00]|\{\d*,?\d*\}")


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
    """A limit of a gate: a part (between 0 and 1), a duration in seconds, or a number; a plain number may be either of
    the last two. The others are None."""

    part: float | None = None
    seconds: float | None = None
    number: float | None = None


def _limit(value: object) -> Limit:
    if isinstance(value, str) and value.endswith("%"):
        return Limit(part=part(value))
    if value == 0 and not isinstance(value, bool):
        return Limit(number=0.0)
    return Limit(seconds=positive_duration(value), number=None if isinstance(value, str) else float(str(value)))


def _increase(value: object) -> Limit:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Limit(number=value)
    match = _INCREASE.fullmatch(value) if isinstance(value, str) and value.isascii() else None
    if not match:
        raise ValueError(
            f"{value!r} is no increase: write how many more records may be there, or a percentage like 50%"
        )
    return Limit(part=float(match[1]) / 100)


def _pattern(value: object) -> str:
    """Parse a regular expression that means the same here and to the awk of every host."""
    if not isinstance(value, str) or not value:
        raise ValueError("it is no regular expression")
    if foreign := _FOREIGN.search(value):
        raise ValueError(f"{foreign[0]!r} is not known to every host: write POSIX, such as [0-9] and [[:space:]]")
    try:
        re.compile(value.replace("[:", "["))
    except re.error as error:
        raise ValueError(f"{value!r} is no regular expression: {error}") from error
    return value


Statuses = Annotated[range, WrittenType("status or `5xx`", _statuses, {"type": ["string", "integer"]})]
Part = Annotated[float, WrittenType("percentage", part, {"type": "string", "pattern": f"^{_PART.pattern}$"})]
LimitText = Annotated[Limit, WrittenType("percentage, duration or number", _limit, {"type": ["string", "number"]})]
Increase = Annotated[Limit, WrittenType("count or percentage", _increase, {"type": ["string", "integer"]})]
Pattern = Annotated[str, WrittenType("regular expression", _pattern, {"type": "string", "minLength": 1})]
AnySource = Annotated[Source, AnyKind(lambda kind: source_types())]


def _listed(written: Any) -> Any:
    return [written] if isinstance(written, str) else written


Against = Annotated[tuple[Literal["old", "before"], ...], AlternativeForm(_listed, {"enum": ["old", "before"]})]


class GateSettings(Settings):
    """Limits on what a metric source shows of an app: one of `status`, `percentile`, `rate`, `match` and `value`, or
    none where the source has one number, with its limit."""

    source: Name = Field(description="the source, by its name under `metrics`")
    status: Statuses | None = Field(default=None, description="requests with this HTTP status are bad: 502, or `5xx`")
    percentile: Annotated[StrictInt, Field(ge=50, le=99)] | None = Field(
        default=None, description="so many requests, in percent, must take no longer than `max`"
    )
    rate: Literal["requests"] | None = Field(default=None, description="how many requests there are")
    match: Pattern | None = Field(default=None, description="records of the logs that match this are bad")
    value: Name | None = Field(default=None, description="a value that the source has, such as `memory`")
    max: LimitText | None = Field(
        default=None,
        description="how many may be bad, such as `5%`; with `percentile` a duration; with `value` a number or a "
        "percentage; with `match` a number of records",
    )
    drop: Part | None = Field(default=None, description="by how much `rate` may be lower than before")
    increase: Increase | None = Field(
        default=None, description="how many more records may match than before: a number, or a percentage"
    )
    against: Against = Field(
        default=(),
        description="what it is compared with: `old`, the hosts that run another release; `before`, the same host "
        "before the release; both: how each differs from itself before",
    )
    by: Part | None = Field(default=None, description="by how much more may be bad than there")
    dry: Annotated[bool, Field(strict=True)] = Field(default=False, description="judged and shown, but decides nothing")

    @property
    def form(self) -> str:
        """The key that says what is judged; empty where it is the one number of its source."""
        return next((key for key in _FORMS if getattr(self, key) is not None), "")

    @property
    def is_of_value(self) -> bool:
        """True if a value of now is judged, rather than counts."""
        return self.form == "value" or (not self.form and self.max is not None and self.max.part is None)

    @model_validator(mode="after")
    def _forms(self) -> GateSettings:
        if len([key for key in _FORMS if getattr(self, key) is not None]) > 1:
            raise wrong("source", f"give one of {', '.join(_FORMS[:-1])} and {_FORMS[-1]}")
        kind = self.form
        if not kind and self.max is None and self.by is None and not self.against:
            raise wrong("source", f"give one of {', '.join(_FORMS[:-1])} and {_FORMS[-1]}, or max alone")
        if kind == "percentile" and (self.max is None or self.max.seconds is None):
            raise wrong("max", "a percentile needs a duration: {percentile: 95, max: 300ms}")
        if kind == "status" and self.max is not None and self.max.part is None:
            raise wrong("max", "requests with a status are counted: write a percentage, such as max: 5%")
        if kind == "value" and (self.max is None or (self.max.part is None and self.max.number is None)):
            raise wrong("max", "a value needs a limit, a number or a percentage: {value: memory, max: 90%}")
        if (kind == "rate") != (self.drop is not None):
            raise wrong("rate", "rate and drop belong together: {rate: requests, against: before, drop: 50%}")
        if kind == "rate" and self.against != ("before",):
            raise wrong("against", "a rate is compared with what it was: against: before")
        self._records(kind)
        if kind in ("status", "") and (self.max is None) == (self.by is None):
            raise wrong(kind or "source", "give one limit: max: 5%, or against and by: 1%")
        if (self.by is not None) != (bool(self.against) and kind not in ("rate", "match")):
            raise wrong("against", "against and by belong together: {against: old, by: 1%}")
        return self

    def _records(self, kind: str) -> None:
        if kind != "match":
            if self.increase is not None:
                raise wrong("increase", "only what matches can increase: {match: ERROR, against: before, increase: 0}")
            return
        if (self.max is None) == (self.increase is None):
            raise wrong("match", "give one limit: max: 10, or against: before and increase: 0")
        if self.max is not None and self.max.number is None:
            raise wrong("max", "records that match are counted: write a number, such as max: 0")
        if self.increase is not None and self.against != ("before",):
            raise wrong("against", "an increase is one from what was before: against: before")


_FORMS = ("status", "percentile", "rate", "match", "value")
