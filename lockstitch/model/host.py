"""The values that say which machine is meant and how to reach it."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from lockstitch.model.lazy_dataclass import dataclass

HostKeyPolicy = Literal["strict", "accept-new"]


@dataclass(frozen=True)
class Limits:
    """Times in seconds and counts that bound how connections behave."""

    connect_timeout: float = 10.0
    banner_timeout: float = 10.0
    auth_timeout: float = 10.0
    channel_timeout: float = 10.0
    keepalive_interval: float = 5.0
    keepalive_timeout: float = 8.0
    connect_tries: int = 3
    per_gateway: int = 10
    in_all: int = 32


@dataclass(frozen=True)
class Address:
    """One SSH endpoint: a host itself, or a gateway on the way to it.

    `user`, `port` and `hostname` left None are answered by `~/.ssh/config`, then by OpenSSH's defaults.
    """

    name: str
    hostname: str | None = None
    port: int | None = None
    user: str | None = None


@dataclass(frozen=True)
class Host:
    """One machine of an environment.

    `gateways` are the hops in the order they are passed, each with a user and port of its own;
    None leaves the way to `~/.ssh/config` (ProxyJump), an empty tuple means directly. `local` is this machine
    itself, which is reached by no way at all.
    """

    name: str
    address: Address
    group: str = ""
    gateways: tuple[Address, ...] | None = None
    host_keys: HostKeyPolicy = "strict"
    known_hosts: tuple[str, ...] = ()
    identity_files: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    local: bool = False
