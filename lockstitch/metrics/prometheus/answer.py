"""The answers of the HTTP API, and what is wrong with them."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Sequence
from typing import Any

from lockstitch.metrics.base import WebReply
from lockstitch.metrics.counters import Series

_LOGIN = "set `token`, or `user` and `password`, of the source"
_URL = "is `url` that of the server itself, without /api? try it here: curl URL/api/v1/query?query=up"


class ApiError(Exception):
    """An answer that says nothing of the applications: why, and what to do."""

    def __init__(self, says: str, hint: str = "") -> None:
        super().__init__(says)
        self.says, self.hint = says, hint


def scalar(reply: WebReply) -> float:
    """Return the number that was asked for. Raises ApiError."""
    result = _data(reply, "scalar")
    try:
        number = float(result[1])
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise ApiError("its answer is none of the HTTP API of Prometheus", _URL) from error
    if not math.isfinite(number):
        raise ApiError("it does not know its own time")
    return number


def matrix(reply: WebReply) -> tuple[Series, ...]:
    """Return the series of an answer, each with its samples in order. Raises ApiError."""
    try:
        return tuple(_series(each) for each in _data(reply, "matrix", "vector"))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ApiError("its answer is none of the HTTP API of Prometheus", _URL) from error


def labels_of(all_series: Sequence[Series], label: str) -> tuple[str, ...]:
    """Return the values that a label has, in order."""
    return tuple(sorted({series.labels[label] for series in all_series if series.labels.get(label)}))


def _series(entry: Any) -> Series:
    if isinstance(entry, Series):
        return entry
    labels = {str(name): str(value) for name, value in entry["metric"].items()}
    # A native histogram has no plain samples.
    rows = entry.get("values", [entry["value"]] if "value" in entry else [])
    times, values = array("d", (time for time, _ in rows)), array("d", (float(value) for _, value in rows))
    return Series(labels, times, values)


def _compact(entry: dict[str, Any]) -> Any:
    """Return a series as soon as it is read, which takes a tenth of the memory of its JSON; all else as it is."""
    if "metric" not in entry:
        return entry
    try:
        return _series(entry)
    except (TypeError, ValueError, KeyError, AttributeError):
        return entry


def _data(reply: WebReply, *kinds: str) -> Any:
    """Return the result of an answer that is one of these kinds."""
    if not reply.status:
        raise ApiError(reply.error)
    try:
        answer = json.loads(reply.body, object_hook=_compact)
    except (ValueError, RecursionError):
        answer = None
    if reply.status in (401, 403):
        raise ApiError(f"it answered {reply.status}: the login is not accepted", _LOGIN)
    if not isinstance(answer, dict) or "status" not in answer:
        raise ApiError(f"it answered {reply.status}, and nothing of the HTTP API of Prometheus", _URL)
    if answer["status"] != "success" or reply.status != 200:
        raise ApiError(f"it answered {reply.status}: {str(answer.get('error') or answer['status'])[:300]}")
    if warnings := answer.get("warnings"):
        raise ApiError(f"its answer is not whole: {str(warnings)[:300]}")
    data = answer.get("data")
    if not isinstance(data, dict) or data.get("resultType") not in kinds:
        raise ApiError("its answer is none of the HTTP API of Prometheus", _URL)
    return data.get("result")
