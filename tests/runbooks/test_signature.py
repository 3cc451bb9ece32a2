"""A signature as text: whatever a paste does to its lines, and what can be none of a sign-off."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.runbooks.signature import read_signature


def armored(namespace: str = "lockstitch-runbook", kind: str = "ssh-ed25519", magic: bytes = b"SSHSIG\0\0\0\1") -> str:
    """Return what looks like a signature."""

    def strings(*parts: bytes) -> bytes:
        return b"".join(struct.pack(">I", len(part)) + part for part in parts)

    key = strings(kind.encode(), b"k" * 32)
    content = magic + strings(key, namespace.encode(), b"", b"sha512", strings(b"ssh-ed25519", b"s" * 64))
    return f"-----BEGIN SSH SIGNATURE-----\n{base64.encodebytes(content).decode()}-----END SSH SIGNATURE-----\n"


@pytest.mark.parametrize("change", [("\n", "\r\n"), ("\n", "\n    "), ("\n", "\n\n"), ("-----B", "\n\n-----B")])
def test_a_paste_is_read_whatever_its_lines_are(change: tuple[str, str]) -> None:
    whole = read_signature(armored())
    assert read_signature(armored().replace(*change)) == whole == read_signature(whole.text())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it is not a signature: it begins with"),
        (armored().replace("END", "END OF"), "it is not a signature: it begins with"),
        (armored().replace("U1NI", "!!!!"), "it is damaged"),
        (armored(magic=b"SSHSIG\0\0\0\2"), "not a signature of ssh-keygen"),
        (armored(namespace="git"), "for the namespace 'git', not 'lockstitch-runbook'"),
        (armored(namespace="lockstitch-runbook\0"), "for the namespace"),
        (armored(kind="ssh-ed25519-cert-v01@openssh.com"), "it was made with a certificate"),
    ],
)
def test_what_is_none_is_refused_with_why(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_signature(text)


@given(st.binary(max_size=80))
def test_any_content_is_read_or_refused(content: bytes) -> None:
    coded = base64.b64encode(b"SSHSIG\0\0\0\1" + content).decode()
    with pytest.raises(ValueError, match="^it "):
        read_signature(f"-----BEGIN SSH SIGNATURE-----\n{coded}\n-----END SSH SIGNATURE-----")
