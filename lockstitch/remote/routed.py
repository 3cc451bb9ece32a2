"""A Remote of two: what is on this machine is done here, all else goes over the way to the hosts."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import BinaryIO, Generic, TypeVar

from lockstitch.errors import LockstitchError
from lockstitch.model.host import Host
from lockstitch.model.plan import Script
from lockstitch.model.results import Observer, Result, nobody
from lockstitch.remote import FileMode, Remote
from lockstitch.remote.local import LocalRemote, interact
from lockstitch.remote.ssh import Network, SshRemote

There = TypeVar("There", bound=Remote)


class RoutedRemote(Generic[There]):
    """Sends hosts that are `local` here and all others `there`."""

    def __init__(self, there: There) -> None:
        self.there, self.here = there, LocalRemote()

    @property
    def network(self: RoutedRemote[SshRemote]) -> Network:
        """The network that the connections over SSH share."""
        return self.there.network

    def connect(self, hosts: Iterable[Host]) -> dict[str, LockstitchError]:
        """Open one connection to each host that needs one."""
        return self.there.connect([host for host in hosts if not host.local])

    def connect_ahead(self: RoutedRemote[SshRemote], hosts: Iterable[Host]) -> None:
        """Begin to connect to hosts that will be asked soon."""
        self.there.connect_ahead([host for host in hosts if not host.local])

    def run(self, host: Host, script: Script, observe: Observer = nobody) -> tuple[Result, ...]:
        """Carry out a script."""
        return self._way(host).run(host, script, observe)

    def open(self, host: Host, path: str, mode: FileMode, start: int = 0) -> AbstractContextManager[BinaryIO]:
        """A file of a host as a stream."""
        return self._way(host).open(host, path, mode, start)

    def one_script_each(self: RoutedRemote[SshRemote]) -> None:
        """Each host will be given one script: no shell need wait for another."""
        self.there.spares = 0

    def logged_in_with(self: RoutedRemote[SshRemote], host: Host) -> bytes:
        """The public key that a host has let us in with; empty where there was none."""
        return b"" if host.local else self.there.logged_in_with(host)

    def forward(self: RoutedRemote[SshRemote], host: Host, address: str, port: int, seconds: float) -> socket.socket:
        """Return a connection to a server as a host, or this machine, reaches it. Raises HostError or OSError."""
        if host.local:
            return socket.create_connection((address, port), seconds)
        return self.there.forward(host, address, port, seconds)

    def interact(self: RoutedRemote[SshRemote], host: Host, command_line: str) -> int:
        """Join this terminal to a command; its exit code."""
        return interact(command_line) if host.local else self.there.interact(host, command_line)

    def interrupt(self) -> None:
        """End whatever is running, here and there."""
        self.here.interrupt()
        self.there.interrupt()

    def close(self) -> None:
        """End what runs here, and close every connection."""
        self.here.close()
        self.there.close()

    def __enter__(self) -> RoutedRemote[There]:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _way(self, host: Host) -> Remote:
        return self.here if host.local else self.there
