"""A connection from a host to a server that it reaches, as a socket of this machine: a direct-tcpip channel of SSH
(RFC 4254, section 7.2). No port is opened here."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from paramiko import Channel, ChannelException, SSHException

from lockstitch.errors import HostError
from lockstitch.remote.ssh.connection import StrictConnection

_PIECE = 64 * 1024
_REASONS = {1: "its SSH server forbids forwarding (AllowTcpForwarding)", 2: "nothing listens there"}


def forwarded(connection: StrictConnection, address: str, port: int, seconds: float) -> socket.socket:
    """Return a socket to a server as the host of a connection reaches it. Raises HostError where there is none."""
    transport, where = connection.transport, f"{address}:{port}"
    assert transport is not None
    try:
        channel = transport.open_channel("direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=seconds)
    except ChannelException as error:
        why = _REASONS.get(error.code, error.text or "its SSH server refuses")
        raise HostError(connection.hop.name, f"{where} cannot be reached from the host: {why}") from error
    except (SSHException, EOFError, OSError) as error:
        raise HostError(connection.hop.name, f"{where} cannot be reached from the host: {error}") from error
    ours, theirs = socket.socketpair()
    for carry in (_out, _back):
        threading.Thread(target=carry, args=(theirs, channel), daemon=True).start()
    return ours


def _out(theirs: socket.socket, channel: Channel) -> None:
    with suppress(OSError, EOFError, SSHException):
        while data := theirs.recv(_PIECE):
            channel.sendall(data)
        channel.shutdown_write()


def _back(theirs: socket.socket, channel: Channel) -> None:
    with suppress(OSError, EOFError, SSHException):
        while data := channel.recv(_PIECE):
            theirs.sendall(data)
    channel.close()
    # Whoever reads at our end sees the end, and whoever writes fails.
    with suppress(OSError):
        theirs.shutdown(socket.SHUT_RDWR)
    theirs.close()
