"""Counters and histograms that applications keep of their requests: which series they are, and what they amount to.

A series has labels; how much of it counts is a function of it: by how much it grew in a window, or its value.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

from lockstitch.metrics.measurement import Durations, Requests, pooled
from lockstitch.metrics.settings import is_below
from lockstitch.model.lazy_dataclass import dataclass

START = "process_start_time_seconds"
METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_STATUS_LABELS = ("status", "code", "status_code", "http_status", "http_status_code", "http_response_status_code")
_PATH_LABELS = ("path", "handler", "route", "http_route", "uri", "url", "endpoint")
_STATUS = re.compile(r"[1-5]\d\d")
_KIND = re.compile(r"([1-5])xx", re.IGNORECASE)
# A sum that some exporters keep beside the statuses.
_SUM = "total"
_SWITCHING = 101
_NO_DURATIONS = "set `durations` of the source to a histogram of the app; without one no percentile can be judged"
_SUMMARY = "it is a summary: its quantiles cannot be added up over processes; let the app keep a histogram"


@dataclass(frozen=True)
class Series:
    """The samples of one series in order: their times (epoch seconds), and as many values."""

    labels: Mapping[str, str]
    times: Sequence[float]
    values: Sequence[float]

    @property
    def name(self) -> str:
        return self.labels.get("__name__", "")


@dataclass(frozen=True)
class Names:
    """Names of metrics and labels; an empty label has its usual names. `scale` makes seconds of durations."""

    requests: str
    durations: str = ""
    status: str = ""
    path: str = ""
    scale: float = 1.0

    @property
    def read(self) -> tuple[str, ...]:
        """The names of all series that are read."""
        buckets = (f"{self.durations}_bucket", self.durations) if self.durations else ()
        return tuple(name for name in dict.fromkeys((self.requests, *buckets, START)) if name)


@dataclass(frozen=True)
class Counters:
    """The series of one application, without those of paths that do not count."""

    all_series: tuple[Series, ...]
    names: Names

    @classmethod
    def of(cls, all_series: Iterable[Series], names: Names, ignored: tuple[str, ...]) -> Counters:
        kept = (each for each in all_series if not is_below(_label(each, names.path, _PATH_LABELS), ignored))
        return cls(tuple(kept), names)

    @property
    def requests(self) -> tuple[Series, ...]:
        return tuple(series for series in self.all_series if series.name == self.names.requests)

    @property
    def buckets(self) -> tuple[Series, ...]:
        name = f"{self.names.durations}_bucket"
        return tuple(series for series in self.all_series if self.names.durations and series.name == name)

    @property
    def untimed_hint(self) -> str:
        """The advice about missing durations."""
        summary = any(each.name == self.names.durations and "quantile" in each.labels for each in self.all_series)
        return _SUMMARY if summary else _NO_DURATIONS

    def problem(self) -> tuple[str, str] | None:
        """Return why requests cannot be counted by these series, and what to do; None where they can."""
        name = self.names.requests
        if not self.requests:
            return f"all its series of {name} are of paths that do not count", "see `ignore` and `path_label`"
        if not all(map(math.isfinite, chain.from_iterable(series.values for series in self.requests))):
            return f"{name} has values that are no numbers", ""
        labels = self.names.status or ", ".join(_STATUS_LABELS[:3])
        for series in self.requests:
            value = _label(series, self.names.status, _STATUS_LABELS)
            if _status(series, self.names) is None and value != _SUM:
                says = f"{value!r} is no HTTP status" if value else f"no label has the HTTP status ({labels})"
                return f"{name}: {says}", "set `status_label` of the source"
        return None

    def counted(self, limits: Sequence[float], count: Callable[[Series], float]) -> Requests:
        """Return the requests and their durations, each series by what counts of it."""
        total, grouped = 0, 0
        statuses: dict[int, int] = defaultdict(int)
        for series in self.requests:
            if (known := _status(series, self.names)) is not None:
                number = round(count(series))
                statuses[known[0]] += number
                total += number
                grouped += number if known[1] else 0
        buckets = self.buckets
        timed = _durations(buckets, limits, self.names, count)
        return Requests(dict(statuses), timed, 0 if buckets else total, grouped)


def _status(series: Series, names: Names) -> tuple[int, bool] | None:
    """Return the status, and whether it stands for all of its kind; None where there is none."""
    value = _label(series, names.status, _STATUS_LABELS)
    if _STATUS.fullmatch(value):
        return int(value), False
    kind = _KIND.fullmatch(value)
    return (int(kind[1]) * 100, True) if kind else None


def _label(series: Series, name: str, usual: Iterable[str]) -> str:
    return next((series.labels[label] for label in ([name] if name else usual) if series.labels.get(label)), "")


def _durations(
    buckets: Sequence[Series], limits: Sequence[float], names: Names, count: Callable[[Series], float]
) -> Durations:
    """Return the durations of all histograms together, each by the edges of its own buckets."""
    histograms: dict[tuple[tuple[str, str], ...], dict[float, float]] = defaultdict(dict)
    for series in buckets:
        if (status := _status(series, names)) is not None and status[0] == _SWITCHING:
            continue
        edge = _edge(series.labels.get("le", ""), names.scale)
        if edge is not None:
            rest = tuple(sorted((name, value) for name, value in series.labels.items() if name != "le"))
            histograms[rest][edge] = count(series)
    parts = [Requests(durations=_histogram(edges, limits)) for edges in histograms.values() if math.inf in edges]
    return pooled(parts).durations


def _histogram(edges: Mapping[float, float], limits: Sequence[float]) -> Durations:
    """Return the durations of one histogram: edges in seconds, and how many took no longer."""
    below, counts = 0, []
    for edge in sorted(edges):
        value = edges[edge]
        below = max(below, round(value) if math.isfinite(value) else 0)
        counts.append((edge, below))
    total = counts[-1][1]
    longer, unsure = {}, {}
    for limit in limits:
        at_least = next(n for edge, n in counts if edge >= limit or math.isclose(edge, limit))
        exact = any(math.isclose(edge, limit) for edge, _ in counts)
        under = max((n for edge, n in counts if edge < limit), default=0)
        longer[limit], unsure[limit] = total - at_least, 0 if exact else at_least - under
    floors = [(0.0, 0), *counts]
    spans = {(low, high): n - m for (low, m), (high, n) in zip(floors, counts, strict=False) if n > m}
    return Durations(total, {}, longer, unsure, spans)


def _edge(text: str, scale: float) -> float | None:
    try:
        edge = float(text) * scale
    except ValueError:
        return None
    return None if math.isnan(edge) else edge
