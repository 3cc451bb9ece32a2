"""The signature that `ssh-keygen -Y sign` makes, as text: the key and the namespace in it. Pure.

`ssh-keygen` alone decides whether it is a good one. What is read here says which key is to be asked about, and why a
signature cannot be one.
"""

from __future__ import annotations

import base64
import binascii

from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.runbooks.signers import fingerprint, take_string
from lockstitch.runbooks.statement import NAMESPACE, rewritten

_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_MAGIC = b"SSHSIG\0\0\0\1"
_SECURITY_KEYS = (b"sk-", b"webauthn-sk-")
_TOUCHED = 0x01
_LONGEST = 64 * 1024
_WIDTH = 70


@dataclass(frozen=True)
class SshSignature:
    """A signature with the public key that it names."""

    content: bytes
    key: bytes

    @property
    def fingerprint(self) -> str:
        """The fingerprint of its key."""
        return fingerprint(self.key)

    def text(self) -> str:
        """Return it as `ssh-keygen` writes it."""
        coded = base64.b64encode(self.content).decode()
        lines = (coded[at : at + _WIDTH] for at in range(0, len(coded), _WIDTH))
        return "\n".join((_BEGIN, *lines, _END, ""))


def pasted(content: str) -> tuple[str, str]:
    """Return the statement and the signature of a text that has one after the other; what a paste does to their spaces
    and ends of lines does not matter. Raises ValueError, with a sentence, where one of them is missing."""
    text, begin, rest = content.partition(_BEGIN)
    if not begin:
        raise ValueError("there is no signature in it")
    if not text.strip():
        raise ValueError("there is a signature, but not the text that was signed")
    return rewritten(text), begin + rest


def read_signature(text: str) -> SshSignature:
    """Return the signature in a text that was pasted, whatever its indentation and ends of lines.

    Raises ValueError, with a sentence, for what cannot be a signature of a sign-off.
    """
    lines = [line.strip() for line in text[:_LONGEST].strip().splitlines()]
    lines = [line for line in lines if line]
    if len(lines) < 3 or lines[0] != _BEGIN or lines[-1] != _END:
        raise ValueError(f"it is not a signature: it begins with {_BEGIN}, and ends with {_END}")
    try:
        content = base64.b64decode("".join(lines[1:-1]), validate=True)
        if not content.startswith(_MAGIC):
            raise ValueError("it is not a signature of ssh-keygen")
        key, rest = take_string(content[len(_MAGIC) :])
        namespace, rest = take_string(rest)
        kind, _ = take_string(key)
        touched = not kind.startswith(_SECURITY_KEYS) or _is_touched(rest)
    except binascii.Error:
        raise ValueError("it is damaged: it is not base64 between its first and its last line") from None
    if namespace != NAMESPACE.encode():
        raise ValueError(f"it was made for the namespace {namespace.decode('utf-8', 'replace')!r}, not {NAMESPACE!r}")
    if b"-cert-v0" in kind:
        raise ValueError("it was made with a certificate: sign with the key itself")
    if not touched:
        # OpenSSH takes it: a program could have made it while nobody was there.
        raise ValueError("it was made without a touch of the security key: sign with a key that asks for one")
    return SshSignature(content, key)


def _is_touched(rest: bytes) -> bool:
    """Tell from what follows the namespace whether somebody touched the security key. Raises ValueError where it is cut
    off."""
    _, rest = take_string(rest)
    _, rest = take_string(rest)
    made, _ = take_string(rest)
    _, made = take_string(made)
    _, flags = take_string(made)
    return bool(flags) and bool(flags[0] & _TOUCHED)
