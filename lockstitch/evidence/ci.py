"""Need `ci`: the checks of the commit have passed, as its forge says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from lockstitch.evidence.base import AppRevisions, Evidence, EvidenceSources, Need, listed_names
from lockstitch.evidence.forges.base import CheckState, ForgeCheck, UnknownEvidenceError


class CiNeed(Need):
    """Checks on the forge. A check that still runs, was skipped, or is not there proves nothing."""

    key = "ci"
    short = "state"
    short_form: ClassVar[Mapping[str, Any]] = {"const": "green"}
    examples: ClassVar[tuple[Any, ...]] = ("green", {"required": ["tests", "lint"]})

    state: Literal["green"] = Field("green", description="every check has passed")
    required: tuple[str, ...] = Field((), description="checks that must be there and have passed, by their names")

    @model_validator(mode="after")
    def _named(self) -> CiNeed:
        if any(not name.strip() for name in self.required):
            raise ValueError("the name of a check is empty")
        return self

    def judge(self, app: AppRevisions, sources: EvidenceSources) -> Evidence:
        forge, project = sources.forge(app)
        checks = forge.checks(project, app.after)
        at = f"of {app.after[:12]}"
        if failed := _of(checks, "failure"):
            return self.failed(f"{listed_names(failed)} failed {at}", "mend it, and deploy a commit that passes")
        if running := _of(checks, "running"):
            raise UnknownEvidenceError(
                f"{listed_names(running)} still runs or waits {at}", "ask again once it has ended"
            )
        if unknown := [f"{check.name} ({check.says})" for check in checks if check.state == "unknown"]:
            raise UnknownEvidenceError(f"{listed_names(unknown)} proves nothing {at}")
        if skipped := [name for name in self.required if name in _of(checks, "skipped", "allowed")]:
            raise UnknownEvidenceError(f"{listed_names(skipped)} is required and was skipped, or may fail, {at}")
        success = _of(checks, "success")
        if missing := [name for name in self.required if name not in success]:
            raise UnknownEvidenceError(f"{listed_names(missing)} is required, and no check {at}")
        if not success:
            said = "every check was skipped" if checks else "there are no checks"
            raise UnknownEvidenceError(f"{said} {at}", "have CI test this commit")
        others = _of(checks, "skipped", "allowed")
        besides = f"; {len(others)} were skipped or may fail" if others else ""
        return self.passed(f"{len(success)} checks {at} have passed{besides}")


def _of(checks: tuple[ForgeCheck, ...], *states: CheckState) -> list[str]:
    return list(dict.fromkeys(check.name for check in checks if check.state in states))
