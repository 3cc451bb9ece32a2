"""A report as one HTML file: no script, nothing from the network, for light and dark screens and for paper. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pkgutil import get_data

from lockstitch.report.release_report_blocks import (
    BlockMark,
    CommandBlock,
    FactsBlock,
    HeadingBlock,
    LinesBlock,
    ReportBlock,
    ReportPage,
    SeriesBlock,
    TableBlock,
    TextBlock,
)
from lockstitch.report.release_report_chart import series_svg
from lockstitch.text import oneline

# Nothing is loaded, sent or run, whatever a text holds.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_LONG = 16


def html_text(text: str) -> str:
    """Return a text in one line of HTML that shows it as it is."""
    return escape(oneline(text))


def report_html(page: ReportPage) -> str:
    """Return a report as an HTML document."""
    title, style = html_text(page.title), get_data(__package__, "release_report.css") or b""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{title}</title>",
            f"<style>\n{style.decode()}</style>",
            "</head>",
            "<body>",
            "<main>",
            f'<h1 class="{page.tone}">{title}</h1>',
            *_parts(page.blocks),
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _parts(blocks: Sequence[ReportBlock]) -> Iterable[str]:
    """Yield the elements of the blocks: items that follow each other are one list."""
    listing = False
    for block in blocks:
        item = isinstance(block, TextBlock) and block.item
        if item != listing:
            yield "<ul>" if item else "</ul>"
        listing = item
        yield _block(block)
    if listing:
        yield "</ul>"


def _block(block: ReportBlock) -> str:
    match block:
        case HeadingBlock():
            return f"<h2>{html_text(block.text)}</h2>"
        case TextBlock():
            tag = "li" if block.item else "p"
            return f'<{tag} class="{block.tone}">{html_text(block.text)}</{tag}>'
        case CommandBlock():
            return f'<p class="bad">{html_text(block.says)}</p>\n<pre>{html_text(block.command)}</pre>'
        case FactsBlock():
            facts = (f"<dt>{html_text(name)}</dt><dd>{html_text(value)}</dd>" for name, value in block.facts)
            return "\n".join(["<dl>", *facts, "</dl>"])
        case TableBlock():
            return _table(block)
        case LinesBlock():
            lines = "\n".join(map(html_text, block.lines))
            return f"<figure><figcaption>{html_text(block.caption)}</figcaption><pre>{lines}</pre></figure>"
        case SeriesBlock():
            return series_svg(block.series, html_text)


def _table(block: TableBlock) -> str:
    labels = [*map(html_text, block.headings), *([html_text(block.axis)] if block.axis else [])]
    lines = ["<table>", f"<thead><tr>{''.join(f'<th>{label}</th>' for label in labels)}</tr></thead>", "<tbody>"]
    for number, row in enumerate(block.rows):
        tone = block.tones[number] if number < len(block.tones) else "plain"
        # A row that begins a group has its name in the first cell, and nothing in the second.
        group = " group" if block.marks and row[0] and not row[1] else ""
        cells = [_cell(label, text) for label, text in zip(labels, row, strict=False)]
        if block.axis:
            cells.append(f'<td class="marks" data-label="{labels[-1]}">{_marks(block.marks[number])}</td>')
        lines.append(f'<tr class="{tone}{group}">{"".join(cells)}</tr>')
    return "\n".join([*lines, "</tbody>", "</table>"])


def _cell(label: str, text: str) -> str:
    """Return a cell. Only words that would make a column too wide are broken anywhere."""
    long = ' class="long"' if any(len(word) > _LONG for word in oneline(text).split()) else ""
    return f'<td{long} data-label="{label}">{html_text(text)}</td>'


def _marks(marks: Sequence[BlockMark]) -> str:
    """Return bars below each other, and a line over all of them for what has no width at the end of several."""
    bars = [mark for mark in marks if len(marks) == 1 or mark.end > mark.begin]
    height = 10 / max(1, len(bars))
    drawn = [_rect(mark, row * height + 1, height - 2) for row, mark in enumerate(bars)]
    drawn += [_rect(mark, 0, 10) for mark in marks if mark not in bars]
    return f'<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{"".join(drawn)}</svg>'


def _rect(mark: BlockMark, top: float, height: float) -> str:
    begin = min(max(mark.begin, 0.0), 1.0) * 100
    wide = max(0.6, min(mark.end, 1.0) * 100 - begin)
    start = min(begin, 100 - wide)
    return f'<rect class="{mark.tone}" x="{start:.2f}" y="{top:.2f}" width="{wide:.2f}" height="{height:.2f}"/>'
