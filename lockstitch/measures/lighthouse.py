"""Measure `lighthouse`: the score of a page by the program of this machine, as the median of several runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, StrictInt, model_validator

from lockstitch.measures.base import (
    Measure,
    MeasuredOn,
    MeasuredSite,
    MeasureProgram,
    MeasureResult,
    ProgramResult,
    blind,
)
from lockstitch.measures.settings import Headers
from lockstitch.metrics.judgement import Answer
from lockstitch.metrics.settings import Seconds, Url
from lockstitch.model.command import Secret, plain
from lockstitch.model.probe import object_of

_CHROME = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run"
_METRICS = {
    "first-contentful-paint": "fcp",
    "largest-contentful-paint": "lcp",
    "total-blocking-time": "tbt",
    "cumulative-layout-shift": "cls",
    "speed-index": "speed_index",
    "total-byte-weight": "bytes",
}
# A report is kept if it is no longer than this, in characters.
_LONGEST = 5_000_000


class LighthouseMeasure(Measure):
    """The score of a page, from 0 to 100: the median of the runs."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"url": "https://www.example.com/", "min": 95},
        {"url": "https://www.example.com/", "runs": 3, "tolerance": 3, "category": "accessibility"},
    )

    kind: Literal["lighthouse"] = Field(description="the score of a page, by the program `lighthouse` of this machine")
    url: Url = Field(description="the page")
    category: Literal["performance", "accessibility", "best-practices", "seo"] = Field(
        "performance", description="the score that is judged"
    )
    min: StrictInt | None = Field(None, ge=1, le=100, description="the smallest median score")
    tolerance: StrictInt | None = Field(
        None, ge=0, le=100, description="by how much it may be lower than that of the last good release"
    )
    runs: StrictInt = Field(5, ge=1, le=15, description="how often it runs; the median is judged")
    headers: Headers = Field({}, description="headers of each request, as references: `env:NAME`")
    chrome: str = Field(_CHROME, description="flags of the browser")
    timeout: Seconds = Field(120.0, description="how long one run may take")

    @model_validator(mode="after")
    def _judges(self) -> LighthouseMeasure:
        if self.min is None and self.tolerance is None:
            raise ValueError("it judges nothing: write min or tolerance")
        return self

    def measured_on(self) -> MeasuredOn:
        return "here"

    def references(self) -> tuple[str, ...]:
        return tuple(self.headers.values())

    def program(self, site: MeasuredSite) -> MeasureProgram:
        words = [
            "lighthouse",
            self.url,
            "--quiet",
            "--no-enable-error-reporting",
            "--output=json",
            "--output-path=stdout",
            f"--only-categories={self.category}",
            f"--chrome-flags={self.chrome}",
        ]
        files: dict[str, Secret] = {}
        if self.headers:
            # A command line can be read by all users of this machine.
            known = {name: plain(site.known.get(reference, "")) for name, reference in self.headers.items()}
            words.append("--extra-headers={headers.json}")
            files["{headers.json}"] = Secret(json.dumps(known))
        return MeasureProgram(tuple(words), files, self.runs, self.timeout)

    def judge(self, site: MeasuredSite, sample: Any, before: Mapping[str, float] | None) -> MeasureResult:
        results: Sequence[ProgramResult] = sample
        reports = [report for result in results if (report := _report(result, self.category)) is not None]
        elsewhere = [page for _, report in reports if (page := _other_page(self.url, report))]
        reports = [report for report in reports if not _other_page(self.url, report[1])]
        reason = elsewhere[0] if elsewhere else _reason(results)
        if 2 * len(reports) <= self.runs:
            return blind(
                f"{len(reports)} of {self.runs} runs have a score: {reason}",
                "write the url that answers itself, or give the page what it asks for: `headers`"
                if elsewhere
                else "install it here: npm install --global lighthouse, and a Chromium; CHROME_PATH names one",
            )
        scores = [score for score, _ in reports]
        score = median(scores)
        numbers = {"score": score, "lowest": min(scores), "highest": max(scores), "runs": float(len(scores))}
        middle = min(reports, key=lambda report: abs(report[0] - score))[1]
        numbers |= _numbers(middle)
        answer, says, notes = Answer.PASS, [f"{self.category} {score:g}, the median of {_listed(scores)}"], []
        if self.min is not None:
            says.append(f"at least {self.min}")
            answer = Answer.FAIL if score < self.min else answer
        if self.tolerance is not None and (earlier := (before or {}).get("score")) is not None:
            says.append(f"{earlier:g} in {site.earlier}, at least {earlier - self.tolerance:g}")
            answer = Answer.FAIL if score < earlier - self.tolerance else answer
        elif self.tolerance is not None and site.unknown and answer is not Answer.FAIL:
            return blind(
                f"the release before is not known: {site.unknown}", "make that readable there, or leave `tolerance` out"
            )
        elif self.tolerance is not None:
            notes.append("nothing is recorded here of a good release before this one: it is not compared")
            answer = Answer.FEW if self.min is None else answer
        if len(reports) < self.runs:
            notes.append(f"{self.runs - len(reports)} of {self.runs} runs have no score: {reason}")
        return MeasureResult(answer, "; ".join(says), notes=tuple(notes), numbers=numbers, report=_kept(middle))


