"""Needs about the commits themselves: where they are, what they change, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from pydantic import Field, model_validator

from lockstitch.evidence.base import AppRevisions, CommitSource, Evidence, EvidenceSources, Need, listed_names
from lockstitch.evidence.forges.base import UnknownEvidenceError

_BRANCH = r"^[A-Za-z0-9_][^\s~^:?*\[\\]*$"
_FIRST = "nothing is deployed yet: it has no commits between"


class _BranchNeed(Need):
    """The base of needs about a branch."""

    short = "branch"
    short_form: ClassVar[Mapping[str, Any]] = {"type": "string"}
    examples: ClassVar[tuple[Any, ...]] = ("main",)

    branch: str = Field(description="the branch, as its repository has it now", pattern=_BRANCH)

    def judge(self, app: AppRevisions, sources: EvidenceSources) -> Evidence:
        commits = sources.commits(app)
        return self.of_tip(app, commits.branch(self.branch), commits)

    def of_tip(self, app: AppRevisions, tip: str, commits: CommitSource) -> Evidence:
        """Return the evidence about one app and the newest commit of the branch."""
        raise NotImplementedError


class ContainedInNeed(_BranchNeed):
    """A branch that has the revision: what is not merged there is refused."""

    key = "contained_in"

    def of_tip(self, app: AppRevisions, tip: str, commits: CommitSource) -> Evidence:
        if commits.is_ancestor(app.after, tip):
            return self.passed(f"{self.branch} has {app.after[:12]}")
        return self.failed(
            f"{self.branch} (at {tip[:12]}) does not have {app.after[:12]}", f"merge it to {self.branch}"
        )


class ContainsNeed(_BranchNeed):
    """A branch of which the revision has everything, such as main in staging."""

    key = "contains"

    def of_tip(self, app: AppRevisions, tip: str, commits: CommitSource) -> Evidence:
        if commits.is_ancestor(tip, app.after):
            return self.passed(f"{app.after[:12]} has all of {self.branch}")
        return self.failed(
            f"{app.after[:12]} lacks commits of {self.branch} (at {tip[:12]})", f"merge {self.branch} first"
        )


class ChangedNeed(Need):
    """Files that differ from what is deployed, such as the changelog."""

    key = "changed"
    short = "paths"
    short_form: ClassVar[Mapping[str, Any]] = {"type": "array", "items": {"type": "string"}}
    examples: ClassVar[tuple[Any, ...]] = (["CHANGELOG.md", "docs/*"],)

    paths: tuple[str, ...] = Field(description="paths or patterns; each must match a file that changes", min_length=1)

    def judge(self, app: AppRevisions, sources: EvidenceSources) -> Evidence:
        if not app.before:
            raise UnknownEvidenceError(_FIRST)
        if app.before == (app.after,):
            return self.passed("no commits come")
        commits = sources.commits(app)
        for before in app.before:
            changed = commits.changed(before, app.after)
            if unchanged := [p for p in self.paths if p not in changed and not any(fnmatchcase(q, p) for q in changed)]:
                says = f"{listed_names(unchanged)} is the same as in {before[:12]}, which is deployed"
                return self.failed(says, "change it in a commit of its own, and deploy that")
        return self.passed(f"{listed_names(self.paths)} changes")


class LimitsNeed(Need):
    """Limits to what comes, for hotfixes."""

    key = "limits"
    examples: ClassVar[tuple[Any, ...]] = ({"commits": 3, "files": 20},)

    commits: int | None = Field(None, description="how many commits may come", ge=0, strict=True)
    files: int | None = Field(None, description="how many files may change", ge=0, strict=True)

    @model_validator(mode="after")
    def _some(self) -> LimitsNeed:
        if self.commits is None and self.files is None:
            raise ValueError("it limits nothing: give commits, files or both")
        return self

    def judge(self, app: AppRevisions, sources: EvidenceSources) -> Evidence:
        if not app.before:
            raise UnknownEvidenceError(_FIRST)
        source = sources.commits(app)
        counts = {
            "commits": len(source.commits(app.before, app.after)),
            "files": max(len(source.changed(before, app.after)) for before in app.before),
        }
        limits = {"commits": self.commits, "files": self.files}
        says = ", ".join(f"{counts[name]} {name}" for name, limit in limits.items() if limit is not None)
        over = [f"{limit} {name}" for name, limit in limits.items() if limit is not None and counts[name] > limit]
        if over:
            return self.failed(f"{says} come, and at most {', '.join(over)} may", "make it smaller")
        return self.passed(f"{says} come")
