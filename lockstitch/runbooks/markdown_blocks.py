"""A Markdown text as blocks in their order: headings, list items, checkboxes, code, and the rest as prose. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from lockstitch.model.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from markdown_it.token import Token

# Settings of another tool before the text, as YAML.
_FRONT = re.compile(r"---\r?\n(\w[\w-]*:.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_TAG = re.compile(r"<!--.*?(?:-->|\Z)|</?[A-Za-z][^<>]*>", re.DOTALL)
_CHECK = re.compile(r"\[[ xX]\]\s+")


@dataclass(frozen=True)
class MarkdownBlock:
    """A block: `level` is that of a heading, `language` the first word after the fence of code, and `spans` what is
    marked as code in a text."""

    kind: Literal["heading", "item", "check", "code", "prose"]
    text: str
    level: int = 0
    language: str = ""
    spans: tuple[str, ...] = ()


def blocks(markdown: str) -> Iterator[MarkdownBlock]:
    """Yield the blocks of a text. Links to its own headings, such as a table of contents, are left out."""
    # Start-up: only an import reads Markdown.
    from markdown_it import MarkdownIt

    heading, items = 0, 0
    cells: list[MarkdownBlock] | None = None
    front = _FRONT.match(markdown)
    if front:
        yield MarkdownBlock("prose", front[1])
        markdown = markdown[front.end() :]
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type == "heading_open":
            heading = int(token.tag[1:])
        elif token.type in ("list_item_open", "list_item_close"):
            items += token.nesting
        elif token.type in ("fence", "code_block"):
            language = (token.info.split() or [""])[0].lower()
            yield MarkdownBlock("code", token.content.rstrip("\n"), language=language)
        elif token.type == "html_block":
            if text := _TAG.sub(" ", token.content).strip():
                yield MarkdownBlock(
                    "item" if items else "prose", "\n".join(filter(None, map(str.strip, text.splitlines())))
                )
        elif token.type == "tr_open":
            cells = []
        elif token.type == "tr_close":
            row = cells or ()
            spans = tuple(span for cell in row for span in cell.spans)
            yield MarkdownBlock("prose", " | ".join(cell.text for cell in row), spans=spans)
            cells = None
        elif token.type == "inline":
            block = _of_line(token, heading, items)
            heading = 0
            if cells is not None:
                cells.append(block)
            elif not _is_own_link(token):
                yield block


def _of_line(token: Token, heading: int, items: int) -> MarkdownBlock:
    children = token.children or []
    text = _plain(children, targets=not heading)
    if heading:
        return MarkdownBlock("heading", text, heading)
    spans = tuple(child.content for child in children if child.type == "code_inline")
    if items and (match := _CHECK.match(text)):
        return MarkdownBlock("check", text[match.end() :], spans=spans)
    return MarkdownBlock("item" if items else "prose", text, spans=spans)


def _plain(children: list[Token], *, targets: bool) -> str:
    """Return a text without marks of emphasis and the like; with `targets` links have their addresses behind them."""
    parts: list[str] = []
    links: list[tuple[str, int]] = []
    for child in children:
        if child.type in ("softbreak", "hardbreak", "html_inline"):
            parts.append(" " if child.type != "html_inline" or child.content.startswith("<br") else "")
        elif child.type == "link_open":
            links.append((str(child.attrGet("href") or ""), len(parts)))
        elif child.type == "link_close":
            address, begin = links.pop()
            if targets and not address.startswith("#") and address not in ("".join(parts[begin:]), ""):
                parts.append(f" ({address})")
        elif child.content:
            parts.append(child.content)
    return "".join(parts).strip()


def _is_own_link(token: Token) -> bool:
    """Tell whether a text is nothing but links to headings of its own, as in a table of contents."""
    depth, addresses = 0, []
    for child in token.children or ():
        if child.type in ("link_open", "link_close"):
            depth += child.nesting
            addresses += [str(child.attrGet("href") or "")] if child.nesting > 0 else []
        elif not depth and child.content.strip(" -|·,"):
            return False
    return bool(addresses) and all(address.startswith("#") for address in addresses)
