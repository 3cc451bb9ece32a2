"""Records of runs for tests of reports: the lines that a controller writes, with times of their own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from lockstitch.facts.run_events import FoundRun
from lockstitch.report.release_report import RunReport
from lockstitch.report.release_report_events import run_report

BEGIN = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
RUN, BEFORE = "20261124T130000Z-aaaa", "20261120T130000Z-bbbb"
OLD, NEW = "a" * 40, "b" * 40
Line = dict[str, Any]


def at(seconds: float) -> str:
    """Return the time so many seconds after the begin, as a record has it."""
    return (BEGIN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def line(after: float, event: str, **fields: Any) -> Line:
    return {"event": event, "at": at(after), **fields}


def step(begin: float, end: float | None, name: str, host: str = "web1", code: int = 0) -> list[Line]:
    """Return the lines of a step on a host; without `end` it has none."""
    about = {"host": host, "app": "api", "name": name}
    lines = [line(begin, "begin", **about, run=RUN)]
    return lines if end is None else [*lines, line(end, "end", **about, code=code, seconds=round(end - begin))]


def planned(name: str, pause: float = 0, **steps: list[str]) -> Line:
    known = {
        name: {"says": [f"to {name}"], "sites": [f"api@{host}" for host in hosts]} for name, hosts in steps.items()
    }
    return {"name": name, "pause": pause, "visible": True, "steps": known}


def reading(seconds: float, bad: int, total: int, answer: str = "pass", **more: Any) -> Line:
    """Return a reading of a gate with a limit of 5 %, after 10 of 1,000 before the release."""
    share = bad / total if total else 0.0
    bounds = {"low": max(0.0, share - 0.01), "high": share + 0.01, "limit": 0.05}
    counts = {"of": "errors", "new": [bad, total], "before": [10, 1000], "old": [3, 900], "value": None}
    about = {"app": "api", "gate": "errors", "answer": answer, "says": f"{bad} of {total}", "bad": bad, "total": total}
    end = (BEGIN + timedelta(seconds=seconds)).timestamp()
    return line(seconds, "reading", **about, **bounds, end=end, last=False, counts=counts, **more)


def began(*waves: Line, **more: Any) -> Line:
    changes = [{"site": f"api@{host}", "from": OLD, "to": NEW, "release": "R2"} for host in ("web1", "web2")]
    commits = {"api": [{"revision": NEW, "author": "Ada", "subject": "Pay later"}]}
    about = {"run": RUN, "kind": "deploy", "environment": "prod", "by": "ada@desk", "message": "the day's change"}
    return line(
        0,
        "run",
        **{
            **about,
            "changes": changes,
            "commits": commits,
            "refs": {"api": "main"},
            "notes": [],
            "waves": list(waves),
            **more,
        },
    )


def outcome(seconds: float, result: str = "done", code: int = 0, **more: Any) -> Line:
    return line(seconds, "outcome", result=result, exit_code=code, seconds=seconds, **more)


WAVES = (
    planned("prepare", fetch=["web1", "web2"]),
    planned("web1", 60, reload=["web1"]),
    planned("web2", reload=["web2"]),
)


def good_run() -> list[Line]:
    """Return the lines of a deploy that went well, in two waves with a watched pause."""
    return [
        began(*WAVES),
        line(1, "wave", name="prepare", sites=["api@web1", "api@web2"], number=1, of=3),
        *step(1, 4, "fetch"),
        *step(1, 9, "fetch", "web2"),
        line(10, "wave", name="web1", sites=["api@web1"], number=2, of=3),
        *step(10, 12.5, "reload"),
        line(13, "gate", site="api@web1", gate="health", answer="fail", reason="503", attempt=1),
        line(15, "gate", site="api@web1", gate="health", answer="pass", reason="answered 200", attempt=2),
        reading(45, 12, 600),
        {**reading(75, 20, 1200), "last": True},
        line(76, "wave", name="web2", sites=["api@web2"], number=3, of=3),
        *step(76, 79, "reload", "web2"),
        *step(80, 81, "unlock"),
        outcome(82),
    ]


def recorded(lines: Iterable[Line], run: str = RUN, **more: Any) -> FoundRun:
    return FoundRun(run, tuple(lines), "this machine", **more)


def report_of(lines: Iterable[Line], last: Iterable[Line] = (), **more: Any) -> RunReport:
    before = list(last)
    return run_report(recorded(lines), recorded(before, BEFORE) if before else None, **more)
