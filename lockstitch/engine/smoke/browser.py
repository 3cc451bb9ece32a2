"""EFFECT: the program of a smoke step with `browser`: it opens a page in a Chromium and runs `smoke(page)` of a file.

    python -m lockstitch.engine.smoke.browser FILE

It is a process of its own, so that a browser that hangs ends with the step. Needs Playwright. `page.goto("/")` is below
SMOKE_URL. Errors on the page or in its console fail the step, but those that a regular expression of the file's
`IGNORED` finds. It ends with what failed on stderr and 1.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

# Nothing of these is for a smoke test: they ask servers that are not the app's.
_QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def main(file: str) -> str | None:
    """Run the file. Returns what failed; None where all it expects is so and the page has reported no error."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return "Playwright is not installed here: pip install 'lockstitch[browser]'"
    module = _loaded(Path(file))
    if not callable(smoke := getattr(module, "smoke", None)):
        return f"{file} has no function smoke(page)"
    errors: list[str] = []
    with sync_playwright() as playwright:
        program = os.environ.get("LOCKSTITCH_BROWSER") or next(filter(None, map(shutil.which, _PROGRAMS)), None)
        # Chromium's own sandbox needs another user than root.
        alone = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program, args=[*_QUIET, *alone])
        page = browser.new_context(base_url=os.environ["SMOKE_URL"]).new_page()
        _listen(page, errors)
        try:
            smoke(page)
            opened = page.url not in ("", "about:blank")
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)
            line = next((each.lineno for each in reversed(place) if each.filename == module.__file__), "?")
            return f"{file}:{line}: {type(error).__name__}: {str(error).strip()}"
        finally:
            browser.close()
    ignored = getattr(module, "IGNORED", ())
    errors = [error for error in errors if not any(re.search(pattern, error) for pattern in ignored)]
    if not opened:
        return f"{file} has opened no page, so nothing was judged"
    return "\n".join(errors) or None


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("smoke_of_the_project", path)
    assert spec is not None and spec.loader is not None, path
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _listen(page: Any, errors: list[str]) -> None:
    page.on("pageerror", lambda error: errors.append(f"error on the page: {error}"))

    def hear(said: Any) -> None:
        where = said.location.get("url", "")
        # Browsers ask for an icon that no page has named.
        if said.type == "error" and not where.endswith("/favicon.ico"):
            errors.append(f"console: {said.text} ({where})")

    page.on("console", hear)


def ended(file: str) -> str | None:
    """Return what `main` does. A file that ends its process has not judged all it should, whatever its exit code."""
    try:
        return main(file)
    except SystemExit as error:
        return f"{file} ended by sys.exit({error.code!r}), so nothing was judged"


if __name__ == "__main__":
    sys.exit(ended(sys.argv[1]))
