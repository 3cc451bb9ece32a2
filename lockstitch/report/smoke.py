"""The results of smoke journeys as text, JSON and JUnit's XML. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree import ElementTree

from lockstitch.model.format import span
from lockstitch.model.smoke_check import SmokeEnding, SmokeResult
from lockstitch.report.text import counted, indented, table
from lockstitch.smoke.journey import Journey
from lockstitch.smoke.results import JourneyResult
from lockstitch.text import oneline

_WORDS = {SmokeEnding.FAILED: "FAILED", SmokeEnding.INCONCLUSIVE: "INCONCLUSIVE"}
# Characters that XML 1.0 cannot hold.
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def result_line(result: SmokeResult) -> str:
    """Return a result in one line."""
    where = f" on {result.host}" if result.host else ""
    why = f": {result.reason}" if result.reason else ""
    word = _WORDS.get(result.ending, result.ending.value)
    return oneline(f"{result.app}{where}: smoke {result.step}: {word}{why}")


def journeys_text(results: Sequence[JourneyResult], environment: str, run: str) -> str:
    """Return the end of a run of journeys for people."""
    lines: list[str] = []
    rows = [
        (
            f"{each.app}@{each.host}" if each.host else each.app,
            step.step,
            _WORDS.get(step.ending, step.ending.value),
            span(step.seconds, tenths=True),
            " ".join(step.tags),
            oneline(step.reason),
        )
        for each in results
        for step in each.steps
    ]
    lines += table(("APP", "STEP", "RESULT", "TIME", "TAGS", "WHY"), rows).splitlines() if rows else []
    for each in results:
        for step in each.steps:
            if step.output:
                lines += [f"  the last lines of `{oneline(step.step)}`:", *indented(step.output)]
    lines += leftover_lines(results, environment)
    for each in results:
        if each.revision:
            lines.append(
                f"release {oneline(each.revision[:12])} of {each.app} answered{f' on {each.host}' if each.host else ''}"
            )
    lines += ["", f"smoke of {environment} {ending_words(results)}", f"run {run}"]
    return "\n".join(lines)


def leftover_lines(results: Iterable[JourneyResult], environment: str) -> list[str]:
    """Return a line for everything that is still there, and what to type next."""
    remaining = [each for result in results for each in result.leftovers]
    lines = [
        oneline(f"! {each.app}: what {each.step} has made may still be there: {each.reason}") for each in remaining
    ]
    if remaining:
        lines.append(
            f"next: fab -H {environment} smoke.clean; see to the rest, then: smoke.clean --forget {remaining[0].entry}"
        )
    return lines


def counts(results: Iterable[JourneyResult]) -> dict[str, int]:
    """Return how many steps ended in which way."""
    tallies = Counter(step.ending.value for each in results for step in each.steps)
    return {ending.value: tallies[ending.value] for ending in SmokeEnding if tallies[ending.value]}


def ending_words(results: Sequence[JourneyResult]) -> str:
    """Return the end of all in words: a verdict, and the counts."""
    numbers = ", ".join(f"{number} {word}" for word, number in counts(results).items()) or "no step was run"
    cleaned = sum(each.cleaned for each in results)
    made = f"; {counted(cleaned, 'thing')} made and taken away again" if cleaned else ""
    verdict = "passed" if results and all(each.passed for each in results) else "DID NOT PASS"
    if any(each.interrupted for each in results):
        verdict = "INTERRUPTED"
    return f"{verdict}: {numbers}{made}"


def journeys_json(results: Sequence[JourneyResult], run: str) -> dict[str, Any]:
    """Return the results for programs and records."""
    return {
        "run": run,
        "passed": bool(results) and all(each.passed for each in results),
        "counts": counts(results),
        "steps": [step.as_fields() for each in results for step in each.steps],
        "cleaned": sum(each.cleaned for each in results),
        "leftovers": [
            {"entry": remaining.entry, "app": remaining.app, "step": remaining.step, "reason": remaining.reason}
            for each in results
            for remaining in each.leftovers
        ],
    }


def junit(results: Sequence[JourneyResult], environment: str) -> str:
    """Return the results as JUnit's XML, which CI systems show: https://github.com/testmoapp/junitxml."""
    root = ElementTree.Element("testsuites")
    for each in results:
        tallies = Counter(_junit_word(step) for step in each.steps)
        name = f"{environment}.{each.app}{f'@{each.host}' if each.host else ''}"
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=_xml(name),
            tests=str(len(each.steps) + len(each.leftovers)),
            failures=str(tallies["failure"] + len(each.leftovers)),
            errors=str(tallies["error"]),
            skipped=str(tallies["skipped"]),
            time=f"{each.seconds:.3f}",
        )
        for step in each.steps:
            case = ElementTree.SubElement(
                suite, "testcase", classname=_xml(name), name=_xml(step.step), time=f"{step.seconds:.3f}"
            )
            if word := _junit_word(step):
                said = ElementTree.SubElement(case, word, message=_xml(f"{step.ending.value}: {step.reason}"))
                said.text = _xml("\n".join(step.output)) or None
        for remaining in each.leftovers:
            case = ElementTree.SubElement(
                suite, "testcase", classname=_xml(name), name=_xml(f"clean {remaining.step}"), time="0"
            )
            ElementTree.SubElement(case, "failure", message=_xml(remaining.reason))
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _junit_word(step: SmokeResult) -> str:
    """Return the element of a result. A step that was not run because of a failure is no pass: an error."""
    if step.passed:
        return ""
    return {SmokeEnding.FAILED: "failure", SmokeEnding.LEFT_OUT: "skipped"}.get(step.ending, "error")


def _xml(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)


def journey_plan_text(journeys: Iterable[Journey]) -> str:
    """Return the requests that journeys would make, in their order."""
    lines = []
    for journey in journeys:
        where = f" through {journey.host}" if journey.host else ""
        lines.append(f"smoke of {journey.app} at {journey.smoke.url}{where}")
        for name in journey.names:
            step = journey.smoke.steps[name]
            what = f"command: {step.command}" if step.command else f"{step.method.upper()} {step.place}"
            out = f" (left out: {journey.left_out[name]})" if name in journey.left_out else ""
            clean = f", then {step.clean.method.upper()} {step.clean.place}" if step.clean else ""
            lines.append(oneline(f"  {name}: {what}{clean}{out}"))
    return "\n".join(lines)
