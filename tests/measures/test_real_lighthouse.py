"""The real Lighthouse, with a real browser: its report has what the measure reads."""

from __future__ import annotations

import http.server
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockstitch.measures.lighthouse import LighthouseMeasure
from lockstitch.metrics.judgement import Answer
from lockstitch.model.command import Secret
from tests.local import LocalRemote
from tests.measures.lighthouse_program import browser, installed
from tests.measures.web import taken

PAGE = b"""<!doctype html><html lang=en><head><meta name=viewport content="width=device-width"><title>Shop</title>
<meta name=description content="a shop"></head><body><main><h1>Shop</h1><p>Wool</p></main></body></html>"""

pytestmark = pytest.mark.skipif(
    installed() is None or browser() is None,
    reason="a stand-in ran in its place: scripts/test --browser installs Lighthouse; it needs a Chromium",
)


@pytest.fixture
def page() -> Iterator[tuple[str, list[str]]]:
    keys: list[str] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def log_message(self, *words: object) -> None: ...

        def do_GET(self) -> None:
            keys.append(self.headers["X-Key"] or "")
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", keys
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_page_has_a_score(tmp_path: Path, page: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Accessibility does not depend on the load of this machine."""
    url, keys = page
    monkeypatch.setenv("PATH", f"{installed()}:{os.environ['PATH']}")
    monkeypatch.setenv("CHROME_PATH", browser() or "")
    given = {"kind": "lighthouse", "url": url, "min": 100, "runs": 1, "category": "accessibility"}
    measure = LighthouseMeasure.model_validate({**given, "headers": {"X-Key": "env:K"}})
    result = taken(LocalRemote(tmp_path), measure, {"env:K": Secret("tok-en-of-mine")})
    assert result.answer is Answer.PASS and result.numbers["score"] == 100, result
    assert "tok-en-of-mine" in keys and "tok-en-of-mine" not in result.report
    assert json.loads(result.report)["lighthouseVersion"].startswith("12.")
