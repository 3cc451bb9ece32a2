"""A person's terminal joined to a command on a host, through a terminal there. What the host says is obeyed here."""

from __future__ import annotations

import os
import selectors
import signal
import termios
import tty
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from types import FrameType

from paramiko import Channel

from lockstitch.errors import ConnectError, HostLostError
from lockstitch.model.command import any_shell
from lockstitch.remote.ssh.connection import StrictConnection
from lockstitch.remote.ssh.shell import BROKEN, CHUNK, RefusedError, session
from lockstitch.remote.terminal import KEYBOARD, hung_up

SCREEN = 1


def interact(connection: StrictConnection, command_line: str) -> int:
    """Run it on the host at the other end of an open connection, at this process's terminal; its exit code.

    Raises KeyboardInterrupt where the terminal hung up: closing the channel has ended it there.
    """
    name, limits = connection.hop.name, connection.hop.limits
    assert connection.transport is not None
    try:
        channel = session(connection.transport, limits.channel_timeout)
        columns, rows = os.get_terminal_size(SCREEN)
        channel.get_pty(os.environ.get("TERM", "vt100"), columns, rows)
        channel.exec_command(any_shell(command_line))
    except (RefusedError, *BROKEN) as error:
        raise ConnectError(name, f"the host gives us no terminal: {error}") from error
    with closing(channel), _resized(channel), _raw():
        with suppress(*BROKEN):
            _join(channel)
        channel.status_event.wait(limits.channel_timeout)
    if channel.exit_status < 0:
        raise HostLostError(name, "the session was ended there" if connection.is_connected else connection.died_of)
    return channel.exit_status


def _join(channel: Channel) -> None:
    """Carry keys there and output here until the host has ended it."""
    with selectors.DefaultSelector() as ready:
        ready.register(channel, selectors.EVENT_READ)
        ready.register(KEYBOARD, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is channel:
                    data = channel.recv(CHUNK)
                    if not data:
                        return
                    _show(data)
                else:
                    channel.sendall(_typed())


def _typed() -> bytes:
    with suppress(OSError):
        if data := os.read(KEYBOARD, CHUNK):
            return data
    raise hung_up()


def _show(data: bytes) -> None:
    try:
        while data:
            data = data[os.write(SCREEN, data) :]
    except OSError as error:
        raise hung_up() from error


@contextmanager
def _raw() -> Iterator[None]:
    """Every key goes to the host as it is, Ctrl-C too."""
    before = termios.tcgetattr(KEYBOARD)
    # What has been typed already is not thrown away.
    tty.setraw(KEYBOARD, termios.TCSADRAIN)
    try:
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(KEYBOARD, termios.TCSADRAIN, before)


@contextmanager
def _resized(channel: Channel) -> Iterator[None]:
    """The terminal there gets the size that this one is given."""

    def tell(number: int, frame: FrameType | None) -> None:
        with suppress(*BROKEN):
            channel.resize_pty(*os.get_terminal_size(SCREEN))

    before = signal.signal(signal.SIGWINCH, tell)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
