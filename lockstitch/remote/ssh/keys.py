"""Logging in: which keys are tried, in which order, and what to say when none was taken."""

from __future__ import annotations

import base64
import struct
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    load_ssh_public_identity,
)
from paramiko import (
    AuthenticationException,
    BadAuthenticationType,
    ECDSAKey,
    Ed25519Key,
    Message,
    PasswordRequiredException,
    PKey,
    RSAKey,
    SSHException,
    Transport,
)
from paramiko.pkey import PublicBlob

from lockstitch.remote.ssh.agent import SocketAgent
from lockstitch.remote.ssh.known_hosts import kind_of
from lockstitch.remote.ssh.route import Hop

_OPENSSH = "-----BEGIN OPENSSH PRIVATE KEY-----"


class KeyRing:
    """Private keys by file, each read once: an RSA key costs a tenth of a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str | None], PKey | Exception] = {}

    def load(self, path: str, passphrase: str | None) -> PKey:
        """The key in a file; raises what reading it raised."""
        with self._lock:
            key = self._found.get((path, passphrase))
            if key is None:
                key = self._found[path, passphrase] = _read(path, passphrase)
        if isinstance(key, Exception):
            raise key
        return key


def _read(path: str, passphrase: str | None) -> PKey | Exception:
    said: Exception = SSHException("it is not a private key")
    for kind in (Ed25519Key, ECDSAKey, RSAKey):
        try:
            return kind.from_private_key_file(path, passphrase)
        except (PasswordRequiredException, OSError) as error:
            return error
        except Exception as error:
            said = error if passphrase else said
    return said


def public_half(path: str) -> bytes:
    """The public half of a private key that cannot be read, to find it in the agent; empty where there is none.

    The file may be the public half itself; a locked private key has it in front; else it lies beside, as `.pub`.
    """
    file = Path(path).expanduser()
    for place in (file, Path(f"{file}.pub")):
        try:
            text = place.read_text(encoding="utf-8", errors="replace")
            return _in_front(text) if text.startswith(_OPENSSH) else PublicBlob.from_string(text).key_blob
        except (OSError, ValueError, IndexError, SSHException):
            continue
    return b""


def is_public(path: str) -> bool:
    """Tell whether a file holds a public key."""
    try:
        return bool(PublicBlob.from_file(str(Path(path).expanduser())).key_blob)
    except (OSError, ValueError, IndexError, SSHException):
        return False


def certified(path: str, signers: Mapping[bytes, PKey]) -> PKey | None:
    """The one of these keys that a certificate is for, together with it; None for no certificate or no such key."""
    try:
        certificate = PublicBlob.from_file(str(Path(path).expanduser()))
        text = f"{certificate.key_type} {base64.b64encode(certificate.key_blob).decode()}"
        identity = load_ssh_public_identity(text.encode())
    except (OSError, ValueError, SSHException, UnsupportedAlgorithm):
        return None
    if not isinstance(identity, SSHCertificate):
        return None
    plain = identity.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    signer = signers.get(base64.b64decode(plain.split()[1]))
    if signer is None:
        return None
    # A twin, since the key by itself is shared and tried too; copy.copy cannot make one of an agent's key.
    twin: PKey = object.__new__(type(signer))
    vars(twin).update(vars(signer), public_blob=certificate)
    return twin


def _in_front(text: str) -> bytes:
    data = base64.b64decode("".join(line for line in text.splitlines() if line and not line.startswith("-----")))
    fields = Message(data[len(b"openssh-key-v1\0") :])
    for _ in ("cipher", "kdf", "its options"):
        fields.get_string()
    fields.get_int()
    return fields.get_string()


DEFAULT_FILES = ("~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519")
RSA = {
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
    "ssh-rsa-cert-v01@openssh.com": ("rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com"),
}
AGENT_PATIENCE = 60.0


class LoginRefused(AuthenticationException):
    """No key or password was taken; `tried` says which, `locked` which files need a passphrase, `banner` what the host
    said last."""

    def __init__(self, said: str, tried: list[str], locked: list[str], unread: list[str], banner: str = "") -> None:
        super().__init__(said)
        self.tried, self.locked, self.unread, self.banner = tried, locked, unread, banner


class HopLogin:
    """The login to one hop; paramiko calls `authenticate`, as of an AuthStrategy."""

    def __init__(self, hop: Hop, ring: KeyRing, kwargs: Mapping[str, Any]) -> None:
        self._hop, self._ring, self._kwargs = hop, ring, kwargs
        self._password: str | None = kwargs.get("password")
        self._passphrase: str | None = kwargs.get("passphrase") or self._password
        self._tried: list[str] = []
        self._locked: list[str] = []
        self._unread: list[str] = []
        self._agent: SocketAgent | None = None
        self._held: tuple[PKey, ...] = ()
        # The public half of the key that was taken, as authorized_keys has it in base64.
        self.taken = b""

    @property
    def took(self) -> str:
        """The key or password that was tried last: after a login, the one that was accepted."""
        return self._tried[-1] if self._tried else ""

    def authenticate(self, transport: Transport) -> None:
        """Try the keys, then the password; returns when the server is satisfied."""
        said: Exception = SSHException("there was no key and no password to try")
        try:
            for name, key in self._keys() if self._hop.by_key else ():
                self._tried.append(name)
                try:
                    if not transport.auth_publickey(self._hop.user, key):
                        self.taken = key.asbytes()
                        return
                    break
                except BadAuthenticationType as error:
                    said = error
                    break
                except SSHException as error:
                    said = error
                    if not transport.is_active():
                        raise self._refused(transport, error) from error
            self._by_password(transport, said)
        finally:
            if self._agent is not None:
                self._agent.close()

    def _by_password(self, transport: Transport, said: Exception) -> None:
        if self._password is None:
            raise self._refused(transport, said) from said
        self._tried.append("the password")
        try:
            transport.auth_password(self._hop.user, self._password)
        except SSHException as error:
            raise self._refused(transport, error) from error

    def _refused(self, transport: Transport, error: Exception) -> LoginRefused:
        # Not get_banner(): a server that lets nobody in ends the connection.
        banner = getattr(transport.auth_handler, "banner", None) or b""
        said = banner.decode(errors="replace") if isinstance(banner, bytes) else str(banner)
        return LoginRefused(str(error), self._tried, self._locked, self._unread, said)

    def _keys(self) -> Iterator[tuple[str, PKey]]:
        """Each key that may be tried, in OpenSSH's order, after those that were asked for by name."""
        if (given := self._kwargs.get("pkey")) is not None:
            yield "the given key", given
        asked = list(dict.fromkeys([*_list(self._kwargs.get("key_filename")), *self._hop.identity_files]))
        usual = [path for path in self._hop.usual_files if path not in asked]
        if not asked and not usual and self._kwargs.get("look_for_keys", True):
            usual = [path for path in DEFAULT_FILES if Path(path).expanduser().exists()]
        tried: set[bytes] = set()
        for name, key in self._in_order(asked, [path for path in usual if path]):
            certificate = getattr(key, "public_blob", None)
            offered = certificate.key_blob if certificate else key.asbytes()
            if offered not in tried and self._accepted(offered):
                tried.add(offered)
                yield name, key

    def _in_order(self, asked: list[str], usual: list[str]) -> Iterator[tuple[str, PKey]]:
        named = {public_half(path) for path in (*asked, *usual)}
        if self._hop.certificates:
            files = (self._load(path, needed=path in asked) for path in (*asked, *usual))
            held = [*filter(None, files), *(key for _, key in self._of_agent(named))]
            signers = {key.asbytes(): key for key in reversed(held)}
            yield from _certified(self._hop.certificates, signers)
        for path in asked:
            yield from self._of_file(path, needed=True)
        held_keys = self._of_agent(named)
        for name, key in held_keys:
            if key.asbytes() in named or not self._hop.identities_only:
                yield name, key
        # Beside a file that is locked, or is the public half, there may be a certificate for a key of the agent.
        beside = [f"{path.removesuffix('.pub')}-cert.pub" for path in (*asked, *usual)]
        yield from _certified(beside, {key.asbytes(): key for _, key in held_keys})
        for path in usual:
            yield from self._of_file(path, needed=False)

    def _of_file(self, path: str, *, needed: bool) -> Iterator[tuple[str, PKey]]:
        if (key := self._load(path, needed=needed)) is not None:
            yield path, key
            if not self._hop.certificates:
                yield from _certified([f"{path}-cert.pub"], {key.asbytes(): key})

    def _of_agent(self, named: set[bytes]) -> list[tuple[str, PKey]]:
        """The agent's keys, those first that a file names."""
        keys = self._agent_keys() if self._kwargs.get("allow_agent", True) else ()
        ordered = sorted(keys, key=lambda key: key.asbytes() not in named)
        return [(f"{getattr(key, 'comment', '') or key.get_name()} of the agent", key) for key in ordered]

    def _accepted(self, blob: bytes) -> bool:
        """Tell whether `~/.ssh/config` lets keys of this type be tried."""
        accepted = dict(self._hop.algorithms).get("pubkeys")
        kind = kind_of(blob).decode(errors="replace")
        names = RSA.get(kind, (kind,))
        return accepted is None or any(name in accepted for name in names)

    def _load(self, path: str, *, needed: bool) -> PKey | None:
        try:
            return self._ring.load(str(Path(path).expanduser()), self._passphrase)
        except PasswordRequiredException:
            if path not in self._locked:
                self._locked.append(path)
        except FileNotFoundError:
            if needed:
                raise
        except (OSError, SSHException, ValueError) as error:
            # The public half of a key that is in the agent is a fine thing to name.
            if not is_public(path) and (said := f"{path}: {error}") not in self._unread:
                self._unread.append(said)
        return None

    def _agent_keys(self) -> tuple[PKey, ...]:
        if not self._hop.agent or self._agent is not None:
            return self._held
        try:
            self._agent = SocketAgent(self._hop.agent, self._hop.limits.auth_timeout)
        except (SSHException, OSError, struct.error):
            self._unread.append(f"the agent at {self._hop.agent} does not answer")
            return ()
        self._held = self._agent.keys(AGENT_PATIENCE)
        return self._held


def _certified(paths: Iterable[str], signers: Mapping[bytes, PKey]) -> Iterator[tuple[str, PKey]]:
    for path in paths:
        if (key := certified(path, signers)) is not None:
            yield f"the certificate {path}", key


def _list(value: object) -> list[str]:
    return (
        [value] if isinstance(value, str) else [str(item) for item in value] if isinstance(value, list | tuple) else []
    )
