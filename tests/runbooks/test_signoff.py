"""Sign-offs judged: each rule of a stage, each change of what was signed, and what cannot be looked at."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lockstitch.model.identity import Identity
from lockstitch.runbooks.signature import read_signature
from lockstitch.runbooks.signers import AllowedSigners, read_signers
from lockstitch.runbooks.signoff import (
    Involved,
    SignatureCheck,
    SignOff,
    SignOffState,
    SignRules,
    Standing,
    Verification,
    decided,
    judge,
    prepared,
)
from lockstitch.runbooks.statement import Statement
from tests.runbooks.test_signature import armored
from tests.runbooks.test_signers import PEOPLE
from tests.runbooks.test_statement import SIGNED

GOOD = Verification()
NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)
OPS = Identity("Olga", "olga@example.com", "olga")
RULES = SignRules("approver", frozenset({"author", "operator"}), 86400)
INVOLVED = Involved((OPS,), (Identity("Bob", "bob@example.com"),))


def allowed(people: str = PEOPLE + "olga@example.com: {}", revoked: str = "") -> AllowedSigners:
    """Return signers of which ana has the key of `armored`."""
    key = f"ssh-ed25519 {b64encode(read_signature(armored()).key).decode()}"
    return read_signers(f"ana@example.com {key}\n", people, revoked and key)


def state(
    statement: Statement = SIGNED,
    *,
    rules: SignRules = RULES,
    expected: Statement = SIGNED,
    signers: AllowedSigners | None = None,
    involved: Involved = INVOLVED,
    verification: Verification = GOOD,
    now: datetime = NOW,
) -> SignOffState:
    """Return the verdict about a sign-off of ana whose signature is good."""
    signers = signers or allowed()
    checked = prepared(SignOff(statement.text(), armored()), signers)
    if isinstance(checked, SignOffState):
        return checked
    return judge(checked, verification, rules, expected, signers, involved, now)


def test_a_sign_off_of_what_is_the_case_is_valid() -> None:
    assert state() == SignOffState(Standing.VALID, "", "ana@example.com", SIGNED)
    assert state(replace(SIGNED, note="all good", file="report.pdf", file_hash="0" * 64)).is_valid


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"expected": replace(SIGNED, run="20260401T080000Z-1f2e")}, "it was given for the run"),
        ({"expected": replace(SIGNED, plan="3" * 64)}, "the plan has changed"),
        ({"statement": replace(SIGNED, expires="")}, "it expires never, and the stage says at 2026-03-02T09:00:00Z"),
        ({"statement": replace(SIGNED, expires="2027-03-02T09:00:00Z")}, "it expires at 2027-03-02T09:00:00Z, and"),
        ({"rules": replace(RULES, lasts=60)}, "and the stage says at 2026-03-01T09:01:00Z"),
        ({"rules": replace(RULES, lasts=0)}, "and the stage says never"),
        ({"now": NOW + timedelta(hours=23)}, "it expired at 2026-03-02T09:00:00Z"),
        ({"now": NOW - timedelta(hours=2)}, "signed at 2026-03-01T09:00:00Z, which is in the future"),
        ({"statement": replace(SIGNED, signed="9999-12-31T23:59:59Z")}, "which is in the future"),
        ({"rules": replace(RULES, role="security")}, "ana@example.com does not have the role security"),
        ({"signers": allowed(people="olga@example.com: {}")}, "ana@example.com does not have the role approver"),
        (
            {"involved": replace(INVOLVED, operators=(Identity(user="ana"),))},
            "ana@example.com runs this runbook (as ana)",
        ),
        (
            {"involved": replace(INVOLVED, operators=(OPS, Identity(mail="ana@example.com")))},
            "ana@example.com runs this runbook",
        ),
        (
            {"involved": replace(INVOLVED, authors=(Identity("a", "ANA@old.example.com"),))},
            "ana@example.com wrote what is deployed (as a <ANA@old.example.com>), and may not sign this",
        ),
        ({"involved": replace(INVOLVED, authors=(Identity("Ana Lima", "x@example.net"),))}, "wrote what is deployed"),
        ({"verification": Verification(refusal="the key has expired")}, "the key has expired"),
        ({"signers": allowed(revoked="yes")}, "of ana@example.com is revoked in runbooks/revoked_keys"),
        ({"signers": AllowedSigners()}, "is not in runbooks/allowed_signers"),
        ({"statement": replace(SIGNED, signed="")}, "what was signed is no sign-off: '' is not a time"),
    ],
)
def test_a_sign_off_is_void_and_says_why(changed: dict[str, object], says: str) -> None:
    verdict = state(**changed)  # type: ignore[arg-type]
    assert (verdict.standing, says in verdict.reason) == (Standing.VOID, True), verdict


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (
            {"verification": Verification(failure="ssh-keygen is not installed here")},
            "cannot be verified: ssh-keygen is",
        ),
        ({"signers": replace(allowed(), problems=("it is damaged",))}, "it cannot be judged: it is damaged"),
        ({"involved": replace(INVOLVED, unknown="more than 5000 commits")}, "are known: more than 5000 commits"),
        ({"involved": replace(INVOLVED, operators=(Identity(user="root"),))}, "nobody in runbooks/people.yml is root"),
        ({"involved": replace(INVOLVED, operators=())}, "it is not known who runs this"),
        (
            {"involved": replace(INVOLVED, authors=(Identity("Eve", "eve@example.net"), *INVOLVED.authors))},
            "nobody in runbooks/people.yml is Eve <eve@example.net>, who wrote what is deployed",
        ),
    ],
)
def test_what_cannot_be_looked_at_is_neither_valid_nor_missing(changed: dict[str, object], says: str) -> None:
    verdict = state(**changed)  # type: ignore[arg-type]
    assert (verdict.standing, says in verdict.reason) == (Standing.UNVERIFIED, True), verdict


def test_who_is_not_barred_may_sign_whoever_it_is() -> None:
    people = Involved((Identity(user="ana"),), (Identity("Ana", "ana@example.com"),), "not known")
    assert state(rules=replace(RULES, barred=frozenset()), involved=people).is_valid
    assert state(rules=replace(RULES, barred=frozenset({"author"})), involved=people).standing is Standing.VOID


@pytest.mark.parametrize(
    ("text", "signature", "says"),
    [
        ("{}", armored(), "what was signed is no sign-off"),
        (SIGNED.text(), "", "the signature is none: it is not a signature"),
        (SIGNED.text(), armored(namespace="git"), "for the namespace 'git'"),
    ],
)
def test_what_is_no_sign_off_is_void(text: str, signature: str, says: str) -> None:
    verdict = prepared(SignOff(text, signature), allowed())
    assert isinstance(verdict, SignOffState) and verdict.standing is Standing.VOID and says in verdict.reason


def test_one_valid_sign_off_among_others_is_enough_and_none_is_missing() -> None:
    valid, void, unclear = (SignOffState(each) for each in (Standing.VALID, Standing.VOID, Standing.UNVERIFIED))
    assert decided([valid, void, unclear]) is valid
    assert decided([void, unclear, void]) is unclear
    assert decided([SignOffState(Standing.VOID, "first"), SignOffState(Standing.VOID, "last")]).reason == "last"
    assert decided([]) == SignOffState(Standing.MISSING, "nobody has signed it")


def test_the_signer_is_whose_key_it_is() -> None:
    checked = prepared(SignOff(SIGNED.text(), armored()), allowed())
    assert isinstance(checked, SignatureCheck) and checked.principal == "ana@example.com"
