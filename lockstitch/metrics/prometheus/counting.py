"""The series of one host as requests by status, and their durations, in windows of time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from lockstitch.metrics.counters import START, Counters, Names, Series
from lockstitch.metrics.measurement import CountedSpan, Measurement, Question, Requests
from lockstitch.metrics.prometheus.series import ScrapedProcess, grown, usual_gap
from lockstitch.model.format import span

# The newest sample is no older than this many times the usual gap of its scrapes, or this many seconds.
_GAPS, _LEAST_AGE = 3, 60


def measurement(
    all_series: Sequence[Series], question: Question, names: Names, ignored: tuple[str, ...], now: float
) -> Measurement:
    """Return the requests of one host in each window; `now` is the server's own time, to which windows relate."""
    counters = Counters.of(all_series, names, (*ignored, *question.ignored))
    windows = [CountedSpan.of(window, question, now) for window in question.windows]
    end = min(now, max((window.end for window in windows), default=now))
    newest, gap = _scraped(counters)
    if blind := counters.problem() or _stale(newest, gap, end):
        return Measurement(blind=blind[0], hint=blind[1])
    processes = _processes(counters.all_series)

    def of(window: CountedSpan) -> Requests:
        return counters.counted(question.limits, lambda series: grown(series, window, processes[_process(series)]))

    every = f", scraped every {span(gap)}" if gap else ""
    about = f"{names.requests}{f' and {names.durations}' if counters.buckets else ''}{every}"
    return Measurement(tuple(map(of, windows)), about, untimed_hint=counters.untimed_hint)


def _stale(newest: float, gap: float, end: float) -> tuple[str, str] | None:
    """Return that the samples are too old, and what to do; None where they are not."""
    if end - newest <= max(_LEAST_AGE, _GAPS * gap):
        return None
    age = f"{span(end - newest)} old" if newest else "missing"
    return f"its newest sample is {age}", "is the app's /metrics still scraped? see the targets page of the server"


def _process(series: Series) -> tuple[str, str]:
    return series.labels.get("instance", ""), series.labels.get("job", "")


def _processes(all_series: Sequence[Series]) -> Mapping[tuple[str, str], ScrapedProcess]:
    """Return the processes that the series are of."""
    scrapes: dict[tuple[str, str], set[float]] = defaultdict(set)
    starts: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for series in all_series:
        scrapes[_process(series)].update(series.times)
        if series.name == START:
            starts[_process(series)] += [
                (time, start) for time, start in zip(series.times, series.values, strict=True) if start == start
            ]
    return {key: ScrapedProcess(tuple(sorted(times)), tuple(sorted(starts[key]))) for key, times in scrapes.items()}


def _scraped(counters: Counters) -> tuple[float, float]:
    """Return the time of the newest sample, and the usual time between two of one process."""
    times: dict[tuple[str, str], set[float]] = defaultdict(set)
    for series in counters.requests:
        times[_process(series)].update(series.times)
    newest = max((time for some in times.values() for time in some), default=0.0)
    return newest, max((usual_gap(some) for some in times.values()), default=0.0)
