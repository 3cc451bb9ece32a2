"""The base of all forges: what is asked of each, and how its answers are read. Nothing here sends a request."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal
from urllib import parse

from pydantic import BaseModel, ConfigDict, Field

from lockstitch.evidence.repositories import is_of_host, repository_address
from lockstitch.metrics.base import WebReply
from lockstitch.metrics.settings import Url
from lockstitch.model.lazy_dataclass import dataclass

CheckState = Literal["success", "failure", "running", "skipped", "allowed", "unknown"]
ReviewState = Literal["approved", "changes", "dismissed"]
# One path and its fields.
AskForge = Callable[[str, Mapping[str, str]], WebReply]
MOST_PAGES = 20
_SHOWN = 200
_NEXT = re.compile(r"<([^<>]*)>\s*;[^,<]*\brel=\"?next\"?")


class UnknownEvidenceError(Exception):
    """An answer that proves nothing: why, and what to do."""

    def __init__(self, says: str, hint: str = "") -> None:
        super().__init__(says)
        self.says, self.hint = says, hint


@dataclass(frozen=True)
class ForgeCheck:
    """A check of a commit: `allowed` is one that failed and may."""

    name: str
    state: CheckState
    says: str = ""


@dataclass(frozen=True)
class ForgeReview:
    """The last review of one person. `commit` is what was reviewed; `counts` is false for who may not approve."""

    by: str
    state: ReviewState
    commit: str
    bot: bool = False
    counts: bool = True


@dataclass(frozen=True)
class PullRequest:
    """A merged pull request: the accounts of who wrote it, in small letters, its last commit, and its reviews.
    `strangers` wrote it too, and nobody knows their accounts."""

    number: str
    authors: frozenset[str]
    head: str
    reviews: tuple[ForgeReview, ...]
    strangers: tuple[str, ...] = ()


@dataclass(frozen=True)
class ForgeProject:
    """A project on a forge, and the way to ask for it. `name` is `owner/name`; pages of a `numbered` one are asked for
    by number, up to the first that is empty."""

    name: str
    ask: AskForge
    numbered: bool = False

    @property
    def path(self) -> str:
        """The name as part of a URL."""
        return parse.quote(self.name, safe="/")

    def document(self, path: str, missing: str = "", **fields: str) -> Any:
        """Return the JSON of one answer. `missing` says what a 404 may mean. Raises UnknownEvidenceError."""
        return _read(self.ask(path, fields), missing or f"there is no {self.name}")[0]

    def pages(self, path: str, key: str = "", missing: str = "", **fields: str) -> Iterator[Mapping[str, Any]]:
        """Yield the mappings of a list, page after page; `key` is where the list is in an answer. Raises
        UnknownEvidenceError for a page that cannot be read, and where there are too many: a part of a list proves
        nothing."""
        asked: Mapping[str, str] = fields
        for page in range(1, MOST_PAGES + 1):
            asked = {**asked, "page": str(page)} if self.numbered else asked
            body, links = _read(self.ask(path, asked), missing or f"there is no {self.name}")
            # A list without anything in it may be null.
            empty = self.numbered and isinstance(body, dict) and key in body and body[key] is None
            items = [] if empty else _mappings(body, key)
            yield from items
            following = _NEXT.search(links)
            if not (items if self.numbered else following):
                return
            if following and not self.numbered:
                # Only its fields: the token is not sent to where an answer points.
                asked = dict(parse.parse_qsl(parse.urlsplit(following[1]).query))
        raise UnknownEvidenceError(f"its answer has more than {MOST_PAGES} pages")


class Forge(BaseModel):
    """The base of a forge. Subclasses set `key`, have a field of that name (a reference to the token), `url`, and
    override the questions they can answer. Each raises UnknownEvidenceError."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    key: ClassVar[str] = ""
    # True where an answer does not say which page is the last.
    numbered: ClassVar[bool] = False
    # The fields of a question for a page, and for one of open issues.
    page: ClassVar[Mapping[str, str]] = {"per_page": "100"}
    issues: ClassVar[Mapping[str, str]] = {"state": "open"}

    url: Url = Field(description="where its API is")
    projects: dict[str, str] = Field(
        default={}, description="the project of an app, such as `acme/api`, where the URL of its repository has another"
    )
    accounts: dict[str, str] = Field(
        default={}, description="the account of an address in commits that the forge knows no account of"
    )

    @property
    def token(self) -> str:
        """The reference to the token."""
        return str(getattr(self, self.key))

    @property
    def host(self) -> str:
        """The host of its repositories."""
        return parse.urlsplit(self.url).hostname or ""

    def project(self, app: str, repository: str, ssh_host: Callable[[str], str]) -> str:
        """Return the project of an app; `ssh_host` returns the host that a name stands for in `~/.ssh/config`. Raises
        UnknownEvidenceError."""
        if app in self.projects:
            return self.projects[app]
        address = repository_address(repository)
        name = address.path
        # Another host may have a project of the same name.
        is_ours = is_of_host(address, self.host) or (
            address.is_ssh and is_of_host(replace(address, host=ssh_host(address.host).lower()), self.host)
        )
        if "/" not in name or not is_ours:
            raise UnknownEvidenceError(
                f"the project of {app} at {self.url} cannot be told from its repository {repository}",
                f"write it under forge: projects: {{{app}: OWNER/NAME}}",
            )
        return name

    def at(self, project: ForgeProject) -> str:
        """Return the path of a project."""
        raise NotImplementedError

    def checks(self, project: ForgeProject, revision: str) -> tuple[ForgeCheck, ...]:
        """Return every check of a commit."""
        raise self._unsupported("checks")

    def pull_requests(self, project: ForgeProject, commit: str) -> tuple[PullRequest, ...]:
        """Return the merged pull requests that brought a commit."""
        raise self._unsupported("pull requests")

    def open_issues(self, project: ForgeProject, label: str) -> int:
        """Return how many issues with a label are open."""
        at = self.at(project)
        # A label that is not there has no issues, and some forges know it only as it is spelled: that is no evidence.
        every = {words_of(each, "name") for each in project.pages(f"{at}/labels", **self.page)}
        known = label if label in every else next((name for name in sorted(every) if name.lower() == label.lower()), "")
        if not known:
            raise UnknownEvidenceError(f"{project.name} has no label {label}", "write it as the forge has it")
        issues = project.pages(f"{at}/issues", **{**self.issues, "labels": known, **self.page})
        return sum(not issue.get("pull_request") for issue in issues)

    def security_alerts(self, project: ForgeProject, kinds: tuple[str, ...]) -> Mapping[str, int]:
        """Return how many alerts are open, by their kind; of all kinds that it knows where none is named."""
        raise self._unsupported("security alerts")

    def _unsupported(self, what: str) -> UnknownEvidenceError:
        return UnknownEvidenceError(f"{self.key} is not asked about {what}", "have a named person sign in its place")


