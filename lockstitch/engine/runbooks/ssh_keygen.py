"""EFFECT: `ssh-keygen -Y`, which makes signatures and verifies them.

It gets an environment and files of its own: the time zone is UTC, so that the dates of keys mean the same on each
machine. What it cannot do is never an answer: only words that are known to refuse a signature make it void.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from lockstitch.errors import UsageError
from lockstitch.runbooks.signers import AllowedSigners, SignerKey
from lockstitch.runbooks.signoff import (
    Involved,
    SignatureCheck,
    SignOff,
    SignOffState,
    SignRules,
    Verification,
    decided,
    judge,
    prepared,
)
from lockstitch.runbooks.statement import NAMESPACE, Statement, utc_time

_PROGRAM = "ssh-keygen"
_SECONDS = 30.0
# A person may have to type a passphrase, or touch a key.
_PATIENCE = 300.0
_REFUSED = re.compile(
    r"incorrect signature|key has expired|key is not yet valid|namespace|not permitted", re.IGNORECASE
)
_VERIFY_TIME = "%Y%m%d%H%M%SZ"
_KEPT = ("PATH", "HOME", "SSH_AUTH_SOCK", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "DISPLAY", "TERM")


def standing(
    signoffs: Sequence[SignOff],
    rules: SignRules,
    expected: Statement,
    allowed: AllowedSigners,
    involved: Involved,
    now: datetime,
) -> SignOffState:
    """Return the verdict about a stage from all of its sign-offs, oldest first."""
    states = []
    for signoff in signoffs:
        checked = prepared(signoff, allowed)
        if isinstance(checked, SignatureCheck):
            verification = verify(checked, allowed, now)
            states.append(judge(checked, verification, rules, expected, allowed, involved, now))
        else:
            states.append(checked)
    return decided(states)


def verify(checked: SignatureCheck, allowed: AllowedSigners, now: datetime) -> Verification:
    """Verify a signature by the lines of its key, as they were when it was made and as they are `now`."""
    lines = allowed.lines(checked.signature.key)
    for moment in (utc_time(checked.statement.signed), now):
        answer = _verified(checked, lines, moment)
        if answer.refusal or answer.failure:
            return answer
    return Verification()


def _verified(checked: SignatureCheck, lines: Sequence[SignerKey], moment: datetime) -> Verification:
    with tempfile.TemporaryDirectory(prefix="lockstitch-") as folder:
        signers, signature = Path(folder) / "allowed_signers", Path(folder) / "signature"
        signers.write_text("".join(f"{line.line()}\n" for line in lines), encoding="utf-8")
        signature.write_text(checked.signature.text(), encoding="utf-8")
        words = ["-Y", "verify", "-n", NAMESPACE, "-I", checked.principal, "-f", str(signers), "-s", str(signature)]
        try:
            said = _run([*words, "-O", f"verify-time={moment.strftime(_VERIFY_TIME)}"], checked.text, _SECONDS)
        except UsageError as error:
            return Verification(failure=error.message)
    if said.returncode == 0:
        return Verification()
    lines_said = [line.split(":", 2)[-1].strip() for line in _text(said.stderr).splitlines() if line.strip()]
    reason = lines_said[0] if lines_said else f"{_PROGRAM} ended with exit code {said.returncode}"
    if any(_REFUSED.search(line) for line in lines_said):
        return Verification(refusal=f"the signature of {checked.principal} is not good: {reason}")
    return Verification(failure=reason)


def sign(text: str, key: Path) -> str:
    """Return the signature of a text, made with a private key, or by the agent that has the one of a public key. Raises
    UsageError where it cannot be made."""
    # It asks for a touch of a security key on its own terminal alone.
    stderr = None if sys.stderr.isatty() else subprocess.PIPE
    said = _run(["-Y", "sign", "-n", NAMESPACE, "-f", str(key)], text, _PATIENCE, stderr)
    if said.returncode != 0:
        lines = [line for line in _text(said.stderr or b"").splitlines() if line.strip()]
        why = lines[-1] if lines else f"it ended with exit code {said.returncode}"
        hint = "give a private key with --key, or add it to the agent: ssh-add"
        if "incorrect passphrase" in why:
            why, hint = "its passphrase was not given", f"ssh-add {key} asks for it once, and the agent signs then"
        raise UsageError(f"{_PROGRAM} did not sign with {key}: {why}; nothing was signed", hint=hint)
    return _text(said.stdout)


def _run(
    words: Sequence[str], text: str, seconds: float, stderr: int | None = subprocess.PIPE
) -> subprocess.CompletedProcess[bytes]:
    """Run it with a text on stdin. Raises UsageError where it cannot be run, or does not end."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        return subprocess.run(
            [_PROGRAM, *words],
            input=text.encode("ascii"),
            stdout=subprocess.PIPE,
            stderr=stderr,
            timeout=seconds,
            check=False,
            env={**kept, "LC_ALL": "C", "TZ": "UTC"},
        )
    except FileNotFoundError as error:
        raise UsageError(
            f"{_PROGRAM} is not installed here", hint="install the client of OpenSSH, 8.9 or newer"
        ) from error
    except OSError as error:
        raise UsageError(f"{_PROGRAM} cannot be run here: {(error.strerror or str(error)).lower()}") from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"{_PROGRAM} did not end in {seconds:g} s") from error


def _text(output: bytes) -> str:
    return output.decode("utf-8", "replace")
