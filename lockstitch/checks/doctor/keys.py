"""A private key's file: its type, its size, whether it is locked. Pure; no secret part of it is looked at."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_MAGIC = b"openssh-key-v1\0"
_LEAST_RSA = 2048
_PEM = {"RSA": "ssh-rsa", "DSA": "ssh-dss", "EC": "ecdsa-sha2"}


@dataclass(frozen=True)
class Key:
    """What a file holds. `bits` is 0 where it does not matter or is not told; `problem`: it is no private key."""

    kind: str = ""
    bits: int = 0
    locked: bool = False
    problem: str = ""

    @property
    def weak(self) -> str:
        """Why nobody should log in with it any more; empty for a good one."""
        if self.kind == "ssh-dss":
            return "DSA keys are broken, and no server takes them any more"
        small = self.kind == "ssh-rsa" and 0 < self.bits < _LEAST_RSA
        return f"RSA with {self.bits} bits is too short" if small else ""


def read_key(text: str) -> Key:
    """The key in a file's text."""
    first = text.lstrip().partition("\n")[0].strip()
    if first == "-----BEGIN OPENSSH PRIVATE KEY-----":
        return _openssh(text)
    if not (first.startswith("-----BEGIN ") and first.endswith("PRIVATE KEY-----")):
        return Key(problem="it is not a private key")
    kind = _PEM.get(first.split()[1], "")
    if "ENCRYPTED" in text.partition("\n\n")[0]:
        return Key(kind, locked=True)
    return _pem(text, kind)


def _openssh(text: str) -> Key:
    """Its public half stands before the locked part, in clear."""
    try:
        lines = [line for line in text.splitlines() if line and not line.startswith("-----")]
        data = base64.b64decode("".join(lines), validate=True)
        if not data.startswith(_MAGIC):
            return Key(problem="it cannot be read: it is damaged")
        cipher, rest = _string(data[len(_MAGIC) :])
        _, rest = _string(rest)
        _, rest = _string(rest)
        public, _ = _string(rest[4:])
        kind, rest = _string(public)
        bits = 0
        if kind == b"ssh-rsa":
            _, rest = _string(rest)
            bits = int.from_bytes(_string(rest)[0], "big").bit_length()
        return Key(kind.decode("ascii"), bits, cipher != b"none")
    except (binascii.Error, ValueError):
        return Key(problem="it cannot be read: it is damaged")


def _string(data: bytes) -> tuple[bytes, bytes]:
    size = int.from_bytes(data[:4], "big")
    if len(data) < 4 + size or len(data) < 4:
        raise ValueError("cut off")
    return data[4 : 4 + size], data[4 + size :]


def _pem(text: str, kind: str) -> Key:
    try:
        key = load_pem_private_key(text.encode(), None)
    except TypeError:
        return Key(kind, locked=True)
    except (ValueError, UnsupportedAlgorithm):
        return Key(kind, problem="it cannot be read: it is damaged, or of a kind nobody knows")
    if isinstance(key, rsa.RSAPrivateKey):
        return Key("ssh-rsa", key.key_size)
    kinds = {
        dsa.DSAPrivateKey: "ssh-dss",
        ec.EllipticCurvePrivateKey: "ecdsa-sha2",
        ed25519.Ed25519PrivateKey: "ed25519",
    }
    return Key(next((name for one, name in kinds.items() if isinstance(key, one)), kind or "unknown"))
