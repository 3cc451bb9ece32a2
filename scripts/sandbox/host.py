"""One sandbox host inside its server process: who comes in, what is counted, what is broken."""

import errno
import random
from dataclasses import asdict
from typing import Any

import asyncssh

from .counts import Counts
from .door import Door
from .place import ADDRESS, Place
from .reaper import Reaper

# Below the ports that outgoing connections take, so that a port stays ours between two starts.
PORTS = range(20000, 30000)


class Host:
    """Listens on one port, and breaks in the ways that tests ask for."""

    def __init__(self, place: Place, name: str, port: int, reaper: Reaper) -> None:
        self.name, self.home, self.port = name, place.home(name), port
        self.place, self.reaper = place, reaper
        self.counts = Counts()
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._right_key = self._key = asyncssh.read_private_key(place.host_key(name))

    async def do(self, action: str) -> dict[str, Any]:
        """Carry out one request of the control line."""
        match action:
            case "up":
                await self.up()
            case "down":
                self.down()
            case "drop":
                self.drop()
            case "wrong-key":
                self._show_key(asyncssh.generate_private_key("ssh-ed25519"))
            case "right-key":
                self._show_key(self._right_key)
            case "reset":
                self.counts = Counts()
            case "counts":
                return asdict(self.counts)
            case _:
                raise ValueError("no such action")
        return {}

    async def up(self) -> None:
        """Accept connections: on the port of old, or on a free one the first time."""
        if self._acceptor:
            return
        for port in [self.port] if self.port else random.sample(PORTS, 100):
            try:
                self._acceptor = await self._listen(port)
                self.port = port
                return
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
        raise OSError(errno.EADDRINUSE, f"port {self.port or 'range'} is taken by another program")

    def down(self) -> None:
        """Refuse new connections; those that exist stay."""
        if self._acceptor:
            self._acceptor.close()
            self._acceptor = None

    def drop(self) -> None:
        """Cut every connection without a word, as a crash does."""
        for connection in list(self.connections):
            connection.abort()

    def _show_key(self, key: asyncssh.SSHKey) -> None:
        self._key = key
        if self._acceptor:
            self._acceptor.update(server_host_keys=[key])

    async def _listen(self, port: int) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            ADDRESS,
            port,
            server_factory=lambda: Door(self),
            server_host_keys=[self._key],
            authorized_client_keys=str(self.place.key.with_suffix(".pub")),
            encoding=None,
            line_editor=False,
            agent_forwarding=False,
            x11_forwarding=False,
        )
