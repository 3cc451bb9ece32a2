"""Lending the person's ssh-agent to a host, where `ForwardAgent` says so: for `git clone` there with the keys here.

Paramiko's own way keeps the process from ending, and its threads die with tracebacks.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress

from paramiko import Channel, PKey, SSHException
from paramiko.agent import AgentSSH
from paramiko.pkey import PublicBlob

from lockstitch.concurrency import in_background

CHUNK = 16 * 1024


class SocketAgent(AgentSSH):
    """The agent that listens on a socket; its keys are asked for when it is made."""

    def __init__(self, path: str, patience: float) -> None:
        super().__init__()
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(patience)
        line.connect(path)
        self._line = line
        self._connect(line)  # type: ignore[attr-defined]

    def keys(self, patience: float) -> tuple[PKey, ...]:
        """Its keys; each may then take so long to sign, for one that asks for a touch."""
        self._line.settimeout(patience)
        keys = tuple(self.get_keys())
        for key in keys:
            # Of a certificate that the agent holds, paramiko would offer the key alone.
            if key.get_name().endswith("-cert-v01@openssh.com"):
                vars(key)["public_blob"] = PublicBlob(key.get_name(), key.blob)
        return keys

    def close(self) -> None:
        self._close()  # type: ignore[attr-defined]


def lend(channel: Channel, agent: str) -> None:
    """Let what runs on this channel ask the agent that listens here on this socket."""
    # Called by the thread that reads the connection: it must not wait.
    channel.request_forward_agent(lambda there: in_background(lambda: _pass_on(there, agent)))


def _pass_on(there: Channel, agent: str) -> None:
    try:
        here = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        here.connect(agent)
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
