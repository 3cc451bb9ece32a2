"""The state that all connections of one `fab` share: settings, keys, gateways, and how many may be opened at once."""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from fabric import Config
from fabric.runners import Remote
from paramiko import Message, SSHException
from paramiko.common import cMSG_CHANNEL_REQUEST
from paramiko.config import SSHConfig

from lockstitch.errors import HostKeyError
from lockstitch.model.host import Host
from lockstitch.remote.ssh import known_hosts
from lockstitch.remote.ssh.cancellation import CancelScope, GivenUpError
from lockstitch.remote.ssh.client import Client
from lockstitch.remote.ssh.connection import StrictConnection
from lockstitch.remote.ssh.error_messages import refused_key
from lockstitch.remote.ssh.keys import KeyRing
from lockstitch.remote.ssh.known_hosts import record_new
from lockstitch.remote.ssh.revoked import revoked_by
from lockstitch.remote.ssh.route import Hop, way

PATIENCE = 2.0


class StrictRunner(Remote):  # type: ignore[misc]
    """Fabric's runner leaves the command running on the host when it is interrupted or takes too long."""

    def send_interrupt(self, interrupt: KeyboardInterrupt) -> None:
        """Ctrl-C: passed on as a character it means nothing without a terminal, so end the command."""
        self.kill()
        raise interrupt

    def stop(self) -> None:
        """However it came to an end here, end it there."""
        self._end()
        super().stop()

    def kill(self) -> None:
        """Ctrl-C, or it took too long."""
        self._end()
        super().kill()

    def _end(self) -> None:
        channel = getattr(self, "channel", None)
        if channel is None or channel.closed or channel.exit_status_ready():
            return
        with suppress(OSError, EOFError, SSHException):
            send_signal(channel, "TERM")
            channel.shutdown_write()
            # A connection that is closed at once may take the signal with it.
            channel.status_event.wait(PATIENCE)


def send_signal(channel: object, name: str) -> None:
    """Ask the SSH server to send a signal to what runs on a channel; OpenSSH does since 7.9, save for root."""
    message = Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)  # type: ignore[attr-defined]
    message.add_string("signal")
    message.add_boolean(False)
    message.add_string(name)
    channel.transport._send_user_message(message)  # type: ignore[attr-defined]


