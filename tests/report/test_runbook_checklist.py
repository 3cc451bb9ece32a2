"""A runbook on paper: its state, and hostile text that is never markup."""

from __future__ import annotations

from html.parser import HTMLParser

import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from lockstitch.report.runbook_checklist import checklist, checklist_html, checklist_markdown
from lockstitch.runbooks.settings import RunbookSettings
from lockstitch.runbooks.state import RunbookRun, StageRecord

HOSTILE = "<script>alert(1)</script> [a](javascript:b) `c` **d** \u202e"
SETTINGS = RunbookSettings.model_validate(
    yaml.safe_load("""
title: Release
owner: Ada
roles: {on-call: Bob}
links: {dashboard: "https://grafana.example.com/d/1"}
stages:
  - sms: {tell: "Send {severity}.", risk: low, links: {guide: "https://example.com/?a=1&b=2"}}
  - backend: {run: "deploy --only api", after: 15m}
undo: {backend: rollback}
""")
)


def run(text: str = "a test SMS") -> RunbookRun:
    stages = {
        "sms": StageRecord("sms", "done", "2026-11-29T10:00:00Z", "2026-11-29T10:01:00Z", text, text),
        "backend": StageRecord("backend", "skipped", by=text, reason=text),
    }
    return RunbookRun(
        "R1", "release", "prod", text, "2026-11-29T09:00:00Z", text, values={"severity": text}, stages=stages
    )


class Tags(HTMLParser):
    """Keeps the tags of a document."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert all(name != "href" or (value or "").startswith("https://") for name, value in attrs)


def test_it_shows_what_is_done_what_follows_and_where_the_file_is_from() -> None:
    text = checklist_markdown(checklist(SETTINGS, run(), {"commit": "abc", "author": "Ada"}))
    assert text.startswith("# Release of a test SMS\n\n- commit: abc\n- author: Ada\n- environment: prod\n")
    assert (
        "- [x] **sms (done)**\n  - do: Send a test SMS.\n  - risk: low\n  - guide: https://example.com/?a=1\\&b=2"
        in text
    )
    assert (
        "  - run: `fab -H prod deploy --only api`\n  - undo: `fab -H prod rollback`\n  - begins: 15 min after" in text
    )


@given(st.one_of(st.just(HOSTILE), st.text("<>&`*_[]()!#|\\-+=1.:\n\"' ax", min_size=1), st.text(min_size=1)))
@example("x\n100. x")
def test_no_text_becomes_markup(text: str) -> None:
    stages = checklist(SETTINGS, run(text), {"author": text})
    own = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "section", "dl", "dt", "dd", "a", "code"}
    assert Tags(checklist_html(stages)).tags <= own
    tokens = MarkdownIt().parse(checklist_markdown(stages))
    inline = {child.type for token in tokens for child in token.children or ()}
    assert inline <= {"text", "code_inline", "strong_open", "strong_close", "softbreak", "text_special"}
    assert not {"html_block", "ordered_list_open"} & {token.type for token in tokens}


def test_a_runbook_without_a_run_is_all_open() -> None:
    stages = checklist(SETTINGS, RunbookRun("", "release", "prod", "", ""), {})
    assert [stage.is_over for stage in stages] == [False] * 3
