"""The gates of a run in its report: numbers and intervals before and after, and the other gates. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lockstitch.report.release_report import GateSeries, GateShare, RunReport
from lockstitch.report.release_report_blocks import (
    BlockMark,
    BlockTone,
    HeadingBlock,
    ReportBlock,
    SeriesBlock,
    TableBlock,
    TextBlock,
)

_TONES: dict[str, BlockTone] = {"pass": "good", "fail": "bad"}


def gate_blocks(report: RunReport) -> Iterator[ReportBlock]:
    """Yield the blocks about gates."""
    if not (report.gates or report.series):
        return
    yield HeadingBlock("Gates")
    if report.series:
        yield TextBlock(
            "Shares with the bounds of the true share, each with a confidence of 95 %; before the release and after."
        )
        top = max((bound for each in report.series for bound in _bounds(each)), default=0.0) or 1.0
        rows = tuple(_row(each) for each in report.series)
        tones = tuple(_TONES.get(each.answer, "warn") for each in report.series)
        headings = ("gate", "during", "verdict", "before", "after", "other hosts", "limit", "why")
        marks = tuple(_marks(each, top) for each in report.series)
        yield TableBlock(headings, rows, tones, f"0 to {percent(top)}", marks)
        yield from (SeriesBlock(each) for each in report.series if len(each.readings) > 1 or len(each.values) > 1)
    if report.gates:
        rows = tuple(
            (gate.phase, gate.site, gate.gate, gate.answer, str(gate.tries), gate.reason) for gate in report.gates
        )
        tones = tuple("plain" if gate.answer == "pass" else _TONES.get(gate.answer, "warn") for gate in report.gates)
        yield TableBlock(("during", "site", "gate", "verdict", "tries", "why"), rows, tones)


def percent(share: float) -> str:
    """Return a share in percent, with three digits."""
    return f"{share * 100:.3g} %"


def share_words(share: GateShare | None) -> str:
    """Return counts with their share and its bounds; `-` where nothing was counted."""
    if share is None:
        return "-"
    bounds = f"{share.low * 100:.3g} to {share.high * 100:.3g} %"
    return f"{share.bad} of {share.total}: {percent(share.share)} ({bounds})"


def _row(each: GateSeries) -> tuple[str, ...]:
    after = f"{each.values[-1][1]:.6g}" if each.values else share_words(each.readings[-1] if each.readings else None)
    verdict = each.answer + ("" if each.decided else " so far") + (" (dry: decides nothing)" if each.dry else "")
    limit = "-" if each.limit is None else percent(each.limit)
    return (
        f"{each.app}: {each.gate}",
        each.phase or "-",
        verdict,
        share_words(each.before),
        after,
        share_words(each.old),
        limit,
        each.says,
    )


def _bounds(each: GateSeries) -> Iterator[float]:
    yield from (share.high for share in (each.before, each.old, *each.readings[-1:]) if share)
    if each.limit is not None:
        yield each.limit


def _marks(each: GateSeries, top: float) -> tuple[BlockMark, ...]:
    marks = []
    if each.before:
        marks.append(BlockMark(each.before.low / top, each.before.high / top, "plain"))
    if each.readings:
        final = each.readings[-1]
        marks.append(BlockMark(final.low / top, final.high / top, _TONES.get(each.answer, "warn")))
    if each.limit is not None:
        marks.append(BlockMark(each.limit / top, each.limit / top, "bad"))
    return tuple(marks)
