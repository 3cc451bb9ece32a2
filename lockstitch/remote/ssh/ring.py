"""Private keys from files."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    load_ssh_public_identity,
)
from paramiko import ECDSAKey, Ed25519Key, Message, PasswordRequiredException, PKey, RSAKey, SSHException
from paramiko.pkey import PublicBlob

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
