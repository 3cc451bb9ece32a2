"""The smoke steps of a plan, and their results in a run and its record, as text and JSON. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lockstitch.model.format import span
from lockstitch.model.smoke_check import SmokeCheck, SmokeResult
from lockstitch.report.smoke import result_line
from lockstitch.report.text import table


def check_text(check: SmokeCheck) -> str:
    """Return what is run after a wave."""
    return (
        f"smoke of {check.app} at {check.url}{f' through {check.host}' if check.host else ''}: {', '.join(check.steps)}"
    )


def check_json(check: SmokeCheck) -> dict[str, Any]:
    """Return the same for programs."""
    return {"app": check.app, "steps": list(check.steps), "url": check.url, "host": check.host or None}


def judged_lines(results: Sequence[SmokeResult]) -> list[str]:
    """Return the counts of each app in a line, and a line for each step that has not passed."""
    lines = []
    for app, host, again in dict.fromkeys((each.app, each.host, each.after_rollback) for each in results):
        mine = [each for each in results if (each.app, each.host, each.after_rollback) == (app, host, again)]
        counts = ", ".join(f"{number} {word}" for word, number in Counter(each.ending.value for each in mine).items())
        where = f" on {host}" if host else ""
        lines.append(f"{app}{where}: smoke{' after going back' if again else ''}: {counts}")
        lines += [result_line(each) for each in mine if not each.passed]
    return lines


_KEYS = ("app", "host", "step", "result", "reason", "asked", "judged", "seconds", "revision")


def judged_json(judged: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result, as an event or as a line of a run's record, for programs."""
    known = {key: judged.get(key) for key in _KEYS}
    known |= {key: known[key] or None for key in ("host", "revision")}
    return {**known, "after_rollback": bool(judged.get("after_rollback"))}


def judged_table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return the results of a record as a table."""
    rows = []
    for each in map(judged_json, results):
        seconds = each["seconds"] if isinstance(each["seconds"], int | float) else 0.0
        after = "after going back" if each["after_rollback"] else ""
        app = f"{each['app']}@{each['host']}" if each["host"] else str(each["app"])
        why = "; ".join(filter(None, (after, str(each["reason"] or ""))))
        rows.append((app, str(each["step"]), str(each["result"]), span(seconds, tenths=True), why))
    return table(("APP", "SMOKE", "RESULT", "TIME", "WHY"), rows)
