"""The text format of Prometheus, and OpenMetrics, through the parsers of prometheus-client."""

from __future__ import annotations

from lockstitch.metrics.counters import Series


def parse_text(text: str, now: float) -> tuple[tuple[Series, ...], str]:
    """Return all series, each with its one value as a sample of `now`; and why a part of them is not understood."""
    # Start-up: only such a source needs them.
    from prometheus_client import parser
    from prometheus_client.openmetrics import parser as openmetrics

    # OpenMetrics ends with this line, and is cut off without it.
    of = openmetrics if text.rstrip().endswith("# EOF") else parser
    series: list[Series] = []
    try:
        for family in of.text_string_to_metric_families(text):
            series += [Series({**s.labels, "__name__": s.name}, (now,), (s.value,)) for s in family.samples]
    except (ValueError, KeyError, IndexError) as error:
        return tuple(series), str(error) or type(error).__name__
    return tuple(series), ""
