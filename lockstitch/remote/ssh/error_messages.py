"""Errors on the way to a host, in words for a person."""

from __future__ import annotations

import errno
import socket

from paramiko import ChannelException, SSHException
from paramiko.ssh_exception import IncompatiblePeer

from lockstitch.errors import ConnectError, HostKeyError
from lockstitch.remote.ssh import known_hosts
from lockstitch.remote.ssh.cancellation import GivenUpError
from lockstitch.remote.ssh.keys import LoginRefused
from lockstitch.remote.ssh.proxy import ProxyFailed
from lockstitch.remote.ssh.route import Hop

_FORWARD = {1: "does not let connections through to it", 2: "cannot connect to it"}
# How many lines at the end of what a host said tell why.
_LAST = 2
_OLD = "its SSH server may be very old, or allow only the very newest: compare KexAlgorithms and HostKeyAlgorithms"


def explain(error: Exception, hop: Hop, gateway: str = "") -> ConnectError:
    """The error a person gets for whatever an attempt to connect raised."""
    if isinstance(error, ConnectError):
        return error
    said, hint = _words(error, hop, gateway)
    return ConnectError(hop.name, said, hint=hint)


def through(error: ConnectError, name: str, gateway: str) -> ConnectError:
    """The error of a host whose gateway could not be passed."""
    said = error.message.removeprefix(f"{error.host}: ")
    kind = HostKeyError if isinstance(error, HostKeyError) else ConnectError
    return kind(name, f"its gateway {gateway} could not be passed: {said}", hint=error.hint)


def _words(error: Exception, hop: Hop, gateway: str) -> tuple[str, str]:
    at = _at(hop)
    match error:
        case GivenUpError():
            return "connecting was given up", ""
        case LoginRefused():
            return _login(error, hop)
        case FileNotFoundError():
            return f"the identity file {error.filename} does not exist", "check -i, the inventory and ~/.ssh/config"
        case socket.gaierror():
            return f"the name {hop.hostname} cannot be found", "check its spelling in the inventory, and the DNS"
        case IncompatiblePeer():
            return f"{at} and we have no safe algorithm in common: {str(error).lower()}", _OLD
        case ChannelException():
            why = _FORWARD.get(error.code, f"refused a connection to it ({error.text})")
            return f"its gateway {gateway} {why} ({at})", f"check AllowTcpForwarding on {gateway}, and the address"
        case ProxyFailed():
            return f"its ProxyCommand failed: {error}", "check ~/.ssh/config"
        case TimeoutError():
            return _no_answer(hop), "is it up, and does the firewall let SSH through?"
        case OSError():
            return _network(error, at)
        case SSHException() | EOFError():
            return _handshake(error, hop, at)
    return f"{type(error).__name__}: {error}", ""


def _no_answer(hop: Hop) -> str:
    return f"no answer from {_at(hop)} within {hop.limits.connect_timeout:g} s"


def _at(hop: Hop) -> str:
    return hop.hostname if hop.port == 22 else f"{hop.hostname} port {hop.port}"


def _network(error: OSError, at: str) -> tuple[str, str]:
    match error.errno:
        case errno.ECONNREFUSED:
            return f"{at} refused the connection", "is its SSH server running, and on this port?"
        case errno.EHOSTUNREACH | errno.ENETUNREACH | errno.ENETDOWN:
            return f"there is no route to {at}", "check the address, the network and the VPN"
        case errno.ETIMEDOUT:
            return f"no answer from {at}", "is it up, and does the firewall let SSH through?"
    return f"the connection to {at} failed: {error.strerror or error}", ""


def _handshake(error: Exception, hop: Hop, at: str) -> tuple[str, str]:
    text = str(error)
    if "banner" in text.lower() or isinstance(error, EOFError):
        return f"{at} does not answer as an SSH server: it closed the connection or said nothing", (
            "it may have too many logins at once (MaxStartups), or something else listens on this port"
        )
    if text in ("No existing session", "Negotiation failed."):
        return f"{at} did not finish the SSH handshake within {hop.limits.banner_timeout:g} s", ""
    if "Timeout opening channel" in text:
        return _no_answer(hop), "is it up, and does its gateway reach it?"
    return f"{at}: {text[:1].lower()}{text[1:].rstrip('.')}", ""


def _login(error: LoginRefused, hop: Hop) -> tuple[str, str]:
    tried = f"tried {', '.join(error.tried)}" if error.tried else "there was no key to try"
    if "timeout" in str(error).lower():
        return f"{hop.hostname} did not answer the login of {hop.user} within {hop.limits.auth_timeout:g} s", ""
    unread = "".join(f"; {text}" for text in error.unread)
    said = f"login as {hop.user} was refused ({tried}{unread})"
    if words := last_words(error.banner):
        said += f"; the host said: {words}"
    if error.locked:
        files = " ".join(error.locked)
        return f"{said}; {files} is locked with a passphrase", f"ssh-add {files}, or fab --prompt-for-passphrase"
    if not error.tried:
        return said, "give a key with -i FILE, in ~/.ssh/config, or load it into the agent with ssh-add"
    keys = f"is the public key in ~{hop.user}/.ssh/authorized_keys there, and {hop.user} the right user?"
    return said, f"{keys} If so, its account may be locked or expired, or have no shell: sshd's log there says which"


def last_words(said: str) -> str:
    """The last lines of what a host said, as one: a message of the day may stand before them."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return " ".join(lines[-_LAST:])


def refused_key(hop: Hop, standing: known_hosts.KeyMatch, blob: bytes, typed: str) -> HostKeyError:
    """The error for a host key that is not to be trusted."""
    offered, entry = known_hosts.fingerprint(blob), standing.entry
    trust = f"compare the fingerprint with the host's own, then type: fab -H {typed} trust"
    if standing.verdict == "unknown":
        return HostKeyError(hop.name, f"its host key is unknown: {hop.known_as} offers {offered}", hint=trust)
    assert entry is not None
    if standing.verdict == "revoked":
        return HostKeyError(
            hop.name,
            f"its host key {offered} is revoked by {entry.where}",
            hint="do not go on: the host still uses a key that somebody declared stolen; it needs a new one",
        )
    return HostKeyError(
        hop.name,
        f"its host key has changed: {hop.known_as} offers {offered}, {entry.where} has "
        f"{known_hosts.fingerprint(entry.blob)}",
        hint=f"somebody may sit between; if the host was really set up anew, {trust}",
    )
