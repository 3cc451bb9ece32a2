"""Answers of `scripts/advisories` for a database that knows something, of one that knows nothing, and of none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.containers.project import ROOT

Answer = Callable[[list[dict[str, Any]]], Any]


class _Database(HTTPServer):
    answer: Answer
    asked: list[dict[str, Any]]


class _Handler(BaseHTTPRequestHandler):
    server: _Database

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked = json.loads(body)["queries"]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(self.server.answer(self.server.asked)).encode())

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def database() -> Iterator[_Database]:
    with _Database(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


def advisories(port: int) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "ADVISORIES": f"http://127.0.0.1:{port}/v1/querybatch", "no_proxy": "127.0.0.1"}
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts/advisories")], capture_output=True, text=True, timeout=60, env=env
    )


def about(name: str) -> Answer:
    vulns = {"vulns": [{"id": "GHSA-0000-0000-0000", "modified": "2026-01-01T00:00:00Z"}]}
    return lambda asked: {"results": [vulns if one["package"]["name"] == name else {} for one in asked]}


def test_a_known_vulnerability_fails(database: _Database) -> None:
    database.answer = about("paramiko")
    done = advisories(database.server_port)
    assert done.returncode == 1
    places = {line.partition(":")[0] for line in done.stdout.splitlines()}
    assert {"dev.txt", "sandbox.txt", "pyproject.toml"} <= places and "GHSA-0000-0000-0000" in done.stdout
    asked = [(one["package"]["name"], one["version"]) for one in database.asked]
    assert ("paramiko", "5") in asked and len(asked) > 100


def test_none_passes(database: _Database) -> None:
    database.answer = about("nothing")
    done = advisories(database.server_port)
    assert (done.returncode, done.stdout.partition(" about")[0]) == (0, "advisories: 0")


@pytest.mark.parametrize("answer", [{}, [], {"results": []}, {"results": [None]}])
def test_an_answer_that_is_none_is_said(database: _Database, answer: Any) -> None:
    database.answer = lambda asked: {"results": [None] * len(asked)} if answer == {"results": [None]} else answer
    done = advisories(database.server_port)
    assert (done.returncode, done.stdout) == (0, "") and done.stderr.startswith("NOT ASKED: ")


def test_no_database_is_said_in_one_line_and_no_failure() -> None:
    done = advisories(1)
    assert (done.returncode, done.stdout) == (0, "") and done.stderr.count("\n") == 1
    assert done.stderr.startswith("NOT ASKED: ")
