"""Does a sandbox host break as it is told to, and only until it is mended?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import paramiko
import pytest
from paramiko.ssh_exception import NoValidConnectionsError

from scripts.sandbox import SandboxError

if TYPE_CHECKING:
    from scripts.sandbox import Sandbox

    from .conftest import Connect, Letterbox


def test_a_host_that_is_down_refuses_and_keeps_old_connections(sandbox: Sandbox, connect: Connect) -> None:
    before = connect("host1")
    with sandbox.broken("host1", "down"):
        with pytest.raises(NoValidConnectionsError):
            connect("host1")
        assert before.run("echo still here") == (0, "still here\n")
    assert connect("host1").run("echo back") == (0, "back\n")


def test_a_frozen_host_is_silent_alone(sandbox: Sandbox, connect: Connect) -> None:
    channel = connect("host1").begin("cat")
    with sandbox.broken("host1", "freeze"):
        assert sandbox.status("host1") == "frozen"
        channel.sendall(b"anybody?")
        channel.settimeout(0.3)
        with pytest.raises(TimeoutError):
            channel.recv(100)
        with pytest.raises(paramiko.SSHException, match="banner"):
            connect("host1")
        assert connect("host2").run("echo fine") == (0, "fine\n")
    channel.settimeout(10)
    assert channel.recv(100) == b"anybody?"


def test_dropped_connections_leave_their_processes_running(
    sandbox: Sandbox, connect: Connect, letterbox: Letterbox
) -> None:
    channel = connect("host1").begin(
        f"exec 3>{letterbox.path}; echo begun >&3; cat; echo input ended >&3;"
        " trap '' PIPE; echo lost || echo refused >&3"
    )
    assert letterbox.read() == "begun"
    sandbox.do("host1", "drop")
    assert channel.recv_exit_status() == -1
    said = letterbox.read()
    while "refused" not in said:
        said += " " + letterbox.read()
    assert said.split() == ["input", "ended", "refused"]


def test_a_wrong_key_is_shown_until_it_is_mended(sandbox: Sandbox, connect: Connect) -> None:
    with sandbox.broken("host1", "wrong-key"), pytest.raises(paramiko.BadHostKeyException):
        connect("host1")
    assert connect("host1").run("echo trusted") == (0, "trusted\n")


def test_an_unknown_host_or_action_is_named(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match=r"'host9'[\s\S]*host1, host2, host3"):
        sandbox.do("host9", "down")
    with pytest.raises(SandboxError, match=r"'explode'[\s\S]*freeze"):
        sandbox.do("host1", "explode")
