"""Signatures by the real `ssh-keygen`: made with a key file or an agent, and verified against each thing that can be wrong."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256, sha512
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lockstitch.engine.runbooks.ssh_keygen import sign, standing
from lockstitch.errors import UsageError
from lockstitch.model.identity import Identity
from lockstitch.runbooks.signature import SshSignature
from lockstitch.runbooks.signers import read_signers
from lockstitch.runbooks.signoff import Involved, SignOff, SignOffState, SignRules, Standing
from lockstitch.runbooks.statement import Statement
from tests.runbooks.test_statement import SIGNED

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)
PEOPLE = "ana@example.com: {roles: approver}\nbob@example.com: {roles: approver}"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the keys `ana`, `bob` and `spare`."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ana", "bob", "spare"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "x", "-f", str(folder / name)]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return folder


def public(keys: Path, name: str) -> str:
    return " ".join((keys / f"{name}.pub").read_text().split()[:2])


@pytest.fixture
def signed(keys: Path) -> SignOff:
    """Return the sign-off of ana."""
    return _signed(keys / "ana", SIGNED)


@cache
def _signature(key: Path, text: str) -> str:
    return sign(text, key)


def _signed(key: Path, statement: Statement) -> SignOff:
    return SignOff(statement.text(), _signature(key, statement.text()))


def state(signoff: SignOff, signers: str, *, now: datetime = NOW, revoked: str = "") -> SignOffState:
    allowed = read_signers(signers, PEOPLE, revoked)
    assert not allowed.problems
    rules = SignRules("approver", frozenset({"author", "operator"}), 86400)
    people = Involved((Identity(mail="bob@example.com"),), (Identity(mail="bob@example.com"),))
    return standing([signoff], rules, SIGNED, allowed, people, now)


def test_a_good_signature_is_valid(signed: SignOff, keys: Path) -> None:
    line = f'ana@example.com namespaces="lockstitch-runbook" {public(keys, "ana")}'
    assert state(signed, line) == SignOffState(Standing.VALID, "", "ana@example.com", SIGNED)


def test_a_person_may_have_two_keys(keys: Path) -> None:
    lines = f"ana@example.com {public(keys, 'ana')}\nana@example.com {public(keys, 'spare')}\n"
    assert [state(_signed(keys / name, SIGNED), lines).signer for name in ("ana", "spare")] == ["ana@example.com"] * 2


def test_it_is_judged_by_the_key_that_made_it(signed: SignOff, keys: Path) -> None:
    # The name of another person stands with another key: nobody signs in their place.
    assert state(signed, f"ana@example.com {public(keys, 'bob')}").reason.endswith("is not in runbooks/allowed_signers")
    own = state(_signed(keys / "bob", SIGNED), f"bob@example.com {public(keys, 'bob')}")
    assert own.standing is Standing.VOID
    assert "bob@example.com runs this runbook" in own.reason and "bob@example.com wrote what is deployed" in own.reason


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ('namespaces="git"', "namespace"),
        ('valid-before="20260201"', "key has expired"),
        ('valid-before="202603010930"', "key has expired"),
        ('valid-after="20260302"', "not yet valid"),
        ('valid-after="202603010930"', "not yet valid"),
    ],
)
def test_a_key_must_be_allowed_when_it_signed_and_now(signed: SignOff, keys: Path, limits: str, says: str) -> None:
    verdict = state(signed, f"ana@example.com {limits} {public(keys, 'ana')}")
    assert (verdict.standing, verdict.signer) == (Standing.VOID, "ana@example.com")
    assert "the signature of ana@example.com is not good" in verdict.reason and says in verdict.reason.lower()


def test_the_dates_of_keys_are_in_utc_on_each_machine(
    signed: SignOff, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    line = f'ana@example.com valid-before="202603011001" {public(keys, "ana")}'
    assert state(signed, line).is_valid
    assert not state(signed, line, now=NOW + timedelta(minutes=2)).is_valid


def test_a_revoked_key_is_void_whenever_it_signed(signed: SignOff, keys: Path) -> None:
    line = f"ana@example.com {public(keys, 'ana')}"
    assert "is revoked in runbooks/revoked_keys" in state(signed, line, revoked=public(keys, "ana")).reason
    assert state(signed, line, revoked=public(keys, "bob")).is_valid


def test_a_signature_of_another_text_is_void(signed: SignOff, keys: Path) -> None:
    line = f"ana@example.com {public(keys, 'ana')}"
    for changed in (replace(SIGNED, note="another"), replace(SIGNED, signed="2026-03-01T09:00:01Z")):
        verdict = state(SignOff(changed.text(), signed.signature), line)
        assert (verdict.standing, "incorrect signature" in verdict.reason) == (Standing.VOID, True)


def test_a_sign_off_of_another_run_is_void_in_this(keys: Path) -> None:
    other = _signed(keys / "ana", replace(SIGNED, run="20260301T070000Z-0000", stage="qa"))
    assert "it was given for the run" in state(other, f"ana@example.com {public(keys, 'ana')}").reason


def test_a_signature_for_another_namespace_is_void(signed: SignOff, keys: Path) -> None:
    words = ["ssh-keygen", "-Y", "sign", "-n", "git", "-f", str(keys / "ana")]
    made = subprocess.run(words, input=signed.text.encode(), capture_output=True, check=True).stdout.decode()
    verdict = state(SignOff(signed.text, made), f"ana@example.com {public(keys, 'ana')}")
    assert (verdict.standing, "namespace 'git'" in verdict.reason) == (Standing.VOID, True)


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (None, "ssh-keygen is not installed here"),
        ("exit 3", "ssh-keygen ended with exit code 3"),
        ("echo 'unknown option -- Y' >&2; exit 1", "unknown option"),
        ("kill -9 $$", "ssh-keygen ended with exit code -9"),
    ],
)
def test_where_ssh_keygen_cannot_answer_it_is_not_verified(
    signed: SignOff, keys: Path, program: str | None, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if program:
        (tmp_path / "ssh-keygen").write_text(f"#!/bin/sh\n{program}\n")
        (tmp_path / "ssh-keygen").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    verdict = state(signed, f"ana@example.com {public(keys, 'ana')}")
    assert (verdict.standing, says in verdict.reason) == (Standing.UNVERIFIED, True), verdict


@pytest.fixture
def agent(keys: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run an agent that has the key of ana."""
    folder = Path(f"/tmp/lockstitch-agent-{os.getpid()}")
    folder.mkdir(mode=0o700)
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(folder / "s")], stdout=subprocess.PIPE)
    assert process.stdout and process.stdout.readline()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(folder / "s"))
    subprocess.run(["ssh-add", "-q", str(keys / "ana")], check=True)
    yield
    process.terminate()
    process.communicate()
    shutil.rmtree(folder)


