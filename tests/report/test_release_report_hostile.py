"""Reports of records with hostile text in every field: it is shown, and does nothing."""

from __future__ import annotations

import unicodedata
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from lockstitch.report.release_report_html import html_text, report_html
from lockstitch.report.release_report_md import md_text, report_md
from lockstitch.report.release_report_page import report_page
from lockstitch.text import oneline
from tests.report.release_runs import Line, good_run, line, outcome, report_of

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=https://evil.example/x onerror=alert(1)>',
    "</style></pre></td></table><iframe src=//evil.example>",
    "a\u202eb\u2066c\u200bd",
    "\x1b[2J\x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
    "| a | b |\n| --- | --- |\n\n# heading\n\n- [ ] item",
    "```\n# out of the fence\n```",
    "[link](https://evil.example) ![image](https://evil.example) <https://evil.example>",
    "**bold** __bold__ ~~gone~~ `code` &lt;b&gt; &#x3c;b&#x3e;",
    "@team <!channel> #1 $x$ \\\\ \udc80",
    "1. list",
    "+ list",
    "=====",
    "> quote",
]
TEXT = st.sampled_from(HOSTILE) | st.text(st.sampled_from("<>&\"'`*_[]()#+-=|~\\!@$1. \n\tab\u202e\x1b"), max_size=12)
ELEMENTS = (
    "html head meta title style body main h1 h2 p ul li dl dt dd table thead tbody tr th td pre figure figcaption svg "
    "rect path polyline polygon circle text"
)
ATTRIBUTES = (
    "lang charset http-equiv content name class data-label viewbox preserveaspectratio aria-hidden role aria-label x y "
    "width height d points cx cy r"
)


class Seen(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile(value: Any, text: str) -> Any:
    """Return a value with every text in it replaced, but for what makes a line one of its kind."""
    if isinstance(value, dict):
        kept = ("event", "at", "state", "field")
        return {key: each if key in kept else hostile(each, text) for key, each in value.items()}
    if isinstance(value, list):
        return [hostile(each, text) for each in value]
    return text if isinstance(value, str) else value


def whole_run() -> list[Line]:
    """Return a record with a line of each kind."""
    failure = {"host": "web1", "app": "api", "what": "reload", "reason": "no", "hint": "hint", "output": ["last"]}
    left = {"host": "web1", "app": "api", "what": "see to it", "command": "fab -H prod status"}
    more = {"failures": [{**failure, "logs": {"error.log": ["line"]}}], "left": [left], "notes": ["a note"]}
    flags = [{"flag": "PAY", "app": "api", "from": "off", "to": "on"}]
    watch = {"by": "ada", "start": 1.0, "until": 2.0}
    return [
        *good_run()[:-1],
        line(80, "back", why="it failed", sites=["api@web1"]),
        line(81, "said", text="going on: it is unclear"),
        outcome(82, "put back", 5, **more, flags=flags, backups=[{"host": "db", "database": "shop", "name": "b1"}]),
        line(83, "smoke", app="api", host="web1", step="login", result="failed", reason="500", seconds=1.0),
        line(84, "measured", app="api", name="size", host="here", verdict="pass", says="ok", numbers={"size": 1.0}),
        line(85, "watch", state="began", **watch),
        line(86, "watch", state="over", reason="why", problems=["one"], rollback="r"),
        line(87, "note", field="note", text="text", by="bob"),
    ]


def rendered(text: str) -> Seen:
    return Seen(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))


@given(TEXT)
def test_no_text_makes_an_element_or_attribute_of_its_own_in_html(text: str) -> None:
    page = report_html(report_page(report_of(hostile(whole_run(), text), last=hostile(good_run(), text))))
    seen = Seen(page)
    assert set(seen.tags) <= set(ELEMENTS.split()) and seen.attributes <= set(ATTRIBUTES.split())
    assert not [c for c in page if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    page.encode("utf-8")


@given(TEXT)
def test_no_text_makes_markup_of_its_own_in_markdown(text: str) -> None:
    harmless, seen = (rendered(report_md(report_page(report_of(hostile(whole_run(), t))))) for t in ("word", text))
    assert set(seen.tags) <= set(harmless.tags) | {"pre", "code"}
    assert not seen.attributes
    assert (seen.tags.count("h1"), seen.tags.count("h2")) == (1, harmless.tags.count("h2"))


@given(TEXT)
@pytest.mark.parametrize("cell", [False, True])
def test_markdown_shows_a_text_as_it_is(cell: bool, text: str) -> None:
    source = f"| a |\n| --- |\n| {md_text(text, cell=True)} |" if cell else md_text(text)
    words = rendered(source).text.replace("\u200b", "").split()
    assert words == [*(["a"] if cell else []), *oneline(text.strip()).split()]


@given(TEXT)
def test_html_shows_a_text_as_it_is(text: str) -> None:
    assert Seen(f"<p>{html_text(text)}</p>").text == oneline(text)


def test_no_mention_is_one() -> None:
    assert "@\u200bteam" in rendered(md_text("ping @team")).text and md_text("ada@desk") == "ada@desk"


def test_html_loads_nothing_and_runs_nothing() -> None:
    page = report_html(report_page(report_of(whole_run())))
    assert "default-src 'none'" in page and "http:" not in page and "https:" not in page and "url(" not in page
