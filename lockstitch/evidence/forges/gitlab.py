"""Forge `gitlab`: GitLab, its own server or another one.

Formats: https://docs.gitlab.com/api/. The token needs the scope read_api, and the role Reporter in the project.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from lockstitch.evidence.forges.authors import CommitPerson, co_authors, pull_authors
from lockstitch.evidence.forges.base import (
    CheckState,
    Forge,
    ForgeCheck,
    ForgeProject,
    ForgeReview,
    PullRequest,
    UnknownEvidenceError,
    strange,
    words_of,
)
from lockstitch.metrics.settings import Reference, Url
from lockstitch.model.identity import Identity

_STATES: Mapping[str, CheckState] = {
    "success": "success",
    "failed": "failure",
    "skipped": "skipped",
    "manual": "skipped",
    "created": "running",
    "pending": "running",
    "preparing": "running",
    "running": "running",
    "scheduled": "running",
    "waiting_for_resource": "running",
}


class GitLabForge(Forge):
    """GitLab: jobs, approvals of merge requests, and issues."""

    key = "gitlab"
    issues: ClassVar[Mapping[str, str]] = {"state": "opened"}

    gitlab: Reference = Field(description="reference to a token that may read what is asked for")
    url: Url = Field("https://gitlab.com", description="the address of the server")

    def at(self, project: ForgeProject) -> str:
        return f"/api/v4/projects/{project.path.replace('/', '%2F')}"

    def checks(self, project: ForgeProject, revision: str) -> tuple[ForgeCheck, ...]:
        missing = f"{project.name} has no commit {revision[:12]}"
        jobs = list(
            project.pages(f"{self.at(project)}/repository/commits/{revision}/statuses", missing=missing, **self.page)
        )
        if any(words_of(job, "sha") != revision for job in jobs):
            raise strange()
        return tuple(map(_job, jobs))

    def pull_requests(self, project: ForgeProject, commit: str) -> tuple[PullRequest, ...]:
        path = f"{self.at(project)}/repository/commits/{commit}/merge_requests"
        every = project.pages(path, missing=f"{project.name} has no commit {commit[:12]}", **self.page)
        merged = [each for each in every if words_of(each, "state") == "merged"]
        own = [m for m in merged if commit in (m.get("merge_commit_sha"), m.get("squash_commit_sha"))] or merged
        return tuple(self._merge_request(project, each) for each in own)

    def _merge_request(self, project: ForgeProject, request: Mapping[str, Any]) -> PullRequest:
        number, head = words_of(request, "iid"), words_of(request, "sha")
        if not number.isdigit() or not head:
            raise strange()
        at = f"{self.at(project)}/merge_requests/{number}"
        approvals = project.document(f"{at}/approvals")
        approved = approvals.get("approved_by") if isinstance(approvals, dict) else None
        if not isinstance(approved, list):
            raise strange()
        # The newest version comes first: an approval before it is of an older commit.
        pushed = next((_moment(version.get("created_at")) for version in project.pages(f"{at}/versions")), None)
        if approved and pushed is None:
            raise UnknownEvidenceError(f"!{number} has no versions: nobody can tell which commit was approved")
        reviews = [_approval(each, head, pushed, number) for each in approved]
        # Who asks for changes takes the own approval back.
        changes = [r for r in project.pages(f"{at}/reviewers", **self.page) if r.get("state") == "requested_changes"]
        reviews += [ForgeReview(words_of(each, "user", "username"), "changes", head) for each in changes]
        # Of who wrote a commit only the name and the address are told.
        people = [person.identity for each in project.pages(f"{at}/commits", **self.page) for person in _people(each)]
        names = self._names(project)
        known = [CommitPerson(who, account) for who in people for account in names.get(who.name.casefold(), ("",))]
        authors = pull_authors(known, self, words_of(request, "author", "username"))
        return PullRequest(f"!{number}", authors.accounts, head, tuple(reviews), authors.strangers)

    def _names(self, project: ForgeProject) -> Mapping[str, list[str]]:
        """Return the accounts of the project's members by their names, in small letters."""
        names: dict[str, list[str]] = {}
        for member in project.pages(f"{self.at(project)}/members/all", **self.page):
            name, account = words_of(member, "name"), words_of(member, "username")
            if not account:
                raise strange()
            names.setdefault(name.casefold(), []).append(account)
        return names


def _people(commit: Mapping[str, Any]) -> Iterator[CommitPerson]:
    yield CommitPerson(Identity(words_of(commit, "author_name"), words_of(commit, "author_email")))
    yield from co_authors(commit)


def _job(job: Mapping[str, Any]) -> ForgeCheck:
    name, status = words_of(job, "name"), words_of(job, "status")
    if not name or not status:
        raise strange()
    state = _STATES.get(status, "unknown")
    return ForgeCheck(name, "allowed" if state == "failure" and job.get("allow_failure") is True else state, status)


def _approval(approval: Any, head: str, pushed: datetime | None, number: str) -> ForgeReview:
    if not isinstance(approval, dict) or not (who := words_of(approval, "user", "username")):
        raise strange()
    at = _moment(approval.get("approved_at"))
    if at is None or pushed is None:
        says = f"this version of gitlab does not say when {who} approved !{number}"
        raise UnknownEvidenceError(says, "have a named person sign in its place")
    bot = approval["user"].get("bot") is True or (who.startswith(("project_", "group_")) and "_bot" in who)
    return ForgeReview(who, "approved", head if at >= pushed else "an older one", bot)


def _moment(text: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo else None
