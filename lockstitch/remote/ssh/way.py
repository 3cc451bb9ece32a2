"""From a Host to the hops that lead to it: what the inventory says, then `~/.ssh/config`, then the defaults."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fabric import Config

from lockstitch.errors import ConnectError
from lockstitch.host import Address, Host, HostKeyPolicy, Limits
from lockstitch.remote.ssh.known_hosts import known_as

USER_FILES = "~/.ssh/known_hosts ~/.ssh/known_hosts2"
GLOBAL_FILES = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"
_JUMP = re.compile(
    r"(?:ssh://)?(?:(?P<user>.+)@)?"
    r"(?:(?P<host>\[[^]]+\]|[^:\[\]@/\s]+)(?::(?P<port>\d+))?|(?P<bare>[^:@/\s]*:[^@/\s]*:[^@/\s]*))/?\Z"
)


@dataclass(frozen=True)
class Hop:
    """One SSH server on the way, with all that is needed to log in there.

    `identity_files` were asked for by name and must be there; `usual_files` come from `~/.ssh/config`. A new host key
    goes into `recorded_in`.
    """

    name: str
    hostname: str
    port: int
    user: str
    known_as: str
    known_hosts: tuple[str, ...]
    recorded_in: str | None
    host_keys: HostKeyPolicy
    limits: Limits
    identity_files: tuple[str, ...] = ()
    usual_files: tuple[str, ...] = ()
    identities_only: bool = False
    forward_agent: bool = False
    proxy_command: str | None = None


def way(host: Host, config: Config) -> tuple[Hop, ...]:
    """The hops to a host in the order they are passed; the last is the host itself."""
    addresses = [*_gateways(host, config), host.address]
    hops = [_hop(address, host, config) for address in addresses]
    hops[-1] = replace(hops[-1], name=host.name)
    # Gateways that an inventory names are logged in to with the keys it names; those of ~/.ssh/config have their own.
    keyed = range(len(hops)) if host.gateways is not None else range(len(hops) - 1, len(hops))
    hops = [replace(hop, identity_files=host.identity_files) if n in keyed else hop for n, hop in enumerate(hops)]
    direct = host.gateways is None and len(hops) == 1
    return tuple(hop if direct else replace(hop, proxy_command=None) for hop in hops)


def gateways(host: Host, config: Config) -> tuple[Host, ...]:
    """The gateways on the way to a host, each as a Host that can be connected to by itself."""
    addresses = _gateways(host, config)
    keys = host.identity_files if host.gateways is not None else ()
    return tuple(
        replace(host, name=address.name, address=address, gateways=tuple(addresses[:index]), identity_files=keys)
        for index, address in enumerate(addresses)
    )


def parse_address(text: str) -> Address:
    """An address as it is typed: `user@host:port`, with the host in brackets where it has colons."""
    found = _JUMP.match(text.strip())
    if not found:
        raise ConnectError(text, "is not an address", hint="write it as user@host:port")
    host, port = (found["host"] or found["bare"]).strip("[]"), found["port"]
    return Address(host, port=int(port) if port else None, user=found["user"])


def _gateways(host: Host, config: Config) -> list[Address]:
    if host.gateways is not None:
        return list(host.gateways)
    return _jumps(host.address, config, {host.address.name})


def _jumps(address: Address, config: Config, seen: set[str]) -> list[Address]:
    jump = _options(address, config).get("proxyjump", "none")
    if jump.lower() == "none":
        return []
    hops = [parse_address(text) for text in jump.split(",")]
    # `Host *` with a ProxyJump names the gateway itself too.
    if hops[0].name in seen:
        return []
    return [*_jumps(hops[0], config, {*seen, *(hop.name for hop in hops)}), *hops]


def _options(address: Address, config: Config) -> dict[str, Any]:
    """What `~/.ssh/config` says of a name, then of the address behind it; the first word wins, as in OpenSSH."""
    merged: dict[str, Any] = {}
    for name in dict.fromkeys((address.name, address.hostname or address.name)):
        found = config.base_ssh_config.lookup(name)
        files = [*merged.get("identityfile", []), *found.get("identityfile", [])]
        merged = {**found, **merged, "hostname": found["hostname"]}
        merged |= {"identityfile": files} if files else {}
    return merged


def _hop(address: Address, host: Host, config: Config) -> Hop:
    options = _options(address, config)
    hostname, port = options["hostname"], address.port or int(options.get("port", config.port))
    command = options.get("proxycommand") or (config.gateway if isinstance(config.gateway, str) else None)
    own = host.known_hosts or _files(options.get("userknownhostsfile", USER_FILES))
    return Hop(
        name=address.name,
        hostname=hostname,
        port=port,
        user=address.user or options.get("user") or config.user,
        known_as=options["hostkeyalias"].lower() if "hostkeyalias" in options else known_as(hostname, port),
        known_hosts=(*own, *_files(options.get("globalknownhostsfile", GLOBAL_FILES))),
        recorded_in=own[0] if own else None,
        host_keys=host.host_keys,
        limits=_limits(host.limits, config.connect_kwargs, config.timeouts.connect),
        usual_files=tuple(dict.fromkeys(options.get("identityfile", ()))),
        identities_only=_yes(options.get("identitiesonly")),
        forward_agent=_yes(options.get("forwardagent")) or bool(config.forward_agent),
        proxy_command=command,
    )


def _files(text: str) -> tuple[str, ...]:
    words = dict.fromkeys(shlex.split(text))
    return tuple(str(Path(word).expanduser()) for word in words if word.lower() not in ("none", os.devnull))


def _limits(limits: Limits, kwargs: Mapping[str, Any], timeout: float | None) -> Limits:
    """The limits of the inventory, unless the command line or `fabric.yaml` says otherwise."""

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


def _yes(value: object) -> bool:
    return str(value).lower() in ("yes", "true")
