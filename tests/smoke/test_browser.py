"""Smoke steps in a browser: a stand-in for Playwright always, the real one with `scripts/test --browser`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.measures.lighthouse_program import browser
from tests.preloaded import ROOT
from tests.smoke.world import Desk

STAND_IN = """
import types, urllib.request
from contextlib import contextmanager

class Page:
    def __init__(self, base_url):
        self.base, self.url, self.heard = base_url, "about:blank", {}
    def on(self, event, listener):
        self.heard[event] = listener
    def goto(self, path):
        self.url = self.base + path
        self.text = urllib.request.urlopen(self.url, timeout=10).read().decode()
    def console(self, text):
        self.heard["console"](types.SimpleNamespace(type="error", text=text, location={"url": self.url}))

class Browser:
    def new_context(self, base_url):
        return types.SimpleNamespace(new_page=lambda: Page(base_url))
    def close(self): ...

@contextmanager
def sync_playwright():
    launch = lambda executable_path, args: Browser()
    yield types.SimpleNamespace(chromium=types.SimpleNamespace(launch=launch))
"""
PAGES = {
    "good": 'def smoke(page):\n    page.goto("/")\n',
    "wrong": 'def smoke(page):\n    page.goto("/")\n    assert False, "no heading"\n',
    "nowhere": "def smoke(page):\n    pass\n",
    "nothing": "x = 1\n",
    "ends": 'import sys\ndef smoke(page):\n    page.goto("/")\n    sys.exit()\n',
    "left": "import sys\nsys.exit(0)\n",
    "noisy": 'def smoke(page):\n    page.goto("/")\n    page.console("Uncaught TypeError")\n',
    "ignored": 'IGNORED = ["TypeError"]\ndef smoke(page):\n    page.goto("/")\n    page.console("Uncaught TypeError")\n',
}


def write(desk: Desk, pages: dict[str, str], packages: str = "") -> None:
    for name, text in pages.items():
        (desk.folder / f"{name}.py").write_text(text)
    desk.smoke["steps"] = {
        name: {"browser": f"{name}.py", "env": {"PYTHONPATH": f"{ROOT}{os.pathsep}{packages}"}} for name in pages
    }


def test_a_page_is_judged_by_what_its_file_and_its_console_say(desk: Desk, tmp_path: Path) -> None:
    """With a stand-in for Playwright."""
    package = tmp_path / "stand-in" / "playwright"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "sync_api.py").write_text(STAND_IN)
    write(desk, PAGES, str(package.parent))
    passed = {step["step"] for step in desk.fab("smoke", "--json").json["steps"] if step["result"] == "passed"}
    assert passed == {"good", "ignored"}
    out = desk.fab("smoke").out
    for said in (
        "wrong.py:3: AssertionError: no heading",
        "nowhere.py has opened no page, so nothing was judged",
        "nothing.py has no function smoke(page)",
        "ends.py ended by sys.exit(None)",
        "left.py ended by sys.exit(0)",
        "console: Uncaught TypeError",
    ):
        assert said in out, out


def test_a_missing_playwright_is_told(desk: Desk) -> None:
    write(desk, {"good": PAGES["good"]})
    assert "pip install 'lockstitch[browser]'" in desk.fab("smoke").out


@pytest.mark.skipif(
    "LOCKSTITCH_PLAYWRIGHT" not in os.environ or browser() is None,
    reason="a stand-in ran in its place: scripts/test --browser installs Playwright; it needs a Chromium",
)
def test_a_real_browser_opens_a_page_and_hears_its_console(desk: Desk) -> None:
    # The office's page has an error of its own.
    known = 'IGNORED = ["process is not defined"]\n'
    write(
        desk,
        {
            "good": known + 'def smoke(page):\n    page.goto("/")\n    assert page.title() == "Office"\n',
            "noisy": known + 'def smoke(page):\n    page.goto("/")\n    page.evaluate("console.error(\'oh\')")\n',
        },
        os.environ["LOCKSTITCH_PLAYWRIGHT"],
    )
    assert desk.fab("smoke", "good").code == 0
    ran = desk.fab("smoke", "noisy")
    assert ran.code == 7 and "console: oh" in ran.out, ran.said