# Without a handler, paramiko prints tracebacks of its own.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class Network:
    """Makes the connections to hosts and shares the gateways between them."""

    def __init__(
        self,
        config: Config | None = None,
        connect_kwargs: Mapping[str, Any] | None = None,
        typed: Mapping[str, str] | None = None,
        root: Path | str = "",
    ) -> None:
        given = config if config is not None else Config(lazy=True)
        # Else Fabric has Paramiko read ~/.ssh/config now, which stumbles over what OpenSSH understands.
        given._set(_given_explicit_object=True)
        self.config: Config = given.clone()
        if connect_kwargs:
            self.config.connect_kwargs = {**self.config.connect_kwargs, **connect_kwargs}
        # Fabric writes the keys of one host into the settings of all: connections get a copy, and no ssh config.
        self.connect_kwargs: dict[str, Any] = copy.deepcopy(dict(self.config.connect_kwargs))
        self.client = Client(self.config)
        self.ring = KeyRing()
        self.round = CancelScope()
        # By what each was logged in to, for people.
        self.logins: dict[Hop, str] = {}
        self._typed = dict(typed or {})
        self._root = Path(root)
        self._gateways: dict[tuple[Hop, ...], StrictConnection] = {}
        self._places: dict[object, threading.BoundedSemaphore] = {}
        self._entries: dict[tuple[str, ...], known_hosts.KnownHosts] = {}
        self._lock = threading.RLock()

    def way(self, host: Host) -> tuple[Hop, ...]:
        """The hops to a host."""
        # Files are named in an inventory as seen from the project, wherever `fab` is called from.
        known_hosts, keys = self._placed(host.known_hosts), self._placed(host.identity_files)
        return way(replace(host, known_hosts=known_hosts, identity_files=keys), self.config, self.client)

    def connection(self, host: Host, config: Config | None = None) -> StrictConnection:
        """A connection to a host, not opened yet; it opens its gateways itself."""
        hops = self.way(host)
        return StrictConnection(hops[-1], self, self.gateway(hops[:-1]), config)

    def gateway(self, hops: tuple[Hop, ...]) -> StrictConnection | None:
        """The connection to the last of these hops, the same one for all who pass it."""
        if not hops:
            return None
        with self._lock:
            if hops not in self._gateways:
                self._gateways[hops] = StrictConnection(hops[-1], self, self.gateway(hops[:-1]))
            return self._gateways[hops]

    def _placed(self, files: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(self._root / Path(file).expanduser()) for file in files)

    def bare_config(self, config: Config | None) -> Config:
        """The settings for one connection: `~/.ssh/config` has already been asked.

        Those who only carry scripts share one; whoever has a `config` of their own may change it.
        """
        return self._shared if config is None else self._bare(config)

    @cached_property
    def _shared(self) -> Config:
        return self._bare(self.config)

    @staticmethod
    def _bare(config: Config) -> Config:
        bare = config.clone()
        bare._set(base_ssh_config=SSHConfig())
        bare.connect_kwargs = {}
        bare.runners.remote = StrictRunner
        bare.gateway = None
        return bare

    def entries(self, hop: Hop) -> known_hosts.KnownHosts:
        """The known hosts that count for a hop, read once."""
        with self._lock:
            if hop.known_hosts not in self._entries:
                self._entries[hop.known_hosts] = known_hosts.read(hop.known_hosts)
            return self._entries[hop.known_hosts]

    def check_key(self, hop: Hop, kind: str, blob: bytes) -> None:
        """Let a known key pass, record a new one where that is allowed; raises HostKeyError for any other."""
        standing = self._standing(hop, kind, blob)
        if standing.verdict in ("trusted", "unknown") and (said := known_hosts.unreadable(hop.own_hosts)):
            # It may revoke the key, or have another one. As OpenSSH, the system's files count only where they are read.
            raise HostKeyError(hop.name, f"its host key cannot be judged: {said}", hint="look there: ls -ld, chmod u+r")
        if standing.verdict == "unknown" and hop.host_keys == "accept-new" and hop.recorded_in:
            try:
                standing = record_new(hop.recorded_in, hop.known_as, kind, blob)
            except OSError as error:
                said = f"its new host key cannot be recorded in {hop.recorded_in}: {error.strerror}"
                raise HostKeyError(hop.name, said) from error
            self.forget_entries()
            if standing.verdict == "unknown":
                return
        if standing.verdict != "trusted":
            raise refused_key(hop, standing, blob, self._typed.get(hop.name, hop.name))

    def _standing(self, hop: Hop, kind: str, blob: bytes) -> known_hosts.KeyMatch:
        if hop.revoked and revoked_by(hop.revoked, kind, blob):
            return known_hosts.KeyMatch(
                "revoked", known_hosts.KnownHostsEntry(hop.revoked, 0, hop.known_as, kind, blob)
            )
        standing = known_hosts.judge(self.entries(hop), hop.known_as, blob)
        if standing.verdict == "unknown" and hop.known_as.startswith("["):
            # As OpenSSH: a key that is recorded for the host without a port counts for all of its ports.
            bare = known_hosts.judge(self.entries(hop), hop.known_as[1:].rpartition("]:")[0], blob)
            return bare if bare.verdict in ("trusted", "revoked") else standing
        return standing

    def forget_entries(self) -> None:
        """Read the known hosts again when they are next needed."""
        with self._lock:
            self._entries.clear()

    @contextmanager
    def place(self, hop: Hop, gateway: StrictConnection | None) -> Iterator[None]:
        """Wait until this connection may be opened: some at a time through a gateway, some in all."""
        through = [(id(gateway), hop.limits.per_gateway)] if gateway is not None else []
        held: list[threading.BoundedSemaphore] = []
        try:
            for key, size in [*through, ("all", hop.limits.in_all)]:
                with self._lock:
                    turn = self._places.setdefault(key, threading.BoundedSemaphore(max(1, size)))
                while not turn.acquire(timeout=0.2):
                    if self.round.stopped.is_set():
                        raise GivenUpError
                held.append(turn)
            yield
        finally:
            for turn in held:
                turn.release()

    def interrupt(self) -> None:
        """Give up every connection that is being opened."""
        with self._lock:
            before, self.round = self.round, CancelScope()
        before.stop()

    def close(self) -> None:
        """Close the gateways, the nearest last."""
        self.interrupt()
        with self._lock:
            gateways, self._gateways = list(self._gateways.values()), {}
        close_all(reversed(gateways))


def close_all(connections: Iterable[StrictConnection]) -> None:
    """Close connections, whatever state they are in."""
    for connection in connections:
        connection.close()
