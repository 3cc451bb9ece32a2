"""The readings of a gate as an SVG: the share before the release, each reading since with its bounds. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from lockstitch.model.format import span
from lockstitch.report.release_report import GateSeries, GateShare
from lockstitch.report.release_report_gates import percent, share_words

_WIDE, _HIGH = 360.0, 160.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 50.0, 350.0, 12.0, 126.0
# Where the share before the release stands, and where the readings begin.
_BEFORE, _FIRST = 68.0, 100.0


def series_svg(series: GateSeries, escaped: Callable[[str], str]) -> str:
    """Return the readings of a gate as a figure; empty where fewer than two were taken."""
    points = _points(series)
    if len(points) < 2:
        return ""
    bounds = [share.high for share in (*series.readings, series.before) if share] if not series.values else []
    top = max([*(value for _, value in points), *bounds, series.limit or 0.0])
    top = _round(top * 1.02)
    first, last = points[0][0], points[-1][0]

    def x(at: float) -> float:
        return _FIRST + (_RIGHT - 8 - _FIRST) * ((at - first) / (last - first) if last > first else 0.5)

    def y(value: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * min(1.0, max(0.0, value / top))

    words = percent if not series.values else lambda value: f"{value:.3g}"
    drawn = [_axis(y(value), words(value)) for value in (0.0, top / 2, top)]
    if not series.values:
        drawn += [_band(series.readings, x, y), *_before(series.before, y)]
    if series.limit is not None:
        drawn.append(f'<path class="limit" d="M{_LEFT:g} {y(series.limit):.1f}H{_RIGHT:g}"/>')
    tone = {"pass": "good", "fail": "bad"}.get(series.answer, "warn")
    line = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in points)
    drawn.append(f'<polyline class="{tone}" points="{line}"/>')
    drawn += [f'<circle class="{tone}" cx="{x(at):.1f}" cy="{y(value):.1f}" r="2.4"/>' for at, value in points]
    drawn.append(f'<text x="{_FIRST:g}" y="{_BOTTOM + 16:g}">first reading</text>')
    drawn.append(f'<text class="end" x="{_RIGHT:g}" y="{_BOTTOM + 16:g}">{span(last - first)} later</text>')
    if series.limit is not None:
        drawn.append(
            f'<text class="limit" x="{_LEFT + 4:g}" y="{y(series.limit) - 4:.1f}">{percent(series.limit)}</text>'
        )
    caption = escaped(f"{series.app}: gate {series.gate}, {series.phase or 'run'}: {series.says}")
    return (
        f'<figure><figcaption>{caption}</figcaption><svg class="series" viewBox="0 0 {_WIDE:g} {_HIGH:g}" role="img" '
        f'aria-label="{caption}">{"".join(drawn)}</svg></figure>'
    )


def _points(series: GateSeries) -> list[tuple[float, float]]:
    if series.values:
        return list(series.values)
    return [(share.at, share.share) for share in series.readings if share.at is not None]


def _round(top: float) -> float:
    """Return the next round number."""
    power = 10.0 ** math.floor(math.log10(top)) if top > 0 else 1.0
    return next((step * power for step in (1, 2, 4, 6, 8) if step * power >= top), 10 * power)


def _axis(at: float, label: str) -> str:
    line = f'<path class="axis" d="M{_LEFT:g} {at:.1f}H{_RIGHT:g}"/>'
    return f'{line}<text class="end" x="{_LEFT - 4:g}" y="{at + 4:.1f}">{label}</text>'


def _band(readings: Sequence[GateShare], x: Callable[[float], float], y: Callable[[float], float]) -> str:
    known = [(x(share.at), share) for share in readings if share.at is not None]
    edge = [(at, y(share.high)) for at, share in known] + [(at, y(share.low)) for at, share in reversed(known)]
    return f'<polygon class="band" points="{" ".join(f"{at:.1f},{value:.1f}" for at, value in edge)}"/>'


def _before(before: GateShare | None, y: Callable[[float], float]) -> list[str]:
    if before is None:
        return []
    return [
        f'<path class="before" d="M{_BEFORE:g} {y(before.high):.1f}V{y(before.low):.1f}"><title>{share_words(before)}'
        "</title></path>",
        f'<circle class="before" cx="{_BEFORE:g}" cy="{y(before.share):.1f}" r="2.8"/>',
        f'<text class="middle" x="{_BEFORE:g}" y="{_BOTTOM + 16:g}">before</text>',
    ]
