"""Need `reviews`: every pull request between what is deployed and what comes was approved by so many others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from lockstitch.evidence.base import AppRevisions, Evidence, EvidenceSources, Need, listed_names
from lockstitch.evidence.forges.base import ForgeReview, PullRequest, UnknownEvidenceError

# More than this is no release that anybody has read.
_MOST_COMMITS = 300


class ReviewsNeed(Need):
    """Approvals of pull requests. One counts that a person gave who may merge and wrote none of it, also not as a
    co-author, about the last commit of the pull request, and did not take back."""

    key = "reviews"
    short = "min"
    short_form: ClassVar[Mapping[str, Any]] = {"type": "integer", "minimum": 1, "maximum": 20}
    examples: ClassVar[tuple[Any, ...]] = (2,)

    min: int = Field(description="how many approvals each pull request must have", ge=1, le=20, strict=True)

    def judge(self, app: AppRevisions, sources: EvidenceSources) -> Evidence:
        if not app.before:
            raise UnknownEvidenceError("nothing is deployed yet: it has no commits between, and so no pull requests")
        commits = sources.commits(app).commits(app.before, app.after, first_parent=True)
        if not commits:
            return self.passed("no commits come")
        if len(commits) > _MOST_COMMITS:
            raise UnknownEvidenceError(f"{len(commits)} commits come, and {_MOST_COMMITS} at most are asked about")
        forge, project = sources.forge(app)
        pulls: dict[str, PullRequest] = {}
        alone = []
        for commit in commits:
            known = forge.pull_requests(project, commit)
            pulls |= {pull.number: pull for pull in known}
            alone += [] if known else [commit[:12]]
        lacking = [said for pull in pulls.values() if (said := self._lacking(pull))]
        if alone:
            lacking.append(f"{listed_names(alone)} came in without a pull request")
        if lacking:
            return self.failed("; ".join(lacking), "have it reviewed, or have a named person sign in its place")
        # At worst each of them is somebody who has approved it.
        if unclear := [pull for pull in pulls.values() if _approvals(pull) - len(pull.strangers) < self.min]:
            who = listed_names(dict.fromkeys(f"{pull.number} ({who})" for pull in unclear for who in pull.strangers))
            says = f"nobody can tell whether an author approved it, as these have no account there: {who}"
            raise UnknownEvidenceError(says, "forge: accounts: {ADDRESS: ACCOUNT} names the account of each")
        return self.passed(f"{listed_names(pulls)} have {self.min} approvals each")

    def _lacking(self, pull: PullRequest) -> str:
        """Return what a pull request lacks; empty where it lacks nothing."""
        kinds = Counter(_kind(review, pull) for review in pull.reviews)
        if changes := [review.by for review in pull.reviews if _kind(review, pull) == "changes"]:
            return f"{pull.number}: {listed_names(changes)} asked for changes"
        if kinds["good"] >= self.min:
            return ""
        others = [f"{count} {kind}" for kind, count in kinds.items() if kind not in ("good", "changes")]
        not_counted = f" (not counted: {', '.join(others)})" if others else ""
        return f"{pull.number} has {kinds['good']} approvals, and needs {self.min}{not_counted}"


def _approvals(pull: PullRequest) -> int:
    return sum(_kind(review, pull) == "good" for review in pull.reviews)


def _kind(review: ForgeReview, pull: PullRequest) -> str:
    """Return `good` for an approval that counts, `changes` for the opposite, else why it does not count."""
    if review.state == "dismissed":
        return "dismissed"
    if review.bot:
        return "of a bot"
    if review.by.casefold() in pull.authors:
        return "of an author"
    if not review.counts:
        return "of who may not merge"
    if review.state == "changes":
        return "changes"
    return "good" if review.commit == pull.head else "of an older commit"
