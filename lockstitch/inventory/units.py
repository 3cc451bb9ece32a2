"""Durations, sizes and shares as people write them: `30s`, `200M`, `25%`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

WORD = "x-word"
_PARTS = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST = 366 * 86400.0
_SIZE = re.compile(r"(\d{1,12})([KMGT])B?")
_PERCENT = re.compile(r"(\d{1,3})%")


@dataclass(frozen=True, eq=False)
class Written:
    """A type by how it is written: `parse` reads a value or raises ValueError; `word` names it in the docs."""

    word: str
    parse: Callable[[Any], Any]
    schema: Mapping[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.parse)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**self.schema, WORD: self.word}


def as_written(text: str) -> Any:
    """A default as people write it; the field's type reads it as it reads an inventory."""
    return text


def duration(value: object) -> float:
    """Seconds, from `30s`, `10m`, `1h30m`, `500ms` or a number of seconds."""
    seconds = _number(value)
    if isinstance(value, str) and re.fullmatch(rf"(?:{_PARTS.pattern})+", value, re.ASCII):
        seconds = sum(float(n) * _SECONDS[unit] for n, unit in _PARTS.findall(value))
    if seconds is None or seconds < 0:
        raise ValueError(f"{value!r} is not a duration: write it like 30s, 10m, 1h30m, or as a number of seconds")
    if seconds > _LONGEST:
        raise ValueError(f"{value!r} is longer than a year")
    return seconds


def positive_duration(value: object) -> float:
    """A duration that takes time."""
    seconds = duration(value)
    if seconds == 0:
        raise ValueError("it must be longer than 0")
    return seconds


def size(value: object) -> int:
    """Bytes, from `200M` (K, M, G, T: powers of 1024) or a number of bytes."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) and value.isascii() else None
    if not match:
        raise ValueError(f"{value!r} is not a size: write it like 200M or 2G, or as a number of bytes")
    return int(match[1]) << 10 * " KMGT".index(match[2])


def share(value: object) -> int | str:
    """How many hosts: a count, or a percentage of them such as `25%`."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _PERCENT.fullmatch(value) if isinstance(value, str) and value.isascii() else None
    if not match or int(match[1]) > 100:
        raise ValueError(f"{value!r} is not a number of hosts: write a count like 2, or a percentage like 25%")
    return f"{int(match[1])}%"


def batch_share(value: object) -> int | str:
    """A share that is not nothing; `all` is everything at once."""
    if value == "all":
        return "all"
    amount = share(value)
    if amount in (0, "0%"):
        raise ValueError("a batch of no hosts never ends: write 1 or more, a percentage, or all")
    return amount


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


_DURATION_SCHEMA = {
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": rf"^({_PARTS.pattern})+$"}]
}
_SHARE = [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^(\d{1,2}|100)%$"}]

Duration = Annotated[float, Written("duration", duration, _DURATION_SCHEMA)]
PositiveDuration = Annotated[float, Written("duration", positive_duration, _DURATION_SCHEMA)]
Size = Annotated[
    int,
    Written(
        "size",
        size,
        {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": rf"^{_SIZE.pattern}$"}]},
    ),
]
Share = Annotated[int | str, Written("count or percentage", share, {"anyOf": _SHARE})]
BatchShare = Annotated[
    int | str, Written("count, percentage or `all`", batch_share, {"anyOf": [*_SHARE, {"const": "all"}]})
]
