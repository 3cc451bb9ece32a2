"""The base of all needs: what must be shown of a revision before it is deployed, and how the answers are judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict, model_validator

from lockstitch.evidence.forges.base import Forge, ForgeProject, UnknownEvidenceError
from lockstitch.model.lazy_dataclass import dataclass

# Fail is what was shown to be so; inconclusive is what proves neither.
EvidenceResult = Literal["pass", "fail", "inconclusive"]
_WORST: tuple[EvidenceResult, ...] = ("fail", "inconclusive", "pass")


@dataclass(frozen=True)
class Evidence:
    """The answer to one need: its result, the reason in a sentence, and what to do about it."""

    name: str
    result: EvidenceResult
    reason: str
    hint: str = ""


@dataclass(frozen=True)
class AppRevisions:
    """The revisions of an app that the evidence is about, as full commit ids: what its hosts have now (none before the
    first deploy), and what they get."""

    app: str
    repository: str
    before: tuple[str, ...]
    after: str


@dataclass(frozen=True)
class RecordedRelease:
    """A record in a host's journal: the run and its kind, its verdict on a release (good, bad, left, stopped), the
    revision that it brought, the one before it, and when. A run without an end has no verdict, and no revision."""

    run: str
    kind: str
    verdict: str
    revision: str
    before: str
    at: datetime


@dataclass(frozen=True)
class SiteReleases:
    """The records of an app on one host, oldest first. `lacking` says why some may be missing; `cut`: there are older
    ones; `repository` is the one that the app has there."""

    host: str
    records: tuple[RecordedRelease, ...]
    lacking: str = ""
    cut: bool = False
    repository: str = ""


class CommitSource(Protocol):
    """The commits of an app's repository. Every method raises UnknownEvidenceError where git cannot tell."""

    def branch(self, name: str) -> str:
        """Return the revision of a branch, as its repository has it now."""
        ...

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Tell whether a revision has all of another one."""
        ...

    def commits(self, before: Sequence[str], after: str, *, first_parent: bool = False) -> tuple[str, ...]:
        """Return the commits that `after` has and `before` has not, newest first."""
        ...

    def changed(self, before: str, after: str) -> tuple[str, ...]:
        """Return the paths that differ between two revisions."""
        ...

    def file(self, revision: str, path: str) -> str | None:
        """Return the text of a file in a revision; None where it has none."""
        ...


class EvidenceSources(Protocol):
    """The places where evidence is found. Every method raises UnknownEvidenceError where it cannot be had."""

    now: datetime

    def commits(self, app: AppRevisions) -> CommitSource: ...

    def forge(self, app: AppRevisions) -> tuple[Forge, ForgeProject]: ...

    def releases(self, environment: str, app: str) -> Sequence[SiteReleases]: ...


class Need(BaseModel):
    """The base of a need. Subclasses set `key`, have fields, and override `judge`."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    # The key that stands for it under `needs` and `requires`.
    key: ClassVar[str] = ""
    # The field that a value stands for which is no mapping, such as 2 in `reviews: 2`; empty where there is none.
    short: ClassVar[str] = ""
    # The JSON Schema of such a value.
    short_form: ClassVar[Mapping[str, Any]] = {}
    # Values as they are written; tests take each.
    examples: ClassVar[tuple[Any, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, written: Any) -> Any:
        return cls.expand(written)

    @classmethod
    def expand(cls, written: Any) -> Any:
        """Return the mapping of fields that a value stands for."""
        return {cls.short: written} if cls.short and not isinstance(written, dict) else written

    def environments(self) -> tuple[str, ...]:
        """Return the other environments whose hosts are asked."""
        return ()

    def judge(self, app: AppRevisions, sources: EvidenceSources) -> Evidence:
        """Return the evidence about one app. Raises UnknownEvidenceError where an answer proves nothing."""
        raise NotImplementedError

    def passed(self, reason: str) -> Evidence:
        return Evidence(self.key, "pass", reason)

    def failed(self, reason: str, hint: str = "") -> Evidence:
        return Evidence(self.key, "fail", reason, hint)


def find(need: Need, apps: Sequence[AppRevisions], sources: EvidenceSources) -> Evidence:
    """Return the evidence for a need about all apps: the worst of each, with a reason for each different one."""
    if not apps:
        return Evidence(need.key, "inconclusive", "there is no revision that it could be about")
    each = {app.app: _of_app(need, app, sources) for app in apps}
    result = next(result for result in _WORST if any(evidence.result == result for evidence in each.values()))
    meant = {name: evidence for name, evidence in each.items() if evidence.result == result}
    return Evidence(need.key, result, _reasons(meant, len(each)), next((e.hint for e in meant.values() if e.hint), ""))


def _of_app(need: Need, app: AppRevisions, sources: EvidenceSources) -> Evidence:
    try:
        return need.judge(app, sources)
    except UnknownEvidenceError as error:
        return Evidence(need.key, "inconclusive", error.says, error.hint)


def _reasons(each: dict[str, Evidence], count: int) -> str:
    names: dict[str, list[str]] = {}
    for name, evidence in each.items():
        names.setdefault(evidence.reason, []).append(name)
    if count == 1:
        return next(iter(names))
    return "; ".join(f"{', '.join(apps)}: {reason}" for reason, apps in names.items())


def listed_names(names: Iterable[str], most: int = 5) -> str:
    """Return names in a sentence, the first few of them."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
