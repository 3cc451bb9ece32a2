"""TCP: every address of a name is tried, none is waited for long, and the socket sends at once."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from time import monotonic

import pytest

from lockstitch.model.host import Limits
from lockstitch.remote.ssh.cancellation import GivenUpError, dial

NOBODY = "192.0.2.1"


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def found(host: str, port: int, *_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port)) for address in addresses]

    monkeypatch.setattr("socket.getaddrinfo", found)


def open_(port: int, **limits: float) -> socket.socket:
    return dial("name", port, Limits(**limits), threading.Event())  # type: ignore[arg-type]


def test_small_packets_are_sent_at_once_and_a_dead_peer_is_noticed(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "127.0.0.1")
    with open_(port) as line:
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 13000


def test_an_address_where_nobody_is_costs_a_moment(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, NOBODY, "127.0.0.1")
    began = monotonic()
    with open_(port) as line:
        assert line.getpeername()[1] == port
    assert monotonic() - began < 5


def test_an_address_that_refuses_does_not_hide_the_next(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "127.0.0.2", "127.0.0.1")
    with open_(port) as line:
        assert line.getpeername()[0] == "127.0.0.1"


def test_all_refuse(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "127.0.0.2", "127.0.0.3")
    with pytest.raises(ConnectionRefusedError):
        open_(port)


def test_a_name_server_that_does_not_answer(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_: never.wait(20))
    with pytest.raises(TimeoutError):
        open_(port, connect_timeout=0.2)
    never.set()


def test_it_is_given_up_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, NOBODY)
    stopped = threading.Event()
    stopped.set()
    with pytest.raises((GivenUpError, OSError)):
        dial("name", 22, Limits(), stopped)
