"""A person's terminal joined to a command on a host, through a terminal there. What the host says is obeyed here."""

from __future__ import annotations

import os
import re
import selectors
import signal
import socket
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from types import FrameType

from paramiko import Channel

from lockstitch.errors import ConnectError, HostLostError, UsageError
from lockstitch.model.command import any_shell
from lockstitch.remote.ssh.connection import StrictConnection
from lockstitch.remote.ssh.route import Hop
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


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_POLICY = {"strict": "yes", "accept-new": "accept-new"}
# Of what is said while it connects, errors alone: `Permanently added` and banners of gateways are noise.
_END = "Host *\n    LogLevel ERROR\n"


def ssh_config(hops: Sequence[Hop], files: Sequence[str] = ()) -> tuple[str, str]:
    """A client configuration for these hops, in the order they are passed, and the name of the last one in it.

    `files` are read after it.
    """
    names = [_named(hop, number) for number, hop in enumerate(hops)]
    before = [None, *names[:-1]]
    parts = [_host(*each) for each in zip(names, hops, before, strict=True)]
    return "\n".join([*parts, _END, *(f'Include "{file}"' for file in files)]) + "\n", names[-1]


def _named(hop: Hop, number: int) -> str:
    # Two hops may be called alike; and what ssh shows of the first ones need not be pretty.
    return hop.name if number == 0 and _NAME.match(hop.name) else f"lockstitch-hop-{number}"


def _host(name: str, hop: Hop, before: str | None) -> str:
    lines = [f"    {keyword} {_word(value)}" for keyword, value in _settings(hop, before)]
    if hop.proxy_command:
        # The rest of the line as it stands: a quote would be part of it.
        lines.insert(0, f"    ProxyCommand {hop.proxy_command.replace('%', '%%')}")
    return "\n".join([f"Host {name}", *lines])


def _settings(hop: Hop, before: str | None) -> Iterator[tuple[str, str]]:
    yield "HostName", hop.hostname
    yield "Port", str(hop.port)
    yield "User", hop.user
    yield "HostKeyAlias", hop.known_as
    yield "StrictHostKeyChecking", _POLICY[hop.host_keys]
    if hop.known_hosts:
        first = [hop.recorded_in] if hop.recorded_in else []
        files = dict.fromkeys([*first, *hop.known_hosts])
        # The first is where new keys go; OpenSSH reads them all.
        yield "UserKnownHostsFile", "\0".join(_plain(file) for file in files)
        yield "GlobalKnownHostsFile", "none"
    for file in (*hop.identity_files, *hop.usual_files):
        yield "IdentityFile", _plain(file) or "none"
    for file in hop.certificates:
        yield "CertificateFile", _plain(file)
    yield "IdentityAgent", _plain(hop.agent) or "none"
    if hop.identities_only:
        yield "IdentitiesOnly", "yes"
    if hop.lent_agent:
        yield "ForwardAgent", "yes" if hop.lent_agent == hop.agent else _plain(hop.lent_agent)
    if hop.family:
        yield "AddressFamily", "inet" if hop.family == socket.AF_INET else "inet6"
    if hop.bound_to:
        yield "BindAddress", hop.bound_to
    if hop.revoked:
        yield "RevokedHostKeys", _plain(hop.revoked)
    if hop.passes_socket:
        yield "ProxyUseFdpass", "yes"
    yield "ProxyJump", before or "none"
    yield "ConnectTimeout", str(max(1, round(hop.limits.connect_timeout)))
    yield "ServerAliveInterval", str(max(1, round(hop.limits.keepalive_interval)))


def _plain(path: str) -> str:
    """A path in which `%` is only that."""
    return path.replace("%", "%%")


def _word(value: str) -> str:
    words = value.split("\0")
    if any('"' in word or "\n" in word for word in words):
        raise UsageError(f"{words[0]} cannot be said to ssh: it holds a quote or a new line")
    return " ".join(f'"{word}"' if len(words) > 1 or " " in word or "#" in word else word for word in words)
