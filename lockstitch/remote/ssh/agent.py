"""Lending the person's ssh-agent to a host, where `ForwardAgent` says so: for `git clone` there with the keys here.

Paramiko's own way keeps the process from ending, and its threads die with tracebacks.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress

from paramiko import Channel, SSHException

from lockstitch.remote.ssh.sockets import in_background

CHUNK = 16 * 1024


def lend(channel: Channel) -> None:
    """Let what runs on this channel ask the agent here."""
    channel.request_forward_agent(_connect)


def _connect(there: Channel) -> None:
    # Called by the thread that reads the connection: it must not wait.
    in_background(lambda: _pass_on(there))


def _pass_on(there: Channel) -> None:
    try:
        here = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        here.connect(os.environ.get("SSH_AUTH_SOCK", ""))
    except OSError:
        there.close()
        return

    def close() -> None:
        for end in (here, there):
            with suppress(OSError, EOFError, SSHException):
                end.close()

    asking = in_background(lambda: _copy(there.recv, here.sendall))
    asking.add_done_callback(lambda _: _hang_up(here))
    _copy(here.recv, there.sendall)
    close()


def _copy(read: Callable[[int], bytes], write: Callable[[bytes], object]) -> None:
    with suppress(OSError, EOFError, SSHException):
        while data := read(CHUNK):
            write(data)


def _hang_up(here: socket.socket) -> None:
    with suppress(OSError):
        here.shutdown(socket.SHUT_RDWR)
