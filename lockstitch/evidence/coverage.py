"""Need `coverage`: the coverage of the tests, from a report in the revision."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, field_validator

from lockstitch.evidence.base import AppRevisions, Evidence, EvidenceSources, Need
from lockstitch.evidence.forges.base import UnknownEvidenceError

# Where tools write it: coverage.py, Istanbul, and what writes Cobertura or LCOV.
_USUAL = ("coverage.json", "coverage/coverage-summary.json", "coverage.xml", "coverage/lcov.info")
_PERCENTAGE = re.compile(r"(\d+(?:\.\d+)?)\s*%")


class CoverageNeed(Need):
    """The part of the lines that the tests reach, as a report says that the revision holds."""

    key = "coverage"
    short = "min"
    short_form: ClassVar[Mapping[str, Any]] = {"type": "string", "pattern": _PERCENTAGE.pattern}
    examples: ClassVar[tuple[Any, ...]] = ("80%", {"min": "80%", "file": "reports/coverage.xml"})

    min: float = Field(description="the percentage of the lines that must be reached, such as `80%`")
    file: str = Field("", description="the report: JSON of coverage.py or Istanbul, Cobertura XML, or LCOV")

    @field_validator("min", mode="before")
    @classmethod
    def _percentage(cls, value: Any) -> float:
        match = _PERCENTAGE.fullmatch(value) if isinstance(value, str) else None
        if not match or not 0 < float(match[1]) <= 100:
            raise ValueError(f"{value!r} is no percentage: write it like 80%")
        return float(match[1])

    @field_validator("file")
    @classmethod
    def _inside(cls, value: str) -> str:
        if value.startswith("/") or "\0" in value or ".." in value.split("/"):
            raise ValueError(f"{value!r} is no path in the repository")
        return value

    def judge(self, app: AppRevisions, sources: EvidenceSources) -> Evidence:
        commits = sources.commits(app)
        for path in (self.file,) if self.file else _USUAL:
            text = commits.file(app.after, path)
            if text is not None:
                return self._of(path, text)
        names = self.file or ", ".join(_USUAL)
        hint = "have CI commit the report, or have a named person sign in its place"
        raise UnknownEvidenceError(f"{app.after[:12]} holds no report: {names}", hint)

    def _of(self, path: str, text: str) -> Evidence:
        share = covered(text)
        if share is None:
            raise UnknownEvidenceError(f"{path} is no report of lines that is known")
        says = f"{share:.4g} % of the lines are reached, says {path}"
        return self.passed(says) if share >= self.min else self.failed(f"{says}; {self.min:g} % must be", "add tests")


def covered(text: str) -> float | None:
    """Return the percentage of lines that a report says are reached; None where it does not say."""
    if text.lstrip().startswith("{"):
        share = _of_json(text)
    elif text.lstrip().startswith("<"):
        share = _of_xml(text)
    else:
        share = _of_lcov(text)
    return share if share is not None and 0 <= share <= 100 else None


def _of_json(text: str) -> float | None:
    try:
        report = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for keys in (("totals", "percent_covered"), ("total", "lines", "pct")):
        value: Any = report
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return None


def _of_xml(text: str) -> float | None:
    try:
        root = ET.fromstring(text)  # noqa: S314 - expat bounds what entities become; nothing else of it is read
        return float(root.attrib["line-rate"]) * 100 if root.tag == "coverage" else None
    except (ET.ParseError, KeyError, ValueError):
        return None


def _of_lcov(text: str) -> float | None:
    lines = {"LF": 0, "LH": 0}
    for kind, number in re.findall(r"^(LF|LH):(\d{1,9})\s*$", text, re.MULTILINE):
        lines[kind] += int(number)
    return 100 * lines["LH"] / lines["LF"] if lines["LF"] else None
