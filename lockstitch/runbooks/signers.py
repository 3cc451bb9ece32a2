"""The keys that may sign, whose they are, and the people of `runbooks/people.yml`. Pure.

One key is one person's: lines that would let several sign with it, such as patterns or certificate authorities, are
refused. A line that cannot be read makes the whole file unreadable: a key that was to be revoked must not stay valid by
a typing error.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Annotated, Any
from unicodedata import normalize

from pydantic import Field

from lockstitch.inventory.compose import compose
from lockstitch.inventory.settings import AlternativeForm, Settings
from lockstitch.inventory.types import matching, plain, text
from lockstitch.inventory.validation import judged
from lockstitch.inventory.yaml_tree import Problem, YamlNode
from lockstitch.model.identity import Identity
from lockstitch.model.lazy_dataclass import dataclass

SIGNERS = "runbooks/allowed_signers"
REVOKED = "runbooks/revoked_keys"
PEOPLE = "runbooks/people.yml"

_PRINCIPAL = re.compile(r"[A-Za-z0-9._+@-]+")
_WORDS = re.compile(r'(?:"[^"]*"|[^\s"])+')
_KIND = re.compile(r"(?:ssh-|ecdsa-|sk-)[a-z0-9@.-]+")
_OPTION = re.compile(r'(namespaces|valid-after|valid-before)="[A-Za-z0-9@.,*-]+"', re.IGNORECASE)
_CERTIFICATE = "-cert-v0"


@dataclass(frozen=True)
class SignerKey:
    """A line of `allowed_signers`: whose key it is, its limits as they are written, and its kind and content."""

    principal: str
    kind: str
    blob: bytes
    limits: tuple[str, ...] = ()

    def line(self) -> str:
        """Return the line as `ssh-keygen` reads it."""
        content = base64.b64encode(self.blob).decode()
        return " ".join((self.principal, *((",".join(self.limits),) if self.limits else ()), self.kind, content))


def fingerprint(blob: bytes) -> str:
    """Return the fingerprint of a public key as OpenSSH shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _written(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Word = Annotated[str, text("text", plain)]
SeveralWords = Annotated[tuple[Word, ...], AlternativeForm(_written, {"type": "string"})]


class Person(Settings):
    """A person who may sign, or who runs runbooks."""

    name: Word | None = Field(default=None, description="as commits have it")
    roles: SeveralWords = Field(default=(), description="roles that stages ask for, such as `approver`")
    mails: SeveralWords = Field(default=(), description="every address of their commits, beside the principal itself")
    users: SeveralWords = Field(default=(), description="their user names on the machines that runbooks are run on")


Principal = Annotated[str, text("principal", matching(_PRINCIPAL, "is not the name of one person"))]


class _People(Settings):
    people: dict[Principal, Person]


@dataclass(frozen=True)
class AllowedSigners:
    """The keys and people of a repository. `problems` say what cannot be read: then no signature can be judged."""

    keys: tuple[SignerKey, ...] = ()
    people: Mapping[str, Person] = field(default_factory=dict)
    revoked: frozenset[bytes] = frozenset()
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def lines(self, blob: bytes) -> tuple[SignerKey, ...]:
        """Return the lines of a key, all of one person; none where it is not allowed."""
        return tuple(key for key in self.keys if key.blob == blob)

    def is_person(self, principal: str, identity: Identity) -> bool:
        """Tell whether an identity is that of a principal: by an address, a user name, or the name of their commits."""
        person = self.people.get(principal) or Person()
        mails = {_folded(each) for each in (principal, *person.mails)}
        by_name = bool(identity.name) and _folded(identity.name) == _folded(person.name or "")
        users = {_folded(each) for each in person.users}
        return _folded(identity.mail) in mails or _folded(identity.user) in users or by_name

    def is_known(self, identity: Identity) -> bool:
        """Tell whether an identity is that of anybody here."""
        return any(self.is_person(each, identity) for each in {*self.people, *(key.principal for key in self.keys)})


def _folded(text: str) -> str:
    # The same letter can be written as one character or as two.
    return " ".join(normalize("NFKC", text).casefold().split())


def read_signers(signers: str, people: str = "", revoked: str = "") -> AllowedSigners:
    """Return the signers of the texts of the three files; those that are not there are empty."""
    problems: list[str] = []
    keys = [key for number, line in _lines(signers) if (key := _kept(_signer, line, SIGNERS, number, problems))]
    blobs = [key for number, line in _lines(revoked) if (key := _kept(_public_key, line, REVOKED, number, problems))]
    known, wrong = _people(people)
    problems += [*map(str, wrong), *_shared(keys), *_doubled({key.principal for key in keys} | set(known))]
    return AllowedSigners(tuple(keys), known, frozenset(blob for _, blob in blobs), tuple(problems))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield number, stripped


def _kept(read: Any, line: str, file: str, number: int, problems: list[str]) -> Any:
    try:
        return read(line)
    except ValueError as error:
        problems.append(f"{file}:{number}: {error}")
        return None


def _signer(line: str) -> SignerKey:
    if not line.replace("\t", " ").isprintable():
        raise ValueError("it has a character that is not printable")
    principal, *words = _WORDS.findall(line) or [""]
    if not _PRINCIPAL.fullmatch(principal):
        raise ValueError(f"{principal!r} is not the name of one person: no patterns, no lists; a line for each person")
    limits: tuple[str, ...] = ()
    if words and not _KIND.fullmatch(words[0]):
        limits = tuple(_limits(words.pop(0)))
    kind, blob = _public_key(" ".join(words))
    return SignerKey(principal, kind, blob, limits)


def _limits(text: str) -> Iterator[str]:
    for option in re.findall(r'(?:"[^"]*"|[^,"])+', text):
        if option.lower() == "cert-authority":
            raise ValueError("a certificate authority signs for anybody: name the key of each person")
        if not _OPTION.fullmatch(option):
            raise ValueError(f"{option!r} is not an option here (known: namespaces, valid-after, valid-before)")
        yield option


def _public_key(text: str) -> tuple[str, bytes]:
    kind, content = [*text.split(" ", 2), "", ""][:2]
    if _CERTIFICATE in kind:
        raise ValueError("it is a certificate: name the key itself")
    try:
        blob = base64.b64decode(content, validate=True)
        inner, _ = take_string(blob)
    except (binascii.Error, ValueError):
        raise ValueError("it is not a public key: write `ssh-ed25519 AAAA…`") from None
    if not _KIND.fullmatch(kind) or inner != kind.encode():
        raise ValueError(f"it is not a public key of the kind {kind!r}")
    return kind, blob


def take_string(content: bytes) -> tuple[bytes, bytes]:
    """Return the first string of the wire format of SSH, and the rest. Raises ValueError where there is none."""
    end = 4 + int.from_bytes(content[:4], "big")
    if len(content) < max(end, 4):
        raise ValueError("it is cut off")
    return content[4:end], content[end:]


def _shared(keys: Iterable[SignerKey]) -> Iterator[str]:
    owners: dict[bytes, set[str]] = {}
    for key in keys:
        owners.setdefault(key.blob, set()).add(key.principal)
    for blob, names in owners.items():
        if len(names) > 1:
            yield f"{SIGNERS}: {' and '.join(sorted(names))} share the key {fingerprint(blob)}: one key is one person's"


def _doubled(names: Iterable[str]) -> Iterator[str]:
    first: dict[str, str] = {}
    for name in sorted(names):
        if (other := first.setdefault(_folded(name), name)) != name:
            yield f"{SIGNERS}, {PEOPLE}: {other} and {name} differ in letter case alone"


def _people(content: str) -> tuple[Mapping[str, Person], list[Problem]]:
    if not content.strip():
        return {}, []
    tree, problems = compose(content, PEOPLE)
    if problems:
        return {}, problems
    model, wrong = judged(_People, YamlNode({"people": tree}, PEOPLE))
    return (model.people if model else {}), wrong