def _report(result: ProgramResult, category: str) -> tuple[float, Mapping[str, Any]] | None:
    """Return the score (0 to 100) and the report of a run; None where it has none."""
    report = object_of(result.output) if result.code == 0 else None
    try:
        score = report["categories"][category]["score"] if report else None
    except (KeyError, TypeError):
        return None
    if report is None or not isinstance(score, int | float) or isinstance(score, bool) or not 0 <= score <= 1:
        return None
    return round(float(score) * 100, 1), report


def _other_page(url: str, report: Mapping[str, Any]) -> str:
    """Return why the score is not that of the page at `url`; empty where it is. A query that the page's own code adds
    to its address is no other page; one that a redirect adds is."""
    last = report.get("finalUrl")  # the one name before Lighthouse 10
    main, shown = report.get("mainDocumentUrl", last), report.get("finalDisplayedUrl", last)
    if not isinstance(main, str) or not isinstance(shown, str):
        return "its report does not say which page has the score"
    if _address(main) != _address(url) or urlsplit(main).query != urlsplit(url).query:
        return f"{url} redirects to {_address(main)}"
    return f"{url} goes on to {_address(shown)}" if _address(shown) != _address(url) else ""


def _address(url: str) -> str:
    """Return a URL without query and fragment, which may hold tokens, nor a port that its scheme has anyway."""
    parts = urlsplit(url)
    server = (
        parts.netloc.rpartition("@")[2].lower().removesuffix({"http": ":80", "https": ":443"}.get(parts.scheme, ":"))
    )
    return f"{parts.scheme}://{server}{parts.path or '/'}"


def _reason(results: Sequence[ProgramResult]) -> str:
    """Return why a run has no score, in its own words."""
    for result in results:
        report = object_of(result.output)
        error = report.get("runtimeError") if report else None
        if isinstance(error, dict):
            return str(error.get("message") or error.get("code"))[:200]
        if result.code != 0:
            lines = [line for line in result.errors.splitlines() if line.strip()]
            said = lines[-1][:200] if lines else "it said nothing"
            return result.output if result.code is None else f"exit code {result.code}: {said}"
    return "its report has no such score"


def _numbers(report: Mapping[str, Any]) -> dict[str, float]:
    audits = report.get("audits")
    known = {}
    for audit, name in _METRICS.items():
        value = audits.get(audit, {}).get("numericValue") if isinstance(audits, dict) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            known[name] = round(float(value), 3)
    return known


def _kept(report: Mapping[str, Any]) -> str:
    """Return the report as text, without the headers that were sent; empty where it is too long to keep."""
    settings = report.get("configSettings")
    if isinstance(settings, dict):
        report = {**report, "configSettings": {**settings, "extraHeaders": None}}
    text = json.dumps(report)
    return text if len(text) <= _LONGEST else ""


def _listed(scores: Sequence[float]) -> str:
    return ", ".join(f"{score:g}" for score in sorted(scores))