def test_an_agent_signs_for_a_public_key(agent: None, keys: Path, tmp_path: Path) -> None:
    (tmp_path / "ana.pub").write_text(public(keys, "ana"))
    signoff = SignOff(SIGNED.text(), sign(SIGNED.text(), tmp_path / "ana.pub"))
    assert state(signoff, f"ana@example.com {public(keys, 'ana')}").is_valid


@pytest.fixture
def locked(keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a key with a passphrase, for which nobody can be asked."""
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "hunter2", "-C", "x", "-f", str(tmp_path / "locked")]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    monkeypatch.setenv("SSH_ASKPASS", "/bin/false")
    return tmp_path / "locked"


def test_a_key_with_a_passphrase_that_nobody_gives_says_what_to_do(locked: Path) -> None:
    with pytest.raises(
        UsageError, match="did not sign with .*locked: its passphrase was not given; nothing"
    ) as refused:
        sign(SIGNED.text(), locked)
    assert refused.value.hint == f"ssh-add {locked} asks for it once, and the agent signs then"


def test_an_agent_signs_for_a_key_with_a_passphrase(agent: None, locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = locked.with_name("answer")
    answer.write_text("#!/bin/sh\necho hunter2\n")
    answer.chmod(0o755)
    subprocess.run(["ssh-add", "-q", str(locked)], check=True, env={**os.environ, "SSH_ASKPASS": str(answer)})
    line = f"ana@example.com {public(locked.parent, 'locked')}"
    assert state(SignOff(SIGNED.text(), sign(SIGNED.text(), locked)), line).is_valid


def test_at_a_terminal_what_ssh_keygen_asks_for_is_seen(tmp_path: Path) -> None:
    (tmp_path / "ssh-keygen").write_text("#!/bin/sh\n[ -t 2 ] && echo 'Confirm user presence' >&2\nexit 3\n")
    (tmp_path / "ssh-keygen").chmod(0o755)
    ours, theirs = os.openpty()
    program = "from pathlib import Path; from lockstitch.engine.runbooks.ssh_keygen import sign; sign('x', Path('k'))"
    env = {**os.environ, "PATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], stderr=theirs, env=env, check=False)
    os.close(theirs)
    said = os.read(ours, 65536).decode()
    os.close(ours)
    assert said.startswith("Confirm user presence") and "did not sign with k: it ended with exit code 3" in said


class SecurityKey:
    """A security key, as a program: it signs as the real ones do, with a touch or without."""

    KIND = b"sk-ssh-ed25519@openssh.com"

    def __init__(self) -> None:
        self._private = Ed25519PrivateKey.generate()
        raw = self._private.public_key().public_bytes_raw()
        self.blob = _strings(self.KIND, raw, b"ssh:")
        self.line = f"{self.KIND.decode()} {b64encode(self.blob).decode()}"

    def sign(self, text: str, flags: int) -> str:
        about = _strings(b"lockstitch-runbook", b"", b"sha512")
        message = b"SSHSIG" + about + _strings(sha512(text.encode()).digest())
        tail = struct.pack(">BI", flags, 7)
        made = self._private.sign(sha256(b"ssh:").digest() + tail + sha256(message).digest())
        signature = _strings(_strings(self.KIND, made) + tail)
        return SshSignature(b"SSHSIG\0\0\0\1" + _strings(self.blob) + about + signature, self.blob).text()


def _strings(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


@pytest.mark.parametrize(
    ("flags", "standing", "says"),
    [
        (0x01, Standing.VALID, ""),
        (0x05, Standing.VALID, ""),
        (0x04, Standing.VOID, "without a touch of the security key"),
        (0x00, Standing.VOID, "without a touch of the security key"),
    ],
)
def test_a_security_key_must_be_touched(flags: int, standing: Standing, says: str) -> None:
    key = SecurityKey()
    verdict = state(SignOff(SIGNED.text(), key.sign(SIGNED.text(), flags)), f"ana@example.com {key.line}")
    assert (verdict.standing, says in verdict.reason) == (standing, True), verdict
    other = state(SignOff(SIGNED.text(), key.sign("another text", flags)), f"ana@example.com {key.line}")
    assert other.standing is Standing.VOID


def test_a_key_that_is_not_there_says_what_to_do(keys: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did not sign with .*nothing was signed") as refused:
        sign(SIGNED.text(), tmp_path / "none")
    assert "--key" in refused.value.hint
