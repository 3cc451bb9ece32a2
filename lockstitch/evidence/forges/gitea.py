"""Forge `gitea`: Gitea and Forgejo.

Formats: https://docs.gitea.com/api. The token needs, to read: repository and issue.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from lockstitch.evidence.forges.authors import commit_people, pull_authors
from lockstitch.evidence.forges.base import (
    CheckState,
    Forge,
    ForgeCheck,
    ForgeProject,
    ForgeReview,
    PullRequest,
    ReviewState,
    strange,
    words_of,
)
from lockstitch.metrics.settings import Reference, Url

_STATES: Mapping[str, CheckState] = {
    "success": "success",
    "warning": "allowed",
    "failure": "failure",
    "error": "failure",
    "pending": "running",
    "skipped": "skipped",
}
_REVIEWS: Mapping[str, ReviewState] = {"APPROVED": "approved", "REQUEST_CHANGES": "changes"}


class GiteaForge(Forge):
    """Gitea: statuses of commits, reviews and issues."""

    key = "gitea"
    numbered = True
    page: ClassVar[Mapping[str, str]] = {"limit": "50"}
    issues: ClassVar[Mapping[str, str]] = {"state": "open", "type": "issues"}

    gitea: Reference = Field(description="reference to a token that may read what is asked for")
    url: Url = Field(description="the address of the server")

    def at(self, project: ForgeProject) -> str:
        return f"/api/v1/repos/{project.path}"

    def checks(self, project: ForgeProject, revision: str) -> tuple[ForgeCheck, ...]:
        missing = f"{project.name} has no commit {revision[:12]}"
        path = f"{self.at(project)}/commits/{revision}/status"
        return tuple(map(_status, project.pages(path, "statuses", missing, **self.page)))

    def pull_requests(self, project: ForgeProject, commit: str) -> tuple[PullRequest, ...]:
        path = f"{self.at(project)}/commits/{commit}/pull"
        pull = project.document(path, f"{project.name} has no pull request of commit {commit[:12]}")
        number, head = words_of(pull, "number"), words_of(pull, "head", "sha")
        if not number.isdigit() or not head:
            raise strange()
        at = f"{self.at(project)}/pulls/{number}"
        commits = list(project.pages(f"{at}/commits", **self.page))
        people = (person for each in commits for person in commit_people(each))
        authors = pull_authors(people, self, words_of(pull, "user", "login"))
        reviews: dict[str, ForgeReview] = {}
        for each in project.pages(f"{at}/reviews", **self.page):
            who, state = words_of(each, "user", "login"), _REVIEWS.get(words_of(each, "state"))
            if who and state:
                state = "dismissed" if each.get("dismissed") is True else state
                reviewed = "an older one" if each.get("stale") is True else words_of(each, "commit_id")
                reviews[who] = ForgeReview(who, state, reviewed, counts=each.get("official") is True)
        return (PullRequest(f"#{number}", authors.accounts, head, tuple(reviews.values()), authors.strangers),)


def _status(status: Mapping[str, Any]) -> ForgeCheck:
    name, state = words_of(status, "context"), words_of(status, "status")
    if not name:
        raise strange()
    return ForgeCheck(name, _STATES.get(state, "unknown"), state)
