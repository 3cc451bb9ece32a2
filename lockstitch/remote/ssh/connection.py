"""A Fabric Connection that trusts no unknown host key, opens within its limits, and says what went wrong."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from time import monotonic
from typing import Any, Protocol

from fabric import Config, Connection
from paramiko import MissingHostKeyPolicy, PKey, SSHClient, SSHException, Transport
from paramiko.ssh_exception import IncompatiblePeer

from lockstitch.errors import ConnectError
from lockstitch.remote.ssh import known_hosts
from lockstitch.remote.ssh.cancellation import CancelScope, GivenUpError, dial
from lockstitch.remote.ssh.error_messages import explain, through
from lockstitch.remote.ssh.keepalive import TICK, KeepaliveTransport
from lockstitch.remote.ssh.keys import HopLogin, KeyRing
from lockstitch.remote.ssh.proxy import ProxyFailed, ProxySocket, by_command
from lockstitch.remote.ssh.route import Hop

CHANNEL_REFUSED = 2


class OnlyKnown(MissingHostKeyPolicy):
    """Has every host key checked. Paramiko's own table stays empty, so every key comes here."""

    def __init__(self, check: Callable[[PKey], None]) -> None:
        self._check = check

    def missing_host_key(self, client: SSHClient, hostname: str, key: PKey) -> None:
        self._check(key)


def key_types(known: tuple[str, ...]) -> list[str]:
    """The signature algorithms of these key types: a host is asked for the key we know."""
    rsa = ("rsa-sha2-512", "rsa-sha2-256")
    return [algorithm for kind in known for algorithm in (rsa if kind == "ssh-rsa" else (kind,))]


def disabled(hop: Hop) -> dict[str, list[str]]:
    """The algorithms we have that `~/.ssh/config` does not allow, by paramiko's words for their kinds.

    Raises SSHException where that is all of them.
    """
    excluded: dict[str, list[str]] = {}
    for kind, allowed in hop.algorithms:
        ours = getattr(Transport, f"_preferred_{kind}")
        excluded[kind] = [name for name in ours if name not in allowed]
        if len(excluded[kind]) == len(ours) and kind != "pubkeys":
            have = ", ".join(ours)
            raise SSHException(f"~/.ssh/config allows only {', '.join(allowed)} ({kind}); Lockstitch has {have}")
    return excluded


def never_made(error: Exception) -> bool:
    """Tell whether the other side did not even begin to talk: then trying again does no harm."""
    if isinstance(error, OSError):
        hopeless = isinstance(error, FileNotFoundError) or getattr(error, "errno", 0) == socket.EAI_NONAME
        return not hopeless
    if getattr(error, "code", None) == CHANNEL_REFUSED:
        return True
    return "Error reading SSH protocol banner" in str(error) or isinstance(error, EOFError)


FIRST_BACKOFF = 0.2


class SharedSettings(Protocol):
    """The state that a connection shares with all others of one `fab`; network.py has it."""

    ring: KeyRing
    round: CancelScope
    connect_kwargs: dict[str, Any]
    logins: dict[Hop, str]

    def bare_config(self, config: Config | None) -> Config:
        """The settings for one connection."""

    def entries(self, hop: Hop) -> known_hosts.KnownHosts:
        """The known hosts that count for a hop."""

    def check_key(self, hop: Hop, kind: str, blob: bytes) -> None:
        """Let a known key pass; raises HostKeyError for any other."""

    def place(self, hop: Hop, gateway: StrictConnection | None) -> AbstractContextManager[None]:
        """Wait until this connection may be opened."""


