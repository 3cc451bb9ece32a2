"""The times that a run was watched, from the events of its record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lockstitch.report.history import RunRecord, run_json, run_text
from lockstitch.report.watch import watch_periods

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
START = 1_800_000_000.0


def began(at: str, by: str = "ada") -> dict[str, Any]:
    return {"event": "watch", "state": "began", "at": at, "by": by, "start": START, "until": START + 3600}


def reading(end: float) -> dict[str, Any]:
    return {"event": "reading", "app": "api", "gate": "errors", "answer": "pass", "end": START + end, "last": False}


EVENTS = [
    {"event": "run", "at": "2027-01-15T07:59:00Z", "kind": "deploy", "by": "ada"},
    reading(-30),
    began("2027-01-15T08:00:00Z"),
    reading(300),
    reading(600),
    {"event": "watch", "state": "stopped", "at": "2027-01-15T08:11:00Z", "by": "ada"},
    began("2027-01-15T08:20:00Z", "bob"),
    reading(1500),
    began("2027-01-15T08:30:00Z"),
    reading(1800),
    {
        "event": "watch", "state": "back", "at": "2027-01-15T08:31:00Z", "reason": "gate errors of api: 9 of 10",
        "problems": ["gate p95 of api: blind"], "rollback": "20270115T083030Z-bbbb",
    },
]  # fmt: skip


def test_each_watch_has_its_end_and_until_when_it_saw() -> None:
    first, second, third = watch_periods(EVENTS, None)
    assert (first.by, first.state, first.seen, first.ended) == ("ada", "stopped", START + 600, "2027-01-15T08:11:00Z")
    assert (second.by, second.state, second.seen, second.ended) == ("bob", "began", START + 1500, "")
    assert second.words == "ended without a word"
    assert (third.state, third.reason, third.rollback) == (
        "back",
        "gate errors of api: 9 of 10",
        "20270115T083030Z-bbbb",
    )
    assert watch_periods(EVENTS[:2], 7) == ()


def test_a_watch_that_runs_has_its_process() -> None:
    *_, running = watch_periods(EVENTS[:8], 4711)
    assert running.words == "running, process 4711"
    *_, ended = watch_periods(EVENTS, 4711)
    assert ended.process is None, "another watch has that process"


def test_the_record_of_a_run_shows_them() -> None:
    record = RunRecord("r1", {}, began=EVENTS[0], watches=watch_periods(EVENTS, None))
    rows = [" ".join(line.split()) for line in run_text(record, NOW, UTC).splitlines()]
    day = "2027-01-15"
    assert f"{day} 08:00 ada {day} 08:11 {day} 08:10 {day} 09:00 stopped" in rows, rows
    assert f"{day} 08:20 bob - {day} 08:25 {day} 09:00 ended without a word" in rows, rows
    back = "took it back, run 20270115T083030Z-bbbb gate errors of api: 9 of 10"
    assert f"{day} 08:30 ada {day} 08:31 {day} 08:30 {day} 09:00 {back}" in rows, rows
    assert "! gate p95 of api: blind" in rows
    watches = run_json(record)["run"]["watches"]
    assert [each["state"] for each in watches] == ["stopped", "began", "back"]
    assert watches[0]["seen"] == "2027-01-15T08:10:00Z" and watches[1]["ended"] is None
    assert watches[2]["problems"] == ["gate p95 of api: blind"]
    assert run_json(RunRecord("r1", {}))["run"]["watches"] == []
