"""The way to a host as OpenSSH's client is told it: for what is best done by `ssh` itself, at a person's terminal.

Everything that decides who is trusted and which keys are offered is that of the inventory; `~/.ssh/config` is read
after it, so that what it says of all hosts (ciphers, escapes) holds too. Keywords: ssh_config(5).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Sequence

from lockstitch.errors import UsageError
from lockstitch.remote.ssh.route import Hop

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
