"""An address asked from a host: what its login says of proxies and interpreters is for other programs."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from lockstitch.checks.check import Context
from lockstitch.checks.network import header_parts, url
from lockstitch.facts.http import parse_answer
from lockstitch.inventory.checks import UrlChecks
from lockstitch.model.command import Secret, plain
from lockstitch.model.finding import Finding
from lockstitch.model.gate import HttpAnswer
from lockstitch.model.host import Address, Host
from lockstitch.model.http import http_request
from lockstitch.model.plan import Script, Step
from lockstitch.remote.masked import MaskedRemote
from tests.local import LocalRemote

KEY = 'it\'s a "key" \\ $x %s # @/etc/passwd'
TOOLS = [name for name in ("curl", "python3", "node") if shutil.which(name)]
NOWHERE = "http://127.0.0.1:9"


class Well(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/")
            self.end_headers()
            return
        if self.path == "/closed" and self.headers.get("X-Key") != KEY:
            self.send_response(401)
            self.end_headers()
            self.wfile.write(f"no: {self.headers}".encode())
            return
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


@pytest.mark.parametrize("tool", TOOLS)
def test_a_header_by_reference_arrives_and_is_in_no_command_line(tool: str, port: int, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in (tool, "sed", "cat"):
        program = sys.executable if name == "python3" else shutil.which(name)
        assert program
        (tmp_path / "bin" / name).symlink_to(os.path.realpath(program))
    # Who looks on while it is asked: the command line, as any user of the host may read it.
    real = tmp_path / "bin" / f"{tool}.real"
    (tmp_path / "bin" / tool).rename(real)
    (tmp_path / "bin" / tool).write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/words\nexec {real} "$@"\n')
    (tmp_path / "bin" / tool).chmod(0o755)
    remote, host = LocalRemote(tmp_path / "homes", env={"PATH": str(tmp_path / "bin")}), Host("web1", Address("web1"))

    def judged(key: str, path: str = "closed") -> Finding:
        settings = UrlChecks(url=f"http://127.0.0.1:{port}/{path}", headers={"X-Key": "env:KEY", "Accept": "file:/a"})
        known = {"env:KEY": Secret(key), "file:/a": Secret("text/plain")}
        check = url(settings, Context(datetime.now(UTC), known))
        (result,) = MaskedRemote(remote).run(host, Script((Step("ask", "", check.probe.command),)))
        assert key not in result.output
        (finding,) = check.judge(check.probe.parse(result.output, result.code))
        return finding

    assert judged(KEY).level == "pass"
    refused = judged("stale")
    assert refused.level == "fail" and "answered 401, expected 200: the key is not accepted" in refused.says
    assert "X-Key (env:KEY)" in refused.hint and "stale" not in str(refused)
    assert "answered 302" in judged(KEY, "moved").says, "where a redirect leads, the key does not go"
    words = (tmp_path / "words").read_text()
    assert "/closed" in words and "stale" not in words and "a key" not in words


def test_a_header_whose_value_cannot_be_had_is_no_question() -> None:
    settings = UrlChecks(url="http://127.0.0.1:9/", headers={"Authorization": "Bearer env:KEY"})
    for context, why in (
        (Context(datetime.now(UTC), {}, {"env:KEY": "it is not set"}), "Authorization: it is not set"),
        (Context(datetime.now(UTC), {"env:KEY": Secret("a\nb")}), "Authorization: its value has several lines"),
    ):
        check = url(settings, context)
        assert check.probe.command.text == ":"
        (finding,) = check.judge(check.probe.parse("", 0))
        assert finding.level == "warn" and why in finding.says


def test_a_word_may_stand_before_a_reference() -> None:
    settings = UrlChecks(url="http://127.0.0.1:9/", headers={"Authorization": "Bearer env:KEY", "X": "cmd:cat a b"})
    assert header_parts(settings) == {"Authorization": ("Bearer ", "env:KEY"), "X": ("", "cmd:cat a b")}
    command = url(
        settings, Context(datetime.now(UTC), {"env:KEY": Secret("k1"), "cmd:cat a b": Secret("k2")})
    ).probe.command
    assert plain(command.values["headers"]) == "Authorization: Bearer k1\nX: k2"
    for wrong in ("abc123", "Bearer abc123", "Bearer  env:KEY", "", "env:"):
        with pytest.raises(ValueError, match="no keys"):
            UrlChecks(url="http://127.0.0.1:9/", headers={"Authorization": wrong})
