"""A report as Markdown (CommonMark with tables). Pure.

Every text is escaped so that it is shown as it is: markup, HTML, mentions and what terminals obey do nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from lockstitch.report.release_report_blocks import (
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
from lockstitch.text import oneline, unforged

# A `_` within a word is none.
_MARKUP = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")
# What makes a list, a heading, a quote, a rule or a table of a line.
_FIRST = re.compile(r"^(?=[-+](?:\s|$)|--|=|#{1,6}(?:\s|$)|>)|^(\d{1,9})(?=[.)](?:\s|$))")
# Within an address it is none.
_MENTION = re.compile(r"(?<!\w)@(?=\w)")
_WORDS = {"good": "", "plain": "", "warn": "**!** ", "bad": "**!** "}


def md_text(text: str, *, cell: bool = False) -> str:
    """Return a text in one line of Markdown that shows it as it is. A cell begins no block."""
    line = _MARKUP.sub(lambda match: "\\" + match[0], oneline(text.strip()))
    line = line if cell else _FIRST.sub(lambda match: (match[1] or "") + "\\", line, count=1)
    line = line.replace("&", "&amp;").replace("<", "&lt;")
    # A name with a character of no width before it is nobody's.
    return _MENTION.sub("@&#8203;", line)


def report_md(page: ReportPage) -> str:
    """Return a report as Markdown."""
    parts = [f"# {md_text(page.title)}"]
    before: ReportBlock | None = None
    for block in page.blocks:
        text = _block(block)
        if not text:
            continue
        listed = isinstance(block, TextBlock) and block.item and isinstance(before, TextBlock) and before.item
        parts.append(f"{'' if listed else chr(10)}{text}")
        before = block
    return "\n".join(parts) + "\n"


def _block(block: ReportBlock) -> str:
    match block:
        case HeadingBlock():
            return f"## {md_text(block.text)}"
        case TextBlock():
            return f"{'- ' if block.item else ''}{_WORDS[block.tone]}{md_text(block.text)}"
        case CommandBlock():
            return f"{md_text(block.says)}\n\n{_fenced((block.command,))}"
        case FactsBlock():
            return "\n".join(f"- **{md_text(name)}**: {md_text(value)}" for name, value in block.facts)
        case TableBlock():
            return _table(block)
        case LinesBlock():
            return f"{md_text(block.caption)}\n\n{_fenced(block.lines)}"
        case SeriesBlock():
            return ""


def _table(block: TableBlock) -> str:
    tones = (*block.tones, *("plain" for _ in block.rows))
    lines = [_row(map(md_text, block.headings)), _row("---" for _ in block.headings)]
    for row, tone in zip(block.rows, tones, strict=False):
        cells = [md_text(cell, cell=True) or " " for cell in row]
        lines.append(_row([_WORDS[tone] + cells[0], *cells[1:]]))
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _fenced(lines: tuple[str, ...]) -> str:
    """Return lines as code, in a fence that none of them ends."""
    text = unforged("\n".join(map(oneline, lines)))
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return "\n".join([ticks, *text.split("\n"), ticks])
