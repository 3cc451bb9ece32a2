"""A Markdown text as blocks in their order: headings, list items, checkboxes, code, and the rest as prose. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from lockstitch.model.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from markdown_it.token import Token

_CHECK = re.compile(r"\[[ xX]\]\s+")


@dataclass(frozen=True)
class MarkdownBlock:
    """A block: `level` is that of a heading, `language` the first word after the fence of code."""

    kind: Literal["heading", "item", "check", "code", "prose"]
    text: str
    level: int = 0
    language: str = ""


def blocks(markdown: str) -> Iterator[MarkdownBlock]:
    """Yield the blocks of a text. Links to its own headings, such as a table of contents, are left out."""
    # Start-up: only an import reads Markdown.
    from markdown_it import MarkdownIt

    heading, items = 0, 0
    cells: list[str] | None = None
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type == "heading_open":
            heading = int(token.tag[1:])
        elif token.type in ("list_item_open", "list_item_close"):
            items += token.nesting
        elif token.type in ("fence", "code_block"):
            language = (token.info.split() or [""])[0].lower()
            yield MarkdownBlock("code", token.content.rstrip("\n"), language=language)
        elif token.type == "tr_open":
            cells = []
        elif token.type == "tr_close":
            yield MarkdownBlock("prose", " | ".join(cells or ()))
            cells = None
        elif token.type == "inline":
            text = _plain(token)
            if heading:
                yield MarkdownBlock("heading", text, heading)
            elif cells is not None:
                cells.append(text)
            elif items and (match := _CHECK.match(text)):
                yield MarkdownBlock("check", text[match.end() :])
            elif not _is_own_link(token):
                yield MarkdownBlock("item" if items else "prose", text)
            heading = 0


def _plain(token: Token) -> str:
    """Return a text without marks of emphasis, links and the like."""
    parts = [
        " " if child.type in ("softbreak", "hardbreak") else child.content
        for child in token.children or ()
        if child.type in ("text", "code_inline", "softbreak", "hardbreak")
    ]
    return "".join(parts).strip()


def _is_own_link(token: Token) -> bool:
    links = [child for child in token.children or () if child.type == "link_open"]
    return bool(links) and all(str(link.attrGet("href") or "").startswith("#") for link in links)
