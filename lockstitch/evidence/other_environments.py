"""Needs that the journals of another environment's hosts answer: `passed_in` and `rollback_rehearsed`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from lockstitch.evidence.base import (
    AppRevisions,
    Evidence,
    EvidenceSources,
    Need,
    RecordedRelease,
    listed_names,
)
from lockstitch.evidence.forges.base import UnknownEvidenceError
from lockstitch.evidence.repositories import is_same_repository
from lockstitch.metrics.settings import Seconds
from lockstitch.model.format import span

# So much may the clock of a host be ahead of ours.
_AHEAD = timedelta(minutes=5)
_NAME = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
# A duration, or the fields of one environment.
_WITHIN = {"type": ["number", "string", "object"]}
_Match = Callable[[RecordedRelease], bool]


class PassedWithin(BaseModel):
    """The longest time since then."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    within: Seconds = Field(description="how long ago it may be at most")


class RehearsedWithin(PassedWithin):
    """The longest time since a rehearsal, and of what it must have been."""

    of: Literal["same", "any"] = Field("same", description="`same`: back from this revision; `any`: from any revision")


def _expanded(written: Any) -> Any:
    """Return the full form of `{staging: 7d}`, and of `{in: staging, within: 30d}`."""
    if not isinstance(written, dict) or "environments" in written:
        return written
    if "in" in written:
        written = {written["in"]: {key: value for key, value in written.items() if key != "in"}}
    return {
        "environments": {name: each if isinstance(each, dict) else {"within": each} for name, each in written.items()}
    }


class _JournalNeed(Need):
    """The base of both."""

    short_form: ClassVar[Mapping[str, Any]] = {"type": "object", "additionalProperties": _WITHIN}

    @classmethod
    def expand(cls, written: Any) -> Any:
        return _expanded(written)

    def _judged(
        self, app: AppRevisions, sources: EvidenceSources, environment: str, within: float, about: _Match, what: str
    ) -> Evidence:
        """Judge the newest run on each host of which a record is `about` it: each must be good, and not too old."""
        sites = sources.releases(environment, app.app)
        if not sites:
            raise UnknownEvidenceError(f"{environment} has no app {app.app}")
        newest = {
            site.host: next((r for r in reversed(site.records) if about(r) or not r.verdict), None) for site in sites
        }
        bad = [
            f"{host} ({r.run}: {r.verdict})"
            for host, r in newest.items()
            if r is not None and r.verdict not in ("good", "")
        ]
        if bad:
            return self.failed(
                f"the newest {what} did not pass on {listed_names(bad)}", f"fab -H {environment} history"
            )
        if lacking := [f"{site.host}: {site.lacking}" for site in sites if site.lacking]:
            raise UnknownEvidenceError(f"{environment}: {listed_names(lacking)}")
        if cut_off := [f"{host} ({r.run})" for host, r in newest.items() if r is not None and not r.verdict]:
            says = (
                f"the newest run in {environment} has no end on {listed_names(cut_off)}: it still runs, or was killed"
            )
            raise UnknownEvidenceError(says, f"fab -H {environment} history")
        if cut := [site.host for site in sites if site.cut and newest[site.host] is None]:
            raise UnknownEvidenceError(f"{listed_names(cut)} of {environment}: its journal has more than was read")
        records = [r for r in newest.values() if r is not None]
        if not records:
            return self.failed(f"{environment} records no {what}", f"fab -H {environment} deploy --ref {app.after}")
        if absent := [host for host, r in newest.items() if r is None]:
            raise UnknownEvidenceError(f"{listed_names(absent)} of {environment} records no {what}, and others do")
        oldest, latest = min(r.at for r in records), max(r.at for r in records)
        if latest > sources.now + _AHEAD:
            raise UnknownEvidenceError(
                f"the clock of a host of {environment} is ahead: {what} at {latest:%Y-%m-%d %H:%M}"
            )
        ago = max(0, round((sources.now - oldest).total_seconds()))
        if ago > within:
            says = f"the newest {what} in {environment} was {span(ago)} ago, and {span(round(within))} at most may pass"
            return self.failed(says, f"fab -H {environment} deploy --ref {app.after} --force")
        return self.passed(f"{what} in {environment} {span(ago)} ago, on {len(records)} hosts ({records[-1].run})")


class PassedInNeed(_JournalNeed):
    """Another environment that the same revision was deployed to, and proven to serve. Its newest run counts."""

    key = "passed_in"
    examples: ClassVar[tuple[Any, ...]] = ({"staging": "7d"}, {"staging": {"within": "7d"}})

    by_name: dict[_NAME, PassedWithin] = Field(
        alias="environments", description="the environments, and how long ago each may be", min_length=1
    )

    def environments(self) -> tuple[str, ...]:
        return tuple(self.by_name)

    def judge(self, app: AppRevisions, sources: EvidenceSources) -> Evidence:
        def about(record: RecordedRelease) -> bool:
            return record.revision == app.after

        what = f"deploy of {app.after[:12]}"
        return _all(self._judged(app, sources, name, each.within, about, what) for name, each in self.by_name.items())


class RollbackRehearsedNeed(_JournalNeed):
    """Another environment that was rolled back from the same revision, and served again."""

    key = "rollback_rehearsed"
    examples: ClassVar[tuple[Any, ...]] = ({"staging": "30d"}, {"in": "staging", "within": "30d", "of": "any"})

    by_name: dict[_NAME, RehearsedWithin] = Field(
        alias="environments", description="the environments, and how long ago each may be", min_length=1
    )

    def environments(self) -> tuple[str, ...]:
        return tuple(self.by_name)

    def judge(self, app: AppRevisions, sources: EvidenceSources) -> Evidence:
        return _all(self._of(app, sources, name, each) for name, each in self.by_name.items())

    def _of(self, app: AppRevisions, sources: EvidenceSources, name: str, each: RehearsedWithin) -> Evidence:
        def about(record: RecordedRelease) -> bool:
            # What it went back from is recorded beside: as left.
            is_end = record.kind == "rollback" and record.verdict not in ("left", "")
            return is_end and (each.of == "any" or record.before == app.after)

        for site in sources.releases(name, app.app) if each.of == "any" else ():
            # Revisions are not compared here, and an app of the same name may be another one.
            if not is_same_repository(site.repository, app.repository):
                raise UnknownEvidenceError(
                    f"{app.app} of {name} has the repository {site.repository}, and this one {app.repository}",
                    "write the same one in both inventories, or take `of: same`",
                )
        what = "rollback" if each.of == "any" else f"rollback from {app.after[:12]}"
        return self._judged(app, sources, name, each.within, about, what)


def _all(every: Iterator[Evidence]) -> Evidence:
    """Return the first that failed; else the last one with all reasons."""
    reasons = []
    evidence = None
    for evidence in every:
        if evidence.result != "pass":
            return evidence
        reasons.append(evidence.reason)
    assert evidence is not None
    return Evidence(evidence.name, evidence.result, "; ".join(reasons))
