"""Authors of a pull request: the accounts of those who wrote its commits, and those who have none that is known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lockstitch.evidence.forges.base import Forge, strange, words_of
from lockstitch.model.identity import Identity, identity_of
from lockstitch.model.lazy_dataclass import dataclass

_CO_AUTHOR = re.compile(r"^[ \t]*co-authored-by[ \t]*:(.*)$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class CommitPerson:
    """A person of a commit, as git has them, and their account; empty where the forge tells none."""

    identity: Identity
    account: str = ""


@dataclass(frozen=True)
class PullAuthors:
    """The accounts of who wrote a pull request, and who else did: whose account is not known."""

    accounts: frozenset[str]
    strangers: tuple[str, ...]


def commit_people(commit: Mapping[str, Any], *, ignored: str = "") -> Iterator[CommitPerson]:
    """Yield who wrote a commit, as GitHub and Gitea tell it: the author, the committer unless that is the `ignored`
    account, and co-authors."""
    for role in ("author", "committer"):
        account = words_of(commit, role, "login")
        if not account or account != ignored:
            name, mail = (words_of(commit, "commit", role, key) for key in ("name", "email"))
            yield CommitPerson(Identity(name, mail), account)
    about = commit.get("commit")
    yield from co_authors(about if isinstance(about, dict) else {})


def co_authors(commit: Mapping[str, Any]) -> Iterator[CommitPerson]:
    """Yield the people in the trailers of a commit's message."""
    message = commit.get("message")
    if not isinstance(message, str):
        raise strange()
    yield from (CommitPerson(identity_of(match[1])) for match in _CO_AUTHOR.finditer(message))


def pull_authors(people: Iterable[CommitPerson], forge: Forge, *others: str) -> PullAuthors:
    """Return the authors among the people of commits, and the `others`, which are accounts.

    Who has no account there has the one that `accounts` of the forge names, that the same address has in another
    commit, or that the forge's own address for private mail stands for.
    """
    every = list(people)
    by_mail = {_folded(each.identity.mail): each.account for each in every if each.account and each.identity.mail}
    by_mail |= {_folded(mail): account for mail, account in forge.accounts.items()}
    # `ID+NAME@users.noreply.github.com`, and the like.
    private = re.compile(rf"(?:\d+[+-])?([^@+]+)@(?:users\.)?noreply\.{re.escape(forge.host)}", re.IGNORECASE)
    accounts, strangers = {_folded(account) for account in others if account}, {}
    for each in every:
        mail = each.identity.mail
        match = private.fullmatch(mail)
        if account := each.account or by_mail.get(_folded(mail)) or (match[1] if match else ""):
            accounts.add(_folded(account))
        else:
            strangers[_folded(mail or each.identity.name)] = str(each.identity) or "somebody without a name"
    return PullAuthors(frozenset(accounts), tuple(strangers.values()))


def _folded(text: str) -> str:
    return text.strip().casefold()
