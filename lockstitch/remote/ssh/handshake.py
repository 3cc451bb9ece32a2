"""Small parts of connecting: which host key is asked for, who judges it, and what may be tried again."""

from __future__ import annotations

import socket
from collections.abc import Callable

from paramiko import MissingHostKeyPolicy, PKey, SSHClient, SSHException, Transport

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
    found: dict[str, list[str]] = {}
    for kind, allowed in hop.algorithms:
        ours = getattr(Transport, f"_preferred_{kind}")
        found[kind] = [name for name in ours if name not in allowed]
        if len(found[kind]) == len(ours) and kind != "pubkeys":
            have = ", ".join(ours)
            raise SSHException(f"~/.ssh/config allows only {', '.join(allowed)} ({kind}); Lockstitch has {have}")
    return found


def never_made(error: Exception) -> bool:
    """Whether the other side did not even begin to talk: then trying again does no harm."""
    if isinstance(error, OSError):
        hopeless = isinstance(error, FileNotFoundError) or getattr(error, "errno", 0) == socket.EAI_NONAME
        return not hopeless
    if getattr(error, "code", None) == CHANNEL_REFUSED:
        return True
    return "Error reading SSH protocol banner" in str(error) or isinstance(error, EOFError)
