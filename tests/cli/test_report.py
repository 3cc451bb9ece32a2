"""`report` and `report.note` as they are typed, about runs that were really carried out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import commit
from tests.cli.operator import Operator
from tests.notifications.stand_in import StandIn

SUBJECT = "Pay <b>later</b> @team"


@pytest.fixture(scope="module")
def runs(deployed: Operator) -> tuple[str, str]:
    """The runs of a good deploy, and of one after it whose code does not serve and goes back."""
    commit(deployed, SUBJECT)
    good = deployed.fab("deploy", "--json", "--message", "the day's change")
    assert good.code == 0, good.said
    service: dict[str, Any] = deployed.inventory["apps"]["app"]["service"]
    well = service["reload"]
    service["reload"] = "echo token=hunter2hunter; exit 3"
    commit(deployed, "broken")
    bad = deployed.fab("deploy", "--json")
    service["reload"] = well
    assert bad.json["result"] in ("put back", "needs a person"), bad.said
    return str(good.json["run"]), str(bad.json["run"])


@pytest.fixture
def record(deployed: Operator, runs: tuple[str, str]) -> Iterator[Path]:
    """The record of the good deploy, which is put back after the test."""
    file = deployed.folder / ".lockstitch" / "runs" / runs[0] / "events.jsonl"
    shutil.copy(file, kept := file.with_suffix(".kept"))
    yield file
    kept.replace(file)


def test_a_report_has_what_the_run_did(deployed: Operator, runs: tuple[str, str]) -> None:
    good, _ = runs
    ran = deployed.fab("report", good)
    assert ran.code == 0, ran.said
    assert ran.out.startswith("# deploy of lab: done\n") and "- **why**: the day's change" in ran.out
    assert r"| Ada | Pay &lt;b>later&lt;/b> @&#8203;team |" in ran.out
    report = deployed.fab("report", good, "--json").json["report"]
    events = [json.loads(line) for line in (deployed.folder / ".lockstitch/runs" / good / "events.jsonl").open()]
    assert report["seconds"] == events[-1]["seconds"] and not report["cut"] and report["problems"] == []
    planned = [step for phase in report["phases"] for step in phase["steps"] if step["planned"] is not None]
    assert planned and all(step["planned"] == step["begun"] for step in planned if len(step["planned"]) == 1)
    assert [phase["state"] for phase in report["phases"]] == ["done"] * len(report["phases"])
    assert report["changes"][0]["hosts"] == ["one", "two"]


def test_the_newest_release_is_meant_and_compared_with_the_last_good_one(
    deployed: Operator, runs: tuple[str, str]
) -> None:
    good, bad = runs
    ran = deployed.fab("report", "--json")
    assert (ran.json["report"]["run"], ran.json["report"]["last_run"]) == (bad, good)
    text = deployed.fab("report").out
    assert "token=" in text and "hunter2hunter" not in text
    assert "not begun" in text


def test_html_is_one_file_beside_the_record_or_where_it_is_asked_for(
    deployed: Operator, runs: tuple[str, str], tmp_path: Path
) -> None:
    ran = deployed.fab("report", runs[0], "--format", "html", "--json")
    beside = Path(ran.json["file"])
    assert beside.read_text().startswith("<!doctype html>") and beside.parent.name == runs[0]
    there = tmp_path / "report.html"
    ran = deployed.fab("report", runs[0], "--format", "html", "--output", str(there))
    assert f"{there} has the report: deploy of lab: done" in ran.out and there.read_text() == beside.read_text()
    assert deployed.fab("report", runs[0], "--format", "html", "--output", "-").out.startswith("<!doctype html>")
    dry = tmp_path / "dry.html"
    ran = deployed.fab("--dry", "report", runs[0], "--format", "html", "--output", str(dry), where="lab")
    assert f"{dry} would have the report: deploy of lab" in ran.out and not dry.exists(), ran.said
    before = beside.stat().st_mtime_ns
    assert deployed.fab("--dry", "report", runs[0], "--format", "html", where="lab").code == 0
    assert beside.stat().st_mtime_ns == before
    ran = deployed.fab("report", runs[0], "--output", str(tmp_path / "none" / "report.md"))
    assert ran.code == 7 and "the report cannot be written: no such file or directory" in ran.err


def test_a_note_is_in_the_report_and_its_secrets_are_masked(
    deployed: Operator, runs: tuple[str, str], record: Path
) -> None:
    ran = deployed.fab("report.note", "rehearse it; password=hunter2hunter", "--field", "lesson", "--run", runs[0])
    assert ran.code == 0 and "what looks like a secret is masked" in ran.out
    assert "hunter2hunter" not in record.read_text()
    (note,) = deployed.fab("report", runs[0], "--json").json["report"]["people"]
    assert note["field"] == "lesson" and note["text"].startswith("rehearse it; password=") and "ada@" in note["by"]


def test_a_colleague_has_the_report_from_the_hosts(deployed: Operator, runs: tuple[str, str]) -> None:
    here = deployed.folder / ".lockstitch" / "runs"
    here.rename(away := here.with_name("away"))
    newest = deployed.fab("report", "--json")
    good = deployed.fab("report", runs[0], "--format", "html", "--json")
    day = deployed.fab("report", "--day", "--json")
    shutil.rmtree(here)
    away.rename(here)
    assert (newest.json["report"]["run"], newest.json["report"]["last_run"]) == (runs[1], runs[0]), newest.said
    report = good.json["report"]
    assert "hosts" in report["source"] and report["changes"][0]["hosts"] == ["one", "two"] and report["phases"]
    assert [each["subject"] for each in report["commits"]["app"]] == [SUBJECT]
    assert {runs[0], runs[1]} <= {run["run"] for run in day.json["day"]["runs"]}


def test_follow_ups_are_listed(deployed: Operator, runs: tuple[str, str]) -> None:
    added = deployed.fab("follow.add", "write it down", "--run", runs[0], "--due", "7d", "--json")
    assert added.code == 0, added.said
    (known,) = deployed.fab("report", runs[0], "--json").json["report"]["follow_ups"]
    assert known["text"] == "write it down" and not known["closed"]
    # A run that failed has its post-mortem by itself.
    assert f"| pm-{runs[1]} |" in deployed.fab("report", runs[1]).out


def test_a_dry_note_is_not_recorded(deployed: Operator, runs: tuple[str, str], record: Path) -> None:
    ran = deployed.fab("--dry", "report.note", "perhaps", "--run", runs[0], where="lab")
    assert ran.code == 0 and "it would be added to run" in ran.out and "perhaps" not in record.read_text()


def test_a_record_that_is_cut_or_damaged_is_reported_as_that(
    deployed: Operator, runs: tuple[str, str], record: Path
) -> None:
    lines = record.read_bytes().splitlines(keepends=True)
    record.write_bytes(b"".join([*lines[:9], b'{"torn": \n', b"\xff\xfe\n"]))
    ran = deployed.fab("report", runs[0])
    assert ran.code == 0 and "without a recorded end: it was cut off, or is still running" in ran.out
    assert f"2 lines of {record} are no records, and are left out" in ran.out
    report = deployed.fab("report", runs[0], "--json").json["report"]
    assert report["cut"] and report["phases"][-1]["state"] == "not begun"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("report", "20200101T000000Z-none"), 7, "there is no record of a run 20200101T000000Z-none"),
        (("report", "../runs"), 7, "there is no record of a run ../runs"),
        (("report", "--format", "htm"), 2, "there is no such format"),
        (("report", "--format", "json", "--output", "file"), 2, "--output is for md and html"),
        (("report.note", "text", "--field", "lessn"), 2, "there is no such field"),
        (("report.note", " "), 2, "there is no text to add"),
    ],
)
def test_what_is_typed_wrong(
    deployed: Operator, runs: tuple[str, str], words: tuple[str, ...], code: int, said: str
) -> None:
    ran = deployed.fab(*words)
    assert ran.code == code and said in ran.said


def test_a_day_has_every_run_and_is_sent(deployed: Operator, runs: tuple[str, str]) -> None:
    day = deployed.fab("report", "--day", "--json").json["day"]
    known = {run["run"]: run["ending"] for run in day["runs"]}
    assert known[runs[0]] == "done" and known[runs[1]] == "failed" and day["problems"] == []
    refused = deployed.fab("report", "--day", "--send")
    assert refused.code == 2 and "no channel of lab is told of a day" in refused.err
    with StandIn() as server:
        deployed.env["HOOK"] = f"{server.url}/hook"
        deployed.inventory["notify"] = {"to": {"team": {"webhook": "env:HOOK"}}, "when": {"day": ["team"]}}
        sent = deployed.fab("report", "--day", "--send", "--json")
        deployed.env["HOOK"] = "http://127.0.0.1:1/hook"
        away = deployed.fab("report", "--day", "--send", "--json")
        del deployed.inventory["notify"]
    assert sent.code == 0 and [each["sent"] for each in sent.json["channels"]] == [True]
    assert [each.document["event"] for each in server.taken] == ["day"]
    assert away.code == 7 and [each["sent"] for each in away.json["channels"]] == [False]


def test_a_record_that_cannot_be_read_is_named_and_hides_no_other(deployed: Operator, runs: tuple[str, str]) -> None:
    file = deployed.folder / ".lockstitch" / "runs" / "20300101T000000Z-dddd" / "events.jsonl"
    file.mkdir(parents=True)
    day = deployed.fab("report", "--day", "--json")
    ran = deployed.fab("report", runs[1], "--json")
    newest = deployed.fab("report")
    file.rmdir()
    file.parent.rmdir()
    assert day.code == 7 and [str(file) in problem for problem in day.json["day"]["problems"]] == [True]
    assert len(day.json["day"]["runs"]) >= 2 and ran.json["report"]["last_run"] == runs[0]
    assert newest.code == 0 and f"{file} is unreadable" in newest.out
