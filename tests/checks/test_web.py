"""An address asked from a host: what its login says of proxies and interpreters is for other programs."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from lockstitch.facts.http import http_request, parse_answer
from lockstitch.model.gate import HttpAnswer
from lockstitch.model.host import Address, Host
from lockstitch.model.plan import Script, Step
from tests.local import LocalRemote

TOOLS = [name for name in ("curl", "python3", "node") if shutil.which(name)]
NOWHERE = "http://127.0.0.1:9"


class Well(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "well"}' if self.path == "/json" else b"well")

    def log_message(self, *said: object) -> None: ...


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Well)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("exempt", ["", "*", "internal.example.com"])
def test_a_host_asks_itself_through_no_proxy(tool: str, exempt: str, port: int, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    # What is first in PATH may be a script that finds the real one.
    program = sys.executable if tool == "python3" else shutil.which(tool)
    assert program
    (tmp_path / "bin" / tool).symlink_to(os.path.realpath(program))
    env = {"PATH": str(tmp_path / "bin"), "http_proxy": NOWHERE, "ALL_PROXY": NOWHERE, "NO_PROXY": exempt}
    env |= {"PYTHONPATH": str(tmp_path), "NODE_OPTIONS": "--require /nowhere.js", "CURL_HOME": str(tmp_path)}
    remote, host = LocalRemote(tmp_path / "homes", env=env), Host("web1", Address("web1"))
    (tmp_path / "sitecustomize.py").write_text('print("noise")\n')
    for place in (tmp_path, remote.home("web1")):
        (place / ".curlrc").write_text(f"proxy = {NOWHERE}\ninclude\n")
    (result,) = remote.run(host, Script((Step("ask", "", http_request(f"http://127.0.0.1:{port}/", 5)),)))
    answer = parse_answer(result.output, result.code)
    assert (answer.status, answer.body) == (200, "well"), result.output


@pytest.mark.skipif("curl" not in TOOLS, reason="no curl here")
def test_what_curl_says_on_stderr_is_why_there_is_no_answer_and_never_part_of_one(port: int, tmp_path: Path) -> None:
    # The loader's complaint comes from every program that a login's LD_PRELOAD is wrong for.
    remote = LocalRemote(tmp_path / "homes", env={"LD_PRELOAD": "/nowhere.so"})

    def ask(url: str) -> HttpAnswer:
        (result,) = remote.run(Host("web1", Address("web1")), Script((Step("ask", "", http_request(url, 5)),)))
        return parse_answer(result.output, result.code)

    assert ask(f"http://127.0.0.1:{port}/json").content == {"status": "well"}
    refused = ask(NOWHERE)
    assert refused.status == 0
    assert "curl: (7)" in refused.body
