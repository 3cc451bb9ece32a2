"""The keys and people that may sign: each key is one person's, and a line that cannot be read is never passed over."""

from __future__ import annotations

import base64
import struct

import pytest

from lockstitch.model.identity import Identity
from lockstitch.runbooks.signers import read_signers


def public_key(number: int = 1, kind: str = "ssh-ed25519") -> str:
    """Return a public key as text."""
    parts = (kind.encode(), bytes([number]) * 32)
    blob = b"".join(struct.pack(">I", len(part)) + part for part in parts)
    return f"{kind} {base64.b64encode(blob).decode()}"


ANA = f'ana@example.com namespaces="lockstitch-runbook" {public_key(1)} laptop'
BOB = f'bob@example.com valid-after="20260101",valid-before="20270101" {public_key(2)}'
PEOPLE = """
ana@example.com: {name: Ana Lima, roles: [approver, qa], mails: Ana@Old.example.com, users: ana}
bob@example.com: {roles: qa}
"""


def test_keys_and_people_are_read() -> None:
    allowed = read_signers(f"# signers\r\n{ANA}\r\n\n{BOB}\n{ANA.replace(public_key(1), public_key(3))}\n", PEOPLE)
    assert allowed.problems == ()
    assert [key.principal for key in allowed.keys] == ["ana@example.com", "bob@example.com", "ana@example.com"]
    assert allowed.keys[1].line() == BOB
    assert allowed.people["ana@example.com"].roles == ("approver", "qa")
    assert allowed.people["bob@example.com"].roles == ("qa",)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"ana@example.com cert-authority {public_key(3)}", "a certificate authority signs for anybody"),
        (f'ana@example.com CERT-AUTHORITY,namespaces="x" {public_key(3)}', "a certificate authority signs for anybody"),
        (f"*@example.com {public_key(3)}", "is not the name of one person"),
        (f"ana@example.com,bob@example.com {public_key(3)}", "is not the name of one person"),
        (f'"ana lima" {public_key(3)}', "is not the name of one person"),
        (f"ana@example.com no-touch-required {public_key(3)}", "'no-touch-required' is not an option here"),
        (f'ana@example.com namespaces="x {public_key(3)}', "is not"),
        ("ana@example.com ssh-ed25519 AAAA", "it is not a public key"),
        ("ana@example.com ssh-ed25519 !!!!", "it is not a public key"),
        ("ana@example.com", "it is not a public key"),
        ('"', "is not the name of one person"),
        (
            f"ana@example.com {public_key(3).replace('ssh-ed25519', 'ssh-rsa')}",
            "not a public key of the kind 'ssh-rsa'",
        ),
        (f"ana@example.com {public_key(3, 'ssh-ed25519-cert-v01@openssh.com')}", "it is a certificate"),
        (f"ana@example.com\x1b {public_key(3)}", "not printable"),
        (f"bob@example.com {public_key(1)}", "share the key SHA256:"),
        (f"Ana@example.com {public_key(3)}", "differ in letter case alone"),
    ],
)
def test_a_line_that_several_could_sign_by_or_that_cannot_be_read_is_a_problem(line: str, says: str) -> None:
    (problem, *_) = read_signers(f"{ANA}\n{line}\n", PEOPLE).problems
    assert says in problem


@pytest.mark.parametrize("line", ["ssh-ed25519 AAAA", "garbage", f"@revoked {public_key(1)}", "\0\1\2SSHKRL"])
def test_revoked_keys_that_cannot_be_read_are_a_problem(line: str) -> None:
    assert read_signers(ANA, PEOPLE, line).problems[0].startswith("runbooks/revoked_keys:1: it is not a public key")


def test_revoked_keys_are_read() -> None:
    allowed = read_signers(ANA, PEOPLE, f"# lost\n{public_key(1)} ana's old laptop\n")
    assert allowed.problems == () and allowed.revoked == {allowed.keys[0].blob}


@pytest.mark.parametrize(
    ("people", "says"),
    [
        ("ana@example.com: {role: qa}", "runbooks/people.yml:1: ana@example.com.role: is not a key here"),
        ("ana@example.com: [", "is not valid YAML"),
        ("[ana]", "it should be a mapping"),
        ('"ana lima": {}', "is not the name of one person"),
    ],
)
def test_people_that_cannot_be_read_are_a_problem(people: str, says: str) -> None:
    assert any(says in problem for problem in read_signers(ANA, people).problems)


@pytest.mark.parametrize(
    "identity",
    [
        Identity(mail="ana@example.com"),
        Identity(mail="ANA@EXAMPLE.COM"),
        Identity(mail="ana@old.example.com", name="A."),
        Identity(name="ana  LIMA", mail="private@example.net"),
        Identity(user="ana"),
        Identity(user="Ana", mail="bobs@example.com"),
        Identity(name="Ａna Lima"),
    ],
)
def test_a_person_is_known_by_each_address_user_and_name(identity: Identity) -> None:
    allowed = read_signers(f"{ANA}\n{BOB}\n", PEOPLE)
    assert allowed.is_person("ana@example.com", identity) and allowed.is_known(identity)
    assert not allowed.is_person("bob@example.com", identity)


@pytest.mark.parametrize("identity", [Identity(), Identity("Eve", "eve@example.com", "eve"), Identity(user="anna")])
def test_a_stranger_is_nobody(identity: Identity) -> None:
    assert not read_signers(f"{ANA}\n{BOB}\n", PEOPLE).is_known(identity)
