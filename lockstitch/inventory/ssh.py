"""Models of how hosts are reached: the `ssh` mapping of an environment, a group or a host."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, StrictInt

from lockstitch.inventory.settings import AlternativeForm, Settings
from lockstitch.inventory.types import WORD, AddressText, Duration, LocalPath, PositiveDuration, User, as_written
from lockstitch.model.host import HostKeyPolicy

MOST_HOPS = 8
_GATEWAY = re.compile(r"(?:([^@\s]+)@)?(\[[^\]\s]+\]|[^:@\[\]\s]+)(?::(\d{1,5}))?")

Port = Annotated[StrictInt, Field(ge=1, le=65535)]
Count = Annotated[StrictInt, Field(ge=1)]


class GatewaySettings(Settings):
    """One hop on the way to a host. Settings that are left out come from `~/.ssh/config`."""

    address: AddressText = Field(description="host name or IP address of the hop")
    user: User | None = Field(default=None, description="who logs in there")
    port: Port | None = Field(default=None, description="its SSH port")


def gateway(written: Any) -> Any:
    """The mapping that `user@host:port` stands for; an IPv6 address stands in brackets."""
    if not isinstance(written, str):
        return written
    match = _GATEWAY.fullmatch(written)
    if not match:
        raise ValueError(f"{written!r} is not a gateway: write it like user@host:port")
    user, address, port = match.groups()
    return {"address": address.strip("[]"), "user": user, "port": int(port) if port else None}


def hops(written: Any) -> Any:
    """The list that one gateway stands for."""
    return [written] if isinstance(written, str) else written


Gateway = Annotated[GatewaySettings, AlternativeForm(gateway, {"type": "string", WORD: "`user@host:port`"})]
Gateways = Annotated[
    tuple[Gateway, ...],
    Field(max_length=MOST_HOPS),
    AlternativeForm(hops, {"type": "string", WORD: "`user@host:port`"}),
]


class Timeouts(Settings):
    """Times that each part of connecting may take."""

    connect: PositiveDuration = Field(default=as_written("10s"), description="until the host accepts the connection")
    banner: PositiveDuration = Field(default=as_written("10s"), description="until its SSH server sends its banner")
    auth: PositiveDuration = Field(default=as_written("10s"), description="until the login succeeds")
    channel: PositiveDuration = Field(default=as_written("10s"), description="until it opens a channel")


class Keepalive(Settings):
    """Settings by which a frozen connection is noticed."""

    interval: PositiveDuration = Field(
        default=as_written("5s"), description="how often the host is asked for a sign of life"
    )
    timeout: Duration = Field(
        default=as_written("8s"), description="how long it may take to answer before it counts as lost"
    )


class Parallel(Settings):
    """Limits on how many connections there are at a time."""

    per_gateway: Count = Field(default=10, description="through one gateway; sshd drops more than MaxStartups (10)")
    in_all: Count = Field(default=32, description="in all")


class SshSettings(Settings):
    """Settings of how hosts are reached. A host's settings go before its group's, and those before the
    environment's."""

    user: User | None = Field(default=None, description="who logs in")
    port: Port | None = Field(default=None, description="the SSH port")
    gateway: Gateways | None = Field(
        default=None,
        description=f"the gateway to the hosts: one hop, or a list of up to {MOST_HOPS} in order; "
        "`[]` connects directly, `null` uses `~/.ssh/config` (ProxyJump)",
    )
    host_keys: HostKeyPolicy = Field(
        default="strict",
        description="`strict`: a host whose key is not recorded is refused; "
        "`accept-new`: its key is accepted once and recorded. A changed key is always refused",
    )
    known_hosts: tuple[LocalPath, ...] = Field(
        default=(), description="files of recorded host keys, instead of the usual ones"
    )
    identity_files: tuple[LocalPath, ...] = Field(
        default=(), description="private keys to log in with, also to the gateways named here"
    )
    timeouts: Timeouts = Field(default_factory=Timeouts, description="how long connecting may take")
    keepalive: Keepalive = Field(default_factory=Keepalive, description="how a frozen connection is detected")
    tries: Count = Field(default=3, description="how often a connection is tried")
    parallel: Parallel = Field(default_factory=Parallel, description="how many connections are open at a time")
