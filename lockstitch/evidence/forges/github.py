"""Forge `github`: GitHub, and GitHub Enterprise with `url: https://HOST/api/v3`.

Formats: https://docs.github.com/rest. The token needs, to read: checks, commit statuses, contents, issues, pull
requests, and the alerts that are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    UnknownEvidenceError,
    strange,
    words_of,
)
from lockstitch.metrics.settings import Reference, Url

_CONCLUSIONS: Mapping[str, CheckState] = {
    "success": "success",
    "failure": "failure",
    "timed_out": "failure",
    "startup_failure": "failure",
    "skipped": "skipped",
    "neutral": "skipped",
}
_STATUSES: Mapping[str, CheckState] = {
    "success": "success",
    "failure": "failure",
    "error": "failure",
    "pending": "running",
}
_REVIEWS: Mapping[str, ReviewState] = {
    "APPROVED": "approved",
    "CHANGES_REQUESTED": "changes",
    "DISMISSED": "dismissed",
}
# Anybody may approve a public pull request; only these may merge.
_MEMBERS = ("OWNER", "MEMBER", "COLLABORATOR")
# GitHub lists no more commits of a pull request than these.
_MOST_COMMITS = 250
_ALERTS: Mapping[str, str] = {
    "dependabot": "dependabot/alerts",
    "code_scanning": "code-scanning/alerts",
    "secret_scanning": "secret-scanning/alerts",
}


class GitHubForge(Forge):
    """GitHub: checks, reviews, issues and security alerts."""

    key = "github"

    github: Reference = Field(description="reference to a token that may read what is asked for")
    url: Url = Field("https://api.github.com", description="where its API is; on a server of your own with /api/v3")

    @property
    def host(self) -> str:
        # The API of github.com, and of a company at ghe.com, has a host of its own.
        return super().host.removeprefix("api.")

    def at(self, project: ForgeProject) -> str:
        return f"/repos/{project.path}"

    def checks(self, project: ForgeProject, revision: str) -> tuple[ForgeCheck, ...]:
        at = f"{self.at(project)}/commits/{revision}"
        missing = f"{project.name} has no commit {revision[:12]}"
        runs = list(project.pages(f"{at}/check-runs", "check_runs", missing, filter="latest", **self.page))
        statuses = list(project.pages(f"{at}/status", "statuses", missing, **self.page))
        if any(words_of(run, "head_sha") != revision for run in runs):
            raise strange()
        return (*map(_run, runs), *map(_status, statuses))

    def pull_requests(self, project: ForgeProject, commit: str) -> tuple[PullRequest, ...]:
        at = self.at(project)
        every = project.pages(f"{at}/commits/{commit}/pulls", missing=f"{project.name} has no commit {commit[:12]}")
        merged = [pull for pull in every if pull.get("merged_at")]
        # The commit of a merge or a squash belongs to one; those of a rebase to all that have them.
        own = [pull for pull in merged if pull.get("merge_commit_sha") == commit] or merged
        return tuple(self._pull(project, pull) for pull in own)

    def _pull(self, project: ForgeProject, pull: Mapping[str, Any]) -> PullRequest:
        number, head = words_of(pull, "number"), words_of(pull, "head", "sha")
        if not number.isdigit() or not head:
            raise strange()
        at = f"{self.at(project)}/pulls/{number}"
        commits = list(project.pages(f"{at}/commits", **self.page))
        if len(commits) >= _MOST_COMMITS:
            raise UnknownEvidenceError(
                f"#{number} has {_MOST_COMMITS} commits or more: not all of its authors are told"
            )
        # What GitHub commits for somebody, it commits as this user.
        people = (person for each in commits for person in commit_people(each, ignored="web-flow"))
        authors = pull_authors(people, self, words_of(pull, "user", "login"))
        reviews: dict[str, ForgeReview] = {}
        for each in project.pages(f"{at}/reviews", **self.page):
            who, state = words_of(each, "user", "login"), _REVIEWS.get(words_of(each, "state"))
            if who and state:
                bot = words_of(each, "user", "type") == "Bot"
                counts = words_of(each, "author_association") in _MEMBERS
                reviews[who] = ForgeReview(who, state, words_of(each, "commit_id"), bot, counts)
        return PullRequest(f"#{number}", authors.accounts, head, tuple(reviews.values()), authors.strangers)

    def security_alerts(self, project: ForgeProject, kinds: tuple[str, ...]) -> Mapping[str, int]:
        counts = {}
        for kind in kinds or tuple(_ALERTS):
            if kind not in _ALERTS:
                raise UnknownEvidenceError(f"github has no alerts of kind {kind}", f"one of {', '.join(_ALERTS)}")
            missing = f"{kind} is off in {project.name}"
            try:
                path = f"{self.at(project)}/{_ALERTS[kind]}"
                counts[kind] = sum(1 for _ in project.pages(path, missing=missing, state="open", **self.page))
            except UnknownEvidenceError as error:
                hint = error.hint or f"`of` names the kinds that are asked for: {', '.join(_ALERTS)}"
                raise UnknownEvidenceError(f"{kind}: {error.says}", hint) from error
        return counts


def _run(run: Mapping[str, Any]) -> ForgeCheck:
    name, status, conclusion = words_of(run, "name"), words_of(run, "status"), words_of(run, "conclusion")
    if not name or not status:
        raise strange()
    if status != "completed":
        return ForgeCheck(name, "running", status)
    return ForgeCheck(name, _CONCLUSIONS.get(conclusion, "unknown"), conclusion)


def _status(status: Mapping[str, Any]) -> ForgeCheck:
    name, state = words_of(status, "context"), words_of(status, "state")
    if not name:
        raise strange()
    return ForgeCheck(name, _STATUSES.get(state, "unknown"), state)
