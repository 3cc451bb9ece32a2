"""One request against servers that answer in no good way, and through a proxy."""

from __future__ import annotations

import gzip
import socket
import threading

import pytest
import requests
from requests.cookies import RequestsCookieJar

from lockstitch.engine.smoke.client import HttpClient
from lockstitch.smoke.judge import SmokeAnswer
from tests.ports import free_port
from tests.smoke.raw import Talk, answer, raw


def post(url: str, seconds: float = 30.0) -> SmokeAnswer:
    request = requests.Request("POST", url, json={"a": 1})
    return HttpClient().send(request, RequestsCookieJar(), seconds, threading.Event())


def chunks(connection: socket.socket, asked: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")


@pytest.mark.parametrize(
    ("talk", "said"),
    [
        (answer(b"\x0b\x02", "Content-Encoding: br"), "its answer cannot be unpacked: it is encoded as 'br'"),
        (answer(b"secret", "Content-Encoding: x"), "its answer cannot be unpacked: it is encoded as 'x'"),
        (answer(b"no gzip", "Content-Encoding: gzip"), "its answer cannot be unpacked"),
        (answer(gzip.compress(b"0" * (65 << 20)), "Content-Encoding: gzip"), "its answer is longer than 64 MiB"),
        (answer(b"x" * 10, length=100), "its answer was cut off"),
        (chunks, "its answer was cut off"),
        (lambda connection, asked: None, "the server closed the connection without an answer"),
    ],
)
def test_a_body_that_was_not_read_as_it_is_meant_is_no_answer(talk: Talk, said: str) -> None:
    with raw(talk) as server:
        came = post(server.url)
        assert (came.error, came.sent, len(server.asked)) == (said, True, 1)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_went_to_a_proxy_may_have_had_an_effect(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with raw(lambda connection, asked: None) as proxy:
        monkeypatch.setenv(f"{scheme}_proxy", proxy.url)
        came = post(f"{scheme}://api.example.invalid/files")
        assert came.error and came.sent and len(proxy.asked) == 1
        monkeypatch.setenv("no_proxy", "api.example.invalid")
        assert not post(f"{scheme}://api.example.invalid/files", 5).sent and len(proxy.asked) == 1


def test_what_nobody_took_was_not_sent() -> None:
    came = post(f"http://127.0.0.1:{free_port()}/")
    assert (came.error, came.sent) == ("it cannot be reached: connection refused", False)
