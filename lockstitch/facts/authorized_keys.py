"""Keys that may log in as a user: reading, adding and removing lines of its authorized_keys.

The host only reads and replaces the whole file; what a line means is decided here. Format: sshd(8), AUTHORIZED_KEYS
FILE FORMAT; a public key within it: RFC 4253, 6.6.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from lockstitch.errors import UsageError
from lockstitch.facts.state_files import THERE
from lockstitch.model.command import Command
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe
from lockstitch.model.shell import shell_text

NONE = "none"
_KINDS = re.compile(r"(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d+|sk-(?:ssh|ecdsa)[a-z0-9-]+@openssh\.com)\Z")
# A word of a line: blanks within double quotes, where options have them, do not end it.
_WORD = re.compile(r'(?:[^\s"]|"(?:[^"\\]|\\.)*")+')
_WEAK_RSA = 2048
_SUM = re.compile(rf"(?:{NONE}|[0-9a-f]{{64}})\Z")
_READ = THERE + shell_text(__package__, "keys_read.sh")
_WRITE = shell_text(__package__, "keys_write.sh")


@dataclass(frozen=True)
class AuthorizedKey:
    """One line of authorized_keys: its options, kind, public half in base64, and comment."""

    kind: str
    public: str
    comment: str = ""
    options: str = ""

    @property
    def blob(self) -> bytes:
        return base64.b64decode(self.public)

    @property
    def fingerprint(self) -> str:
        """Return the fingerprint as `ssh-keygen -l` shows it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def line(self) -> str:
        return " ".join(part for part in (self.options, self.kind, self.public, self.comment) if part)

    @property
    def weak(self) -> str:
        """Return why the key should be replaced; empty for a good one."""
        if self.kind == "ssh-dss":
            return "DSA: OpenSSH no longer takes it"
        bits = _rsa_bits(self.blob) if self.kind == "ssh-rsa" else _WEAK_RSA
        return f"RSA of {bits} bits" if bits < _WEAK_RSA else ""


@dataclass(frozen=True)
class KeyFile:
    """The contents of an authorized_keys. `sum` shows whether it has changed since it was read."""

    sum: str
    lines: tuple[str, ...]

    @property
    def garbled(self) -> bool:
        """Tell whether the file holds bytes that are not UTF-8, which would be lost if it were written."""
        return any("\N{REPLACEMENT CHARACTER}" in line for line in self.lines)

    @property
    def keys(self) -> tuple[AuthorizedKey, ...]:
        return tuple(key for line in self.lines if (key := parse(line)))


def key_file() -> Probe[KeyFile | None]:
    """Return the probe of the login user's authorized_keys; its fact is None where the file cannot be read."""

    def read(output: str, code: int) -> KeyFile | None:
        first, _, rest = output.partition("\n")
        # Of a very long one only the end arrives.
        whole = code == 0 and _SUM.match(first)
        return KeyFile(first, tuple(rest.split("\n"))) if whole else None

    return Probe("keys", Command(_READ), read)


def parse(line: str) -> AuthorizedKey | None:
    """Parse a line of authorized_keys, or of a file with a public key; None for a comment or a line without a key."""
    words = list(_WORD.finditer(line)) if not line.lstrip().startswith("#") else []
    for at, word in enumerate(words[:2]):
        if _KINDS.match(word[0]) and at + 1 < len(words) and _is_public(words[at + 1][0], word[0]):
            comment = line[words[at + 1].end() :].strip()
            return AuthorizedKey(word[0], words[at + 1][0], comment, words[0][0] if at else "")
    return None


def keys_of(text: str, named: str) -> tuple[AuthorizedKey, ...]:
    """Return the public keys in a file of this machine. Raises UsageError, naming the file, if it holds anything
    else."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    keys = [parse(line) for line in lines]
    if "PRIVATE KEY" in text:
        raise UsageError(f"{named} is a private key, which stays where it is; nothing was changed", hint=f"{named}.pub")
    if not keys or None in keys:
        raise UsageError(f"{named} holds no public key, or something else as well; nothing was changed")
    return tuple(key for key in keys if key)


def add(file: KeyFile, keys: tuple[AuthorizedKey, ...]) -> tuple[str, ...]:
    """Return the lines with these keys added. A key that is already there keeps its line and options."""
    there = {key.public for key in file.keys}
    return (*file.lines, *(key.line for key in keys if key.public not in there))


def remove(file: KeyFile, named: str) -> tuple[tuple[str, ...], tuple[AuthorizedKey, ...]]:
    """Return the lines without the key of this fingerprint, comment or public half, and the keys that were removed."""
    gone = tuple(key for key in file.keys if named in (key.fingerprint, key.comment, key.public))
    publics = {key.public for key in gone}
    return tuple(line for line in file.lines if not ((key := parse(line)) and key.public in publics)), gone


def write(file: KeyFile, lines: tuple[str, ...]) -> Command:
    """Return the command that replaces the lines that were read with these."""
    text = "".join(f"{line}\n" for line in lines if line.strip())
    return Command(_WRITE, values={"sum": file.sum, "text": text})


def _is_public(text: str, kind: str) -> bool:
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    # It begins with its own kind, its length before it.
    return blob[:4] == len(kind).to_bytes(4, "big") and blob[4 : 4 + len(kind)] == kind.encode()


def _rsa_bits(blob: bytes) -> int:
    """Return the length of the modulus, the third part of the key."""
    parts = []
    while len(blob) >= 4:
        length = int.from_bytes(blob[:4], "big")
        parts.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    return int.from_bytes(parts[2], "big").bit_length() if len(parts) == 3 else 0
