"""Private keys from files."""

from __future__ import annotations

import threading
from pathlib import Path

from paramiko import ECDSAKey, Ed25519Key, PasswordRequiredException, PKey, RSAKey, SSHException
from paramiko.pkey import PublicBlob


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
            key: PKey = kind.from_private_key_file(path, passphrase)
            if Path(f"{path}-cert.pub").exists():
                key.load_certificate(f"{path}-cert.pub")
            return key
        except (PasswordRequiredException, OSError) as error:
            return error
        except Exception as error:
            said = error if passphrase else said
    return said


def public_half(path: str) -> bytes:
    """The public half beside a private key that cannot be read, to find it in the agent."""
    try:
        return PublicBlob.from_file(str(Path(f"{path}.pub").expanduser())).key_blob
    except (OSError, ValueError):
        return b""
