"""The blocks of a report, before it is Markdown or HTML: texts are plain, and each format escapes them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from lockstitch.model.format import span, time_of
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.report.release_report import GateSeries

BlockTone = Literal["plain", "good", "warn", "bad"]


@dataclass(frozen=True)
class HeadingBlock:
    """A heading of the second level."""

    text: str


@dataclass(frozen=True)
class TextBlock:
    """A paragraph, or one item of a list where `item` is set."""

    text: str
    tone: BlockTone = "plain"
    item: bool = False


@dataclass(frozen=True)
class CommandBlock:
    """A command to type, after a sentence."""

    says: str
    command: str


@dataclass(frozen=True)
class BlockMark:
    """A bar from `begin` to `end`, or a dot where they are the same: shares of the width, from 0 to 1."""

    begin: float
    end: float
    tone: BlockTone = "plain"


@dataclass(frozen=True)
class TableBlock:
    """A table. `marks` are drawn beside each row under the heading `axis`, in formats that can; `tones` are those of
    the rows."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    tones: tuple[BlockTone, ...] = ()
    axis: str = ""
    marks: tuple[tuple[BlockMark, ...], ...] = ()


@dataclass(frozen=True)
class FactsBlock:
    """Names with their values."""

    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class LinesBlock:
    """Lines of an output, below what they are."""

    caption: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class SeriesBlock:
    """The readings of a gate, drawn in formats that can; its numbers stand in a table as well."""

    series: GateSeries


ReportBlock = HeadingBlock | TextBlock | CommandBlock | TableBlock | FactsBlock | LinesBlock | SeriesBlock


@dataclass(frozen=True)
class ReportPage:
    """A whole report: its title, the tone of its end, and its blocks."""

    title: str
    tone: BlockTone
    blocks: tuple[ReportBlock, ...]


def utc(at: str) -> str:
    """Return a time of a record as people read it; what is no time as it is."""
    return f"{then:%Y-%m-%d %H:%M:%S} UTC" if (then := time_of(at)) else at


def utc_of(epoch: float | None) -> str:
    """Return a time in epoch seconds in the same way; `-` where there is none."""
    try:
        return utc(datetime.fromtimestamp(epoch, UTC).isoformat()) if epoch is not None else "-"
    except (ValueError, OverflowError, OSError):
        return "-"


def took(seconds: float | None) -> str:
    """Return a duration; `-` where it is not known."""
    return "-" if seconds is None else span(seconds, tenths=True)
