"""Hosts that freeze, vanish or never answer: told in words, within what is promised, and never a hang."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

import pytest

from lockstitch.errors import ConnectError, HostLostError
from lockstitch.model.host import Address, Limits
from lockstitch.remote.ssh import SshRemote
from scripts.sandbox import Sandbox
from tests.remote.scripts import HASTY, Running, host, running, script
from tests.remote.sshd import Sshd

LONG = script("echo begun; sleep 60")
HASTY_WEB1 = host("web1", limits=HASTY)


def test_a_frozen_host_is_noticed_within_fifteen_seconds(remote: SshRemote, sandbox: Sandbox) -> None:
    with running(remote, host("web1"), LONG) as run, sandbox.broken("web1", "freeze"):
        began = monotonic()
        run.end(20)
        assert monotonic() - began < 15
    assert isinstance(run.error, HostLostError)
    assert run.error.message == "web1: the connection froze (no answer for 8 s) while `a` was running"


def test_a_frozen_openssh_session_is_noticed(remotes: Callable[..., SshRemote], sshd: Callable[..., Sshd]) -> None:
    server = sshd()
    with running(remotes(), server.host(limits=HASTY), LONG) as run:
        server.signal_sessions(signal.SIGSTOP)
        run.end()
    assert isinstance(run.error, HostLostError) and "froze" in run.error.message


def test_a_host_that_freezes_between_two_runs(remote: SshRemote, sandbox: Sandbox) -> None:
    remote.connect([HASTY_WEB1])
    with sandbox.broken("web1", "freeze"):
        run = Running(remote, HASTY_WEB1, LONG)
        run.end()
    assert isinstance(run.error, HostLostError)


def test_a_host_that_freezes_while_it_is_given_much(remote: SshRemote, sandbox: Sandbox) -> None:
    remote.connect([HASTY_WEB1])
    with sandbox.broken("web1", "freeze"):
        run = Running(remote, HASTY_WEB1, script(": " + "x" * 30_000_000))
        run.end()
    assert isinstance(run.error, HostLostError)


def test_a_quiet_step_is_not_taken_for_a_frozen_host(remote: SshRemote) -> None:
    (result,) = remote.run(HASTY_WEB1, script("sleep 4; echo there"))
    assert result.output == "there\n"


def test_a_host_that_talks_all_the_time_is_alive(remote: SshRemote) -> None:
    (result,) = remote.run(
        HASTY_WEB1, script("for i in 1 2 3 4 5 6 7 8; do yes | head -n 2000; sleep 0.5; done; echo there")
    )
    assert result.output.endswith("there\n")


def test_a_dropped_connection_is_told_at_once(remote: SshRemote, sandbox: Sandbox) -> None:
    with running(remote, host("web1"), LONG) as run:
        sandbox.do("web1", "drop")
        run.end()
    assert isinstance(run.error, HostLostError)
    assert run.error.message == "web1: the connection dropped while `a` was running"


def test_a_killed_openssh_session_is_a_dropped_connection(
    remotes: Callable[..., SshRemote], sshd: Callable[..., Sshd]
) -> None:
    server = sshd()
    with running(remotes(), server.host(), LONG) as run:
        server.signal_sessions(signal.SIGKILL)
        run.end()
    assert isinstance(run.error, HostLostError) and "dropped" in run.error.message


def test_after_a_loss_the_next_run_connects_again(remote: SshRemote, sandbox: Sandbox) -> None:
    with running(remote, host("web1"), LONG) as run:
        sandbox.do("web1", "drop")
        run.end()
    (result,) = remote.run(host("web1"), script("echo back"))
    assert result.output == "back\n"
    assert remote.connect([host("web1")]) == {}
    assert sandbox.counts("web1").connections == 2


def test_after_a_loss_a_host_that_stays_away_is_a_connect_error(remote: SshRemote, sandbox: Sandbox) -> None:
    remote.connect([host("web1")])
    line = remote._lines[host("web1")]
    with sandbox.broken("web1", "down"):
        sandbox.do("web1", "drop")
        while line.alive:
            line.wait_until_known_dead()
        with pytest.raises(ConnectError, match=r"web1: 127\.0\.0\.1 port \d+ refused the connection"):
            remote.run(host("web1"), LONG)


def test_a_frozen_host_is_told_while_connecting(remote: SshRemote, sandbox: Sandbox) -> None:
    quick = host("web1", limits=Limits(connect_timeout=1, banner_timeout=1))
    with sandbox.broken("web1", "freeze"):
        errors = remote.connect([quick, host("web2")])
    assert list(errors) == ["web1"] and isinstance(errors["web1"], ConnectError)


def test_a_name_that_does_not_exist(remote: SshRemote) -> None:
    error = remote.connect([host("nowhere.invalid")])["nowhere.invalid"]
    assert str(error).startswith("nowhere.invalid: the name nowhere.invalid cannot be found\nHINT: ")


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that is no SSH server; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(line,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


QUICK = Limits(connect_timeout=1.5, banner_timeout=1, auth_timeout=1)


def test_a_port_where_nobody_says_anything(remote: SshRemote) -> None:
    lines: list[socket.socket] = []
    with listening(lines.append) as port:
        silent = host("silent", address=Address("silent", "127.0.0.1", port, "deploy"), limits=QUICK)
        error = remote.connect([silent])["silent"]
    assert "SSH" in error.message
    for line in lines:
        line.close()


def test_connections_that_are_dropped_at_once_are_tried_again(remote: SshRemote) -> None:
    seen: list[int] = []

    def drop(line: socket.socket) -> None:
        seen.append(line.fileno())
        line.close()

    with listening(drop) as port:
        error = remote.connect([host("rude", address=Address("rude", "127.0.0.1", port, "deploy"), limits=QUICK)])
    assert isinstance(error["rude"], ConnectError) and len(seen) == QUICK.connect_tries


def test_a_web_server_is_no_ssh_server(remote: SshRemote) -> None:
    def hello(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        line.close()

    with listening(hello) as port:
        error = remote.connect([host("web", address=Address("web", "127.0.0.1", port, "deploy"), limits=QUICK)])
    assert isinstance(error["web"], ConnectError)
