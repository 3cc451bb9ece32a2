"""Sign-offs judged: valid, missing, void and why, or not verified. Pure.

A sign-off is valid only as long as all of this is so: its signature is good, by a key that was allowed when it was made
and is allowed now; what was signed is what is the case now; it has not expired; and its signer has the role, and is
none of those who may not sign. What cannot be looked at makes it `unverified`, which is neither valid nor missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Literal

from lockstitch.model.identity import Identity
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.runbooks.signature import SshSignature, read_signature
from lockstitch.runbooks.signers import PEOPLE, REVOKED, SIGNERS, AllowedSigners, Person
from lockstitch.runbooks.statement import Statement, differences, expiry, read_statement, utc_time

Barred = Literal["author", "operator"]
# Clocks differ by so much.
_SKEW = timedelta(minutes=5)


class Standing(Enum):
    """The verdicts about the sign-off of a stage."""

    VALID = "valid"
    MISSING = "missing"
    VOID = "void"
    UNVERIFIED = "unverified"


@dataclass(frozen=True)
class SignOff:
    """A sign-off as it is stored: the text that was signed, and the signature. All else is read from these two."""

    text: str
    signature: str


@dataclass(frozen=True)
class SignRules:
    """The rules of a stage: the role of its signer, who may not sign, and how many seconds it lasts (0: as long as the
    run)."""

    role: str = ""
    barred: frozenset[Barred] = frozenset()
    lasts: float = 0.0


@dataclass(frozen=True)
class Involved:
    """The people whose sign-off may not count: who ran the runbook or went on with it, and who wrote what is deployed.
    `unknown` says why not all authors are known; empty where they are."""

    operators: tuple[Identity, ...] = ()
    authors: tuple[Identity, ...] = ()
    unknown: str = ""


@dataclass(frozen=True)
class SignOffState:
    """The verdict about the sign-off of a stage: why, and whose it is. `remarks` are what a person should know of one
    that is valid."""

    standing: Standing
    reason: str = ""
    signer: str = ""
    statement: Statement | None = None
    remarks: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Tell whether the stage is signed."""
        return self.standing is Standing.VALID


@dataclass(frozen=True)
class Verification:
    """The answer about one signature: a refusal, or why nothing could be found out; both empty where it is good."""

    refusal: str = ""
    failure: str = ""


@dataclass(frozen=True)
class SignatureCheck:
    """A sign-off whose signature is to be verified by `ssh-keygen`, and whose it claims to be."""

    statement: Statement
    text: str
    signature: SshSignature
    principal: str


def prepared(signoff: SignOff, allowed: AllowedSigners) -> SignatureCheck | SignOffState:
    """Return what is to be verified; a verdict where that is certain without."""
    if allowed.problems:
        return SignOffState(Standing.UNVERIFIED, f"it cannot be judged: {'; '.join(allowed.problems)}")
    try:
        statement = read_statement(signoff.text)
        utc_time(statement.signed)
    except ValueError as error:
        return SignOffState(Standing.VOID, f"what was signed is no sign-off: {error}")
    try:
        signature = read_signature(signoff.signature)
    except ValueError as error:
        return SignOffState(Standing.VOID, f"the signature is none: {error}")
    lines = allowed.lines(signature.key)
    if not lines:
        return SignOffState(Standing.VOID, f"its key {signature.fingerprint} is not in {SIGNERS}")
    if signature.key in allowed.revoked:
        said = f"the key {signature.fingerprint} of {lines[0].principal} is revoked in {REVOKED}"
        return SignOffState(Standing.VOID, said, lines[0].principal)
    return SignatureCheck(statement, signoff.text, signature, lines[0].principal)


def judge(
    checked: SignatureCheck,
    verification: Verification,
    rules: SignRules,
    expected: Statement,
    allowed: AllowedSigners,
    involved: Involved,
    now: datetime,
) -> SignOffState:
    """Judge a sign-off whose signature was looked at, against what is the case `now`."""
    signer, statement = checked.principal, checked.statement
    if verification.failure:
        said = f"the signature cannot be verified: {verification.failure}"
        return SignOffState(Standing.UNVERIFIED, said, signer, statement)
    refusals = [verification.refusal] if verification.refusal else []
    refusals = refusals or [
        *differences(statement, expected),
        *_times(statement, rules, now),
        *_people(signer, rules, allowed, involved),
    ]
    if refusals:
        return SignOffState(Standing.VOID, "; ".join(refusals), signer, statement)
    if unknown := "; ".join(_unknown(rules, allowed, involved)):
        return SignOffState(Standing.UNVERIFIED, unknown, signer, statement)
    return SignOffState(Standing.VALID, "", signer, statement, allowed.remarks)


def decided(states: Sequence[SignOffState]) -> SignOffState:
    """Return the verdict about a stage from those about all of its sign-offs, oldest first: a valid one, else one that
    could not be verified, else the newest."""
    for standing in (Standing.VALID, Standing.UNVERIFIED, Standing.VOID):
        if some := [state for state in states if state.standing is standing]:
            return some[-1]
    return SignOffState(Standing.MISSING, "nobody has signed it")


def _times(statement: Statement, rules: SignRules, now: datetime) -> Iterator[str]:
    if utc_time(statement.signed) > now + _SKEW:
        yield f"it says that it was signed at {statement.signed}, which is in the future"
        return
    until = expiry(statement.signed, rules.lasts)
    if statement.expires != until:
        yield f"it says that it expires {_or_never(statement.expires)}, and the stage says {_or_never(until)}"
    elif until and now >= utc_time(until):
        yield f"it expired at {until}"


def _or_never(moment: str) -> str:
    return f"at {moment}" if moment else "never"


def _people(signer: str, rules: SignRules, allowed: AllowedSigners, involved: Involved) -> Iterator[str]:
    person = allowed.people.get(signer) or Person()
    if rules.role and rules.role not in person.roles:
        yield f"{signer} does not have the role {rules.role} in {PEOPLE}"
    for bar, people, words in (
        ("operator", involved.operators, "runs this runbook"),
        ("author", involved.authors, "wrote what is deployed"),
    ):
        same = [str(each) for each in people if bar in rules.barred and allowed.is_person(signer, each)]
        if same:
            yield f"{signer} {words} (as {', '.join(dict.fromkeys(same))}), and may not sign this"


def _unknown(rules: SignRules, allowed: AllowedSigners, involved: Involved) -> Iterator[str]:
    """Yield a sentence for each question about the signer that has no answer."""
    for bar, people, words in (
        ("operator", involved.operators, "runs this"),
        ("author", involved.authors, "wrote what is deployed"),
    ):
        strangers = dict.fromkeys(str(each) for each in people if bar in rules.barred and not allowed.is_known(each))
        if strangers:
            who = ", ".join(sorted(strangers))
            yield f"nobody in {PEOPLE} is {who}, who {words}: so it cannot be seen that somebody else has signed"
    if "operator" in rules.barred and not involved.operators:
        yield "it is not known who runs this"
    if "author" in rules.barred and involved.unknown:
        yield f"not all authors of what is deployed are known: {involved.unknown}"
