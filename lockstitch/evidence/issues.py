"""Needs `open_issues` and `security_alerts`: what is open on the forge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from lockstitch.evidence.base import AppRevisions, Evidence, EvidenceSources, Need


class OpenIssuesNeed(Need):
    """Open issues with a label. A label that the forge does not have proves nothing."""

    key = "open_issues"
    examples: ClassVar[tuple[Any, ...]] = ({"label": "P0"},)

    label: str = Field(description="the label of the issues", min_length=1, pattern=r"^[^,\n]+$")
    max: int = Field(0, description="so many may be open", ge=0, strict=True)

    def judge(self, app: AppRevisions, sources: EvidenceSources) -> Evidence:
        forge, project = sources.forge(app)
        count = forge.open_issues(project, self.label)
        says = f"{count} issues with the label {self.label} are open in {project.name}"
        return self.passed(says) if count <= self.max else self.failed(f"{says}, {self.max} may be", "close them first")


class SecurityAlertsNeed(Need):
    """Open security alerts. Each kind must be on: one that is off has no alerts, and proves nothing."""

    key = "security_alerts"
    short = "max"
    short_form: ClassVar[Mapping[str, Any]] = {"type": "integer", "minimum": 0}
    examples: ClassVar[tuple[Any, ...]] = (0, {"max": 0, "of": ["dependabot"]})

    max: int = Field(0, description="so many may be open", ge=0, strict=True)
    of: tuple[str, ...] = Field(
        (), description="the kinds: `dependabot`, `code_scanning`, `secret_scanning`; all without it"
    )

    def judge(self, app: AppRevisions, sources: EvidenceSources) -> Evidence:
        forge, project = sources.forge(app)
        counts = forge.security_alerts(project, self.of)
        says = f"alerts that are open: {', '.join(f'{kind} {count}' for kind, count in counts.items())}"
        if sum(counts.values()) <= self.max:
            return self.passed(says)
        return self.failed(f"{says}; {self.max} may be", "see to them, or dismiss them there with a reason")
