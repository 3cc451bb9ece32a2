"""Reports in a real browser: no error, no request, and nothing wider than a phone or a sheet of paper."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lockstitch.report.release_report_html import report_html
from lockstitch.report.release_report_page import report_page
from tests.measures.lighthouse_program import browser
from tests.report.release_runs import good_run, line, reading, report_of
from tests.report.test_release_report_hostile import HOSTILE, hostile, whole_run

pytestmark = pytest.mark.skipif(
    "LOCKSTITCH_PLAYWRIGHT" not in os.environ or browser() is None,
    reason="scripts/test --browser installs Playwright; it needs a Chromium",
)

# A4 without the margins of the style sheet, in CSS pixels.
PAPER = 688
WATCH = [line(100, "watch", state="began"), *(reading(100 + 60 * n, 10 * n, 400 * n) for n in range(1, 20))]
REPORTS = {
    "good": [*good_run(), *WATCH],
    "hostile": hostile([*whole_run(), *WATCH], "".join(HOSTILE)),
    "long": hostile([*whole_run(), *WATCH], "x" * 300),
}
WIDER = """() => [...document.querySelectorAll("*")].filter(e => !e.closest("svg") &&
    e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(e => e.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(os.environ["LOCKSTITCH_PLAYWRIGHT"])
        with importlib.import_module("playwright.sync_api").sync_playwright() as playwright:
            program = playwright.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
            yield program
            program.close()


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_opens_quietly_and_fits(chromium: Any, tmp_path: Path, name: str) -> None:
    file = tmp_path / "report.html"
    file.write_text(report_html(report_page(report_of(REPORTS[name], last=good_run()))), encoding="utf-8")
    page = chromium.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    for media, scheme, width in [
        ("screen", "light", 390),
        ("screen", "dark", 390),
        ("screen", "light", 1280),
        ("print", "light", PAPER),
        ("print", "dark", PAPER),
    ]:
        page.emulate_media(media=media, color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(WIDER) == [], (media, width)
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") == (scheme == "light" or media == "print")
    assert said == [] and asked == [file.as_uri()]
    page.close()