class StrictConnection(Connection):  # type: ignore[misc]
    """A connection to one hop. `open` may be called by several threads: one opens, the others share what came of it."""

    hop: Hop
    way_in: StrictConnection | None = None
    transport: KeepaliveTransport | None = None
    logged_in_with: bytes = b""
    # Fabric sets it on every connection. Where it is no attribute that is written into the settings, which all share.
    inline_ssh_env: bool = True
    _network: SharedSettings
    _opening: threading.Lock
    _failed: tuple[float, ConnectError] | None = None

    def __init__(
        self, hop: Hop, network: SharedSettings, way_in: StrictConnection | None = None, config: Config | None = None
    ) -> None:
        self._set(hop=hop, way_in=way_in, _network=network, _opening=threading.Lock())
        super().__init__(
            hop.hostname,
            user=hop.user,
            port=hop.port,
            config=network.bare_config(config),
            gateway=way_in or hop.proxy_command or False,
            forward_agent=bool(hop.lent_agent),
        )
        self.client = SSHClient()
        self.client.set_missing_host_key_policy(OnlyKnown(self.check_key))

    def derive_shorthand(self, host_string: str) -> dict[str, Any]:
        """A hop's host name is only that: nothing is read into it."""
        return {"user": None, "host": host_string, "port": None}

    def open(self) -> None:
        """Connect and log in, unless that is done; raises ConnectError."""
        asked, round_ = monotonic(), self._network.round
        with self._opening:
            if self.is_connected:
                return
            # Whoever waited for an attempt that failed has had it: fifty hosts do not try a dead gateway in turn.
            if self._failed is not None and self._failed[0] >= asked:
                raise self._failed[1]
            try:
                self._open(round_)
            except ConnectError as error:
                self._failed = (monotonic(), error)
                raise

    def close(self) -> None:
        """Close, whatever state the connection is in."""
        try:
            super().close()
        except (EOFError, OSError, SSHException):
            pass
        finally:
            self.client.close()

    def check_key(self, key: PKey) -> None:
        """Raises HostKeyError unless this is the key of the hop."""
        self._network.check_key(self.hop, key.get_name(), key.asbytes())

    @property
    def died_of(self) -> str:
        """The reason for its end in words: it froze or it dropped, itself or the gateway before it."""
        frozen = getattr(self.transport, "frozen", None)
        if self.way_in is not None and self.way_in.is_lost:
            return f"the connection to its gateway {self.way_in.hop.name} was lost"
        return f"the connection froze (no answer for {frozen:g} s)" if frozen else "the connection dropped"

    def key_offered(self, algorithms: tuple[str, ...]) -> PKey | None:
        """The host key that the other side shows for these algorithms, without logging in; None where it has none."""
        self._open_way_in()
        with self._place():
            transport = KeepaliveTransport(self._socket(self._network.round), disabled_algorithms=self._disabled())
            transport.get_security_options().key_types = algorithms
            try:
                transport.start_client(timeout=self.hop.limits.banner_timeout)
                return transport.get_remote_server_key()
            except IncompatiblePeer:
                return None
            finally:
                transport.close()

    @property
    def is_lost(self) -> bool:
        """It ended, or will be found to have frozen in a moment."""
        return self.transport is None or not self.is_connected or self.transport.silence > TICK

    def _open(self, round_: CancelScope) -> None:
        self._open_way_in()
        with self._place():
            self._try_until_made(round_)

    def _open_way_in(self) -> None:
        if self.way_in is not None:
            try:
                self.way_in.open()
            except ConnectError as error:
                raise through(error, self.hop.name, self.way_in.hop.name) from error

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Wait for our turn; whatever goes wrong then is told in words."""
        try:
            with self._network.place(self.hop, self.way_in):
                yield
        except Exception as error:
            raise explain(error, self.hop, self.way_in.hop.name if self.way_in else "") from error

    def _try_until_made(self, round_: CancelScope) -> None:
        began, tries = monotonic(), 0
        while True:
            tries += 1
            try:
                return self._try(round_)
            except Exception as error:
                self.client.close()
                pause = random.uniform(0.5, 1.0) * FIRST_BACKOFF * 2**tries
                late = monotonic() + pause - began > self.hop.limits.connect_timeout
                if late or tries >= self.hop.limits.connect_tries or not never_made(error):
                    raise
                if round_.stopped.wait(pause):
                    raise

    def _try(self, round_: CancelScope) -> None:
        limits = self.hop.limits
        login = HopLogin(self.hop, self._network.ring, self._network.connect_kwargs)
        with round_.closing(self.client), self._line(round_) as line:
            self.client.connect(
                self.hop.hostname,
                self.hop.port,
                username=self.hop.user,
                sock=line,
                timeout=limits.banner_timeout,
                banner_timeout=limits.banner_timeout,
                auth_timeout=limits.auth_timeout,
                channel_timeout=limits.channel_timeout,
                transport_factory=self._transport_factory(),
                auth_strategy=login,  # type: ignore[arg-type]
                compress=self._network.connect_kwargs.get("compress", self.hop.compress),
                disabled_algorithms=self._disabled(),
            )
        if round_.stopped.is_set():
            raise GivenUpError
        self._network.logins[self.hop] = login.took
        transport = self.client.get_transport()
        assert isinstance(transport, KeepaliveTransport)
        transport.begin_pulse(limits)
        self.transport, self._sftp, self.logged_in_with = transport, None, login.taken

    def _socket(self, round_: CancelScope) -> Any:
        if self.hop.proxy_command:
            seconds = self.hop.limits.connect_timeout
            command, passes = self.hop.proxy_command, self.hop.passes_socket
            return by_command(command, seconds, passes_socket=passes)
        if self.way_in is None:
            at = (self.hop.hostname, self.hop.port)
            return dial(*at, self.hop.limits, round_.stopped, self.hop.family, self.hop.bound_to)
        transport = self.way_in.transport
        assert transport is not None
        target = (self.hop.hostname, self.hop.port)
        return transport.open_channel("direct-tcpip", target, ("", 0), timeout=self.hop.limits.connect_timeout)

    def _transport_factory(self) -> partial[KeepaliveTransport]:
        known = known_hosts.kinds(self._network.entries(self.hop), self.hop.known_as)
        return partial(KeepaliveTransport, key_types=key_types(known))

    def _disabled(self) -> dict[str, list[str]]:
        asked = self._network.connect_kwargs.get("disabled_algorithms") or {}
        return {kind: [*asked.get(kind, ()), *names] for kind, names in disabled(self.hop).items()} | {
            kind: names for kind, names in asked.items() if kind not in dict(self.hop.algorithms)
        }

    @contextmanager
    def _line(self, round_: CancelScope) -> Iterator[Any]:
        """The line to the hop. Where a ProxyCommand ended early, its last words are what went wrong."""
        line = self._socket(round_)
        try:
            yield line
        except (SSHException, EOFError) as error:
            said = line.failure if isinstance(line, ProxySocket) and never_made(error) else ""
            line.close()
            raise (ProxyFailed(said) if said else error) from error
        except BaseException:
            line.close()
            raise
