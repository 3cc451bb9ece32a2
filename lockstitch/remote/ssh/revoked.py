"""RevokedHostKeys: public keys, one a line, or OpenSSH's own format of such a list; no host may show one of them."""

from __future__ import annotations

import base64
import subprocess
import tempfile
from pathlib import Path

from lockstitch.remote.ssh.known_hosts import parse

_KRL = b"SSHKRL\n\0"


def revoked_by(file: str, kind: str, blob: bytes) -> bool:
    """Tell whether a key is in the file; as in OpenSSH, a file that cannot be read revokes every key."""
    try:
        data = Path(file).read_bytes()
        if data.startswith(_KRL):
            return _in_list(file, kind, blob)
    except (OSError, subprocess.TimeoutExpired):
        return True
    # A line of known_hosts without its first word.
    lines = "".join(f"- {line}\n" for line in data.decode(errors="replace").splitlines())
    return any(entry.blob == blob for entry in parse(lines))


def _in_list(file: str, kind: str, blob: bytes) -> bool:
    with tempfile.NamedTemporaryFile("w", suffix=".pub") as key:
        key.write(f"{kind} {base64.b64encode(blob).decode()}\n")
        key.flush()
        command = ["ssh-keygen", "-Q", "-f", file, key.name]
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode != 0
