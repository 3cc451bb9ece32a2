"""From a Host to the hops that lead to it: what the inventory says, then `~/.ssh/config`, then the defaults."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fabric import Config

from lockstitch.errors import ConnectError, UsageError
from lockstitch.model.host import Address, Host, HostKeyPolicy, Limits
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.remote.ssh.client import Client, ClientSettings
from lockstitch.remote.ssh.known_hosts import known_as
from lockstitch.remote.ssh.tokens import Tokens, words

USER_FILES = "~/.ssh/known_hosts ~/.ssh/known_hosts2"
GLOBAL_FILES = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"
_JUMP = re.compile(
    r"(?:ssh://)?(?:(?P<user>.+)@)?"
    r"(?:(?P<host>\[[^]]+\]|[^:\[\]@/\s]+)(?::(?P<port>\d+))?|(?P<bare>[^:@/\s]*:[^@/\s]*:[^@/\s]*))/?\Z"
)


@dataclass(frozen=True)
class Hop:
    """One SSH server on the way, with all that is needed to log in there.

    `identity_files` were asked for by name and must be there; `usual_files` come from `~/.ssh/config`. Of `known_hosts`
    the `own_hosts` are not the system's; a new host key goes into the first of them, `recorded_in`. `agent` and
    `lent_agent` are sockets: the one that is asked for keys, and the one that is lent to the host; empty for none.
    `algorithms` are those that `~/.ssh/config` allows, by paramiko's names for them.
    """

    name: str
    hostname: str
    port: int
    user: str
    known_as: str
    known_hosts: tuple[str, ...]
    own_hosts: tuple[str, ...]
    host_keys: HostKeyPolicy
    limits: Limits
    identity_files: tuple[str, ...] = ()
    usual_files: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    identities_only: bool = False
    by_key: bool = True
    agent: str = ""
    lent_agent: str = ""
    proxy_command: str | None = None
    passes_socket: bool = False
    family: int = 0
    bound_to: str = ""
    compress: bool = False
    revoked: str = ""
    algorithms: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def recorded_in(self) -> str | None:
        return self.own_hosts[0] if self.own_hosts else None


def way(host: Host, config: Config, client: Client) -> tuple[Hop, ...]:
    """The hops to a host in the order they are passed; the last is the host itself."""
    addresses = [*_gateways(host, client), host.address]
    hops = [_hop(address, host, config, client) for address in addresses]
    hops[-1] = replace(hops[-1], name=host.name)
    # Gateways that an inventory names are logged in to with the keys it names; those of ~/.ssh/config have their own.
    keyed = range(len(hops)) if host.gateways is not None else range(len(hops) - 1, len(hops))
    hops = [replace(hop, identity_files=host.identity_files) if n in keyed else hop for n, hop in enumerate(hops)]
    direct = host.gateways is None and len(hops) == 1
    return tuple(hop if direct else replace(hop, proxy_command=None) for hop in hops)


def gateways(host: Host, client: Client) -> tuple[Host, ...]:
    """The gateways on the way to a host, each as a Host that can be connected to by itself."""
    addresses = _gateways(host, client)
    keys = host.identity_files if host.gateways is not None else ()
    return tuple(
        replace(host, name=address.name, address=address, gateways=tuple(addresses[:index]), identity_files=keys)
        for index, address in enumerate(addresses)
    )


def parse_address(text: str) -> Address:
    """An address as it is typed: `user@host:port`, with the host in brackets where it has colons."""
    match = _JUMP.match(text.strip())
    if not match:
        raise ConnectError(text, "is not an address", hint="write it as user@host:port")
    host, port = (match["host"] or match["bare"]).strip("[]"), match["port"]
    return Address(host, port=int(port) if port else None, user=match["user"])


def _gateways(host: Host, client: Client) -> list[Address]:
    if host.gateways is not None:
        return list(host.gateways)
    return _jumps(host.address, client, {host.address.name})


def _jumps(address: Address, client: Client, seen: set[str]) -> list[Address]:
    jump = _first(client.lookup(address), "proxyjump", "none")
    if jump.lower() == "none":
        return []
    hops = [parse_address(text) for text in jump.split(",")]
    # `Host *` with a ProxyJump names the gateway itself too.
    if hops[0].name in seen:
        return []
    return [*_jumps(hops[0], client, {*seen, *(hop.name for hop in hops)}), *hops]


def _hop(address: Address, host: Host, config: Config, client: Client) -> Hop:
    said = client.lookup(address)
    hostname, port = address.hostname or address.name, address.port or _number(said, "port", config.port)
    hostname = _first(said, "hostname", hostname)
    user = address.user or _first(said, "user", config.user)
    alias = _first(said, "hostkeyalias").lower()
    tokens = Tokens(address.name, hostname, port, user, alias, _first(said, "proxyjump"))
    own = host.known_hosts or _files(said, "userknownhostsfile", USER_FILES, tokens)
    command = _first(said, "proxycommand", config.gateway if isinstance(config.gateway, str) else "none")
    agent = _agent(_first(said, "identityagent", "SSH_AUTH_SOCK"), tokens)
    return Hop(
        name=address.name,
        hostname=hostname,
        port=port,
        user=user,
        known_as=alias or known_as(hostname, port),
        known_hosts=(*own, *_files(said, "globalknownhostsfile", GLOBAL_FILES, tokens)),
        own_hosts=own,
        host_keys=host.host_keys,
        limits=_limits(host.limits, config.connect_kwargs, config.timeouts.connect, said),
        usual_files=tuple(dict.fromkeys(map(tokens.file, said.get("identityfile", ())))),
        certificates=tuple(dict.fromkeys(map(tokens.file, said.get("certificatefile", ())))),
        identities_only=_yes(_first(said, "identitiesonly")),
        by_key=not _no(_first(said, "pubkeyauthentication"))
        and "publickey" in _first(said, "preferredauthentications", "publickey").split(","),
        agent=agent,
        lent_agent=agent if config.forward_agent else _lent(_first(said, "forwardagent", "no"), agent, tokens),
        proxy_command=None if command.lower() == "none" else tokens.command(command),
        passes_socket=_yes(_first(said, "proxyusefdpass")),
        family={"inet": socket.AF_INET, "inet6": socket.AF_INET6}.get(_first(said, "addressfamily"), 0),
        bound_to=_first(said, "bindaddress"),
        compress=_yes(_first(said, "compression")),
        revoked=tokens.file(_first(said, "revokedhostkeys", "none")),
        algorithms=tuple((ours, tuple(said[name][0].split(","))) for name, ours in _ALGORITHMS if name in said),
    )


_ALGORITHMS = (
    ("ciphers", "ciphers"),
    ("macs", "macs"),
    ("kexalgorithms", "kex"),
    ("hostkeyalgorithms", "keys"),
    ("pubkeyacceptedalgorithms", "pubkeys"),
)


def _first(said: ClientSettings, name: str, otherwise: str = "") -> str:
    return said[name][0] if name in said else otherwise


def _number(said: ClientSettings, name: str, otherwise: int) -> int:
    text = _first(said, name, str(otherwise))
    if not text.isdecimal():
        raise UsageError(
            f"~/.ssh/config: {name} {text} is not a number", hint="correct it, or install OpenSSH's client"
        )
    return int(text)


def _files(said: ClientSettings, name: str, otherwise: str, tokens: Tokens) -> tuple[str, ...]:
    files = map(tokens.file, words(_first(said, name, otherwise)))
    return tuple(dict.fromkeys(file for file in files if file not in ("", os.devnull)))


def _agent(named: str, tokens: Tokens) -> str:
    """The socket of the agent: a path, or the variable that holds it."""
    if named == "SSH_AUTH_SOCK":
        return os.environ.get(named, "")
    return os.environ.get(named[1:], "") if re.fullmatch(r"\$\w+", named) else tokens.file(named)


def _lent(named: str, agent: str, tokens: Tokens) -> str:
    return "" if _no(named) else agent if _yes(named) else _agent(named, tokens)


def _limits(limits: Limits, kwargs: Mapping[str, Any], timeout: float | None, said: ClientSettings) -> Limits:
    """The limits of the inventory, unless the command line or `fabric.yaml` says otherwise; `~/.ssh/config` only where
    the inventory leaves them as they are, and it never makes us slower to notice a connection that froze."""
    usual = Limits()
    if limits.connect_timeout == usual.connect_timeout and _first(said, "connecttimeout").isdecimal():
        limits = replace(limits, connect_timeout=float(_first(said, "connecttimeout")) or usual.connect_timeout)
    if _first(said, "serveraliveinterval", "0").isdecimal() and _first(said, "serveraliveinterval", "0") != "0":
        often = min(limits.keepalive_interval, float(_first(said, "serveraliveinterval")))
        limits = replace(limits, keepalive_interval=often)

    def time(name: str, otherwise: float | None) -> float:
        said = kwargs.get(name)
        return float(said if said is not None else otherwise or 0)

    return replace(
        limits,
        connect_timeout=time("timeout", timeout or limits.connect_timeout),
        banner_timeout=time("banner_timeout", limits.banner_timeout),
        auth_timeout=time("auth_timeout", limits.auth_timeout),
        channel_timeout=time("channel_timeout", limits.channel_timeout),
    )


def _yes(value: str) -> bool:
    return value.lower() in ("yes", "true")


def _no(value: str) -> bool:
    return value.lower() in ("no", "false")
