"""A flag behind an HTTP interface: read, set, taken away, and what is no answer."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from lockstitch.flags import FlagPlace, FlagReading, parse_reading
from lockstitch.flags.http import HttpFlag
from lockstitch.model.command import Command, Secret

TOKEN = "t0ken-of-flags"


class Flags(http.server.ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.state: dict[str, object] = {"percent": None, "other": 1}
        self.status = 200


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words: object) -> None: ...

    def do_GET(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._status() == 200:
            self._server.state |= given["data"]
        self._answer()

    @property
    def _server(self) -> Flags:
        assert isinstance(self.server, Flags)
        return self.server

    def _status(self) -> int:
        return self._server.status if self.headers["Authorization"] == f"Bearer {TOKEN}" else 401

    def _answer(self) -> None:
        body = json.dumps({"data": self._server.state}).encode()
        self.send_response(self._status())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Flags]:
    with Flags() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def flag(server: Flags, **more: object) -> HttpFlag:
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    known = {"kind": "http", "url": url, "value": "data.percent", "body": '{"data": {"percent": {value}}}'}
    return HttpFlag.model_validate({**known, "token": "env:TOKEN", "timeout": "2s", **more})


def place(token: str = TOKEN) -> FlagPlace:
    return FlagPlace("PHASE_1", "api", "current", "prod", {"env:TOKEN": Secret(token, "env:TOKEN")})


def run(command: Command) -> tuple[str, int]:
    done = subprocess.run(["sh"], input=command.render().encode(), capture_output=True)
    return (done.stdout + done.stderr).decode(), done.returncode


def test_it_is_set_taken_away_and_read_back(server: Flags) -> None:
    mine, at = flag(server), place()
    assert parse_reading(*run(mine.probe(at).command)) == FlagReading()
    for value, kept in (("10", 10), ("true", True), ("a \"b\" 'c'", "a \"b\" 'c'"), ("2.5", 2.5), (None, None)):
        said, code = run(mine.change(at, value))
        assert code == 0, said
        assert server.state == {"percent": kept, "other": 1}
        assert parse_reading(*run(mine.probe(at).command)) == FlagReading(value)
    said, code = run(mine.change(at, "50", "value 10"))
    assert code == 1 and "it was 'value 10' and is 'unset'" in said


@pytest.mark.parametrize(
    ("status", "token", "key", "says"),
    [
        (500, TOKEN, "data.percent", "the server answered 500"),
        (302, TOKEN, "data.percent", "the server answered 302"),
        (200, "wrong", "data.percent", "the server answered 401"),
        (200, TOKEN, "data.colour", "the answer has no data.colour"),
        (200, TOKEN, "data", "data is no single value"),
    ],
)
def test_what_is_no_value(server: Flags, status: int, token: str, key: str, says: str) -> None:
    server.status = status
    mine = flag(server, value=key)
    assert parse_reading(*run(mine.probe(place(token)).command)).problem == says
    said, code = run(mine.change(place(token), "10"))
    assert code == 1 and says in said and token not in said


def test_nobody_there_is_no_value(server: Flags) -> None:
    mine = flag(server)
    server.shutdown()
    server.server_close()
    assert "there is no answer" in parse_reading(*run(mine.probe(place()).command)).problem


@pytest.mark.parametrize("body", ["{value", '{"percent": 1}', '{"percent": {value}'])
def test_a_body_that_is_no_json_with_the_value_is_refused(body: str) -> None:
    with pytest.raises(ValidationError, match="body"):
        HttpFlag.model_validate({"kind": "http", "url": "http://x/", "value": "a", "body": body})
