"""Settings that several measures have, and the rules that they keep."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from lockstitch.metrics.settings import Reference
from lockstitch.model.written import WORD, no_password, web_url

_FIRST_LOOK, _MOST = 100, 12_800
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(B|kB|MB|K|M)")
_UNITS = {"B": 1, "kB": 1000, "MB": 1_000_000, "K": 1024, "M": 1024 * 1024}
_PART = re.compile(r"([+-]?\d{1,4}(?:\.\d+)?)%")


def request_counts(value: object) -> tuple[int, ...]:
    """Parse after how many requests they are judged: a number, or `{until: decided, most: 1000}`."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= _MOST:
            raise ValueError(f"{value} is no number of requests: write one from 1 to {_MOST}")
        return (value,)
    if not isinstance(value, dict):
        raise ValueError("it should be a number like 100, or {until: decided, most: 1000}")
    if unknown := [str(key) for key in value if key not in ("until", "most")]:
        raise ValueError(f"{unknown[0]} is not a key here (known: until, most)")
    if value.get("until") != "decided":
        raise ValueError("until is `decided`: {until: decided, most: 1000}")
    most = value.get("most", 1000)
    if not isinstance(most, int) or isinstance(most, bool) or not _FIRST_LOOK <= most <= _MOST:
        raise ValueError(f"most is a number from {_FIRST_LOOK} to {_MOST}: they are looked at after 100, 200, 400, 800")
    looks = [_FIRST_LOOK]
    while looks[-1] * 2 <= most:
        looks.append(looks[-1] * 2)
    return tuple(looks)


def _header(value: str) -> str:
    if not _HEADER.fullmatch(value):
        raise ValueError(f"{value!r} cannot be the name of a header")
    return value


def _place(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("it should be text")
    if value.startswith("/") and not value.startswith("//") and " " not in value and value.isprintable():
        return value
    if says := no_password(value) or web_url(value):
        raise ValueError(f"{says}, nor a path like /healthz on the server of the app's health URL")
    return value


def size_in_bytes(value: object) -> int:
    """Parse a size: a number of bytes, or one like `500kB`, `2MB` (powers of 1000), `500K`, `2M` (powers of 1024)."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) and value.isascii() else None
    size = round(float(match[1]) * _UNITS[match[2]]) if match else 0
    if not size:
        raise ValueError(f"{value!r} is not a size: write it like 500kB or 2MB, or as a number of bytes")
    return size


def signed_part(value: object) -> float:
    """Parse a change in percent, such as `10%` or `-30%`: 0.1 and -0.3."""
    match = _PART.fullmatch(value) if isinstance(value, str) and value.isascii() else None
    if not match or float(match[1]) <= -100:
        raise ValueError(f"{value!r} is no growth: write a percentage like 10%, or -30% for one that must shrink")
    return float(match[1]) / 100


def _schema(word: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({**more, WORD: word})


RequestCounts = Annotated[
    tuple[int, ...],
    BeforeValidator(request_counts),
    _schema("number or `{until: decided, most: NUMBER}`", type=["integer", "object"]),
]
MeasuredUrl = Annotated[str, BeforeValidator(_place), _schema("URL, or path on the server of `health`", type="string")]
MeasureHeader = Annotated[str, AfterValidator(_header)]
Headers = dict[MeasureHeader, Reference]
BundleSize = Annotated[int, BeforeValidator(size_in_bytes), _schema("size", type=["string", "integer"])]
Growth = Annotated[float, BeforeValidator(signed_part), _schema("percentage", type="string")]
