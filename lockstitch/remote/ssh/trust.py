"""Host keys for people: what a host offers, without logging in to it, and recording the one that was compared."""

from __future__ import annotations

from paramiko import PKey

from lockstitch.errors import ConnectError
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.remote.ssh import known_hosts
from lockstitch.remote.ssh.known_hosts import record as record_key
from lockstitch.remote.ssh.network import Network
from lockstitch.remote.ssh.route import gateways

FAMILIES = (
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-512", "rsa-sha2-256"),
)


@dataclass(frozen=True)
class HostKey:
    """A key that a host offers, and what known_hosts says of it."""

    kind: str
    fingerprint: str
    key: PKey
    known_as: str
    standing: known_hosts.KeyMatch


class Trust:
    """Looks at host keys and records them. Gateways must be trusted before what lies behind them can be seen."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def hops(self, host: Host) -> tuple[Host, ...]:
        """The gateways to a host, each as a Host of its own, and the host: in the order to trust them."""
        return (*gateways(host, self._network.client), host)

    def fetch_keys(self, host: Host) -> list[HostKey]:
        """The keys a host offers, one of each type; raises ConnectError."""
        connection = self._network.connection(host)
        entries = known_hosts.read(connection.hop.known_hosts)
        keys = [key for key in map(connection.key_offered, FAMILIES) if key is not None]
        if not keys:
            raise ConnectError(host.name, "it offers no host key that is still safe", hint="upgrade its SSH server")
        return [
            HostKey(
                key.get_name(),
                known_hosts.fingerprint(key.asbytes()),
                key,
                connection.hop.known_as,
                known_hosts.judge(entries, connection.hop.known_as, key.asbytes(), one_of_several=True),
            )
            for key in keys
        ]

    def record(self, host: Host, key: PKey, file: str | None = None, *, replace: bool = False) -> known_hosts.KeyMatch:
        """Record one of a host's keys in its known_hosts file and return what the file said before.

        Another key of the same type stays unless `replace` is given.
        """
        hop = self._network.way(host)[-1]
        path = file or hop.recorded_in
        if path is None:
            raise ConnectError(host.name, "there is no known_hosts file to record its key in")
        try:
            before = record_key(path, hop.known_as, key.get_name(), key.asbytes(), replace=replace)
        except OSError as error:
            raise ConnectError(host.name, f"its key cannot be recorded in {path}: {error.strerror}") from error
        self._network.forget_entries()
        return before