def _mappings(body: Any, key: str) -> list[Mapping[str, Any]]:
    items = body.get(key) if key and isinstance(body, dict) else None if key else body
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise strange()
    return items


def strange() -> UnknownEvidenceError:
    """Return the error of an answer that is none of the API."""
    return UnknownEvidenceError("its answer is none of the API", "does `url` of forge fit? it is that of the API")


def words_of(item: Mapping[str, Any], *keys: str) -> str:
    """Return the text at a path of keys in an answer; empty where there is none."""
    value: Any = item
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _read(reply: WebReply, missing: str) -> tuple[Any, str]:
    """Return the JSON of a reply and its links. Raises UnknownEvidenceError."""
    detail = _detail(reply)
    if not reply.status:
        raise UnknownEvidenceError(f"the forge: {reply.error}")
    if reply.status == 429 or (reply.status == 403 and "rate limit" in reply.body.lower()):
        raise UnknownEvidenceError(
            f"the forge was asked too often: it answered {reply.status}{detail}", "ask again later"
        )
    if reply.status == 401:
        raise UnknownEvidenceError(
            f"the forge does not accept the token: it answered 401{detail}", "see to the token of forge"
        )
    if reply.status == 403:
        raise UnknownEvidenceError(
            f"the token may not read that: it answered 403{detail}", "docs/evidence.md names the rights"
        )
    if reply.status == 404:
        raise UnknownEvidenceError(
            f"{missing}, or the token may not read it: it answered 404", "docs/evidence.md names the rights"
        )
    if reply.status != 200:
        raise UnknownEvidenceError(f"the forge answered {reply.status}{detail}")
    try:
        return json.loads(reply.body), reply.links
    except (ValueError, RecursionError) as error:
        raise strange() from error


def _detail(reply: WebReply) -> str:
    try:
        said = json.loads(reply.body)["message"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return ""
    return f", {' '.join(said.split())[:_SHOWN]}" if isinstance(said, str) and said.strip() else ""
