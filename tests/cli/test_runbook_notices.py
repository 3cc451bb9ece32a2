"""Notices of a runbook: the texts of its stages, and that its run begins, waits and ends; with who has which role."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runbook_desk import INVENTORY, Desk

RELEASE = """
roles: {on-call: "Bob <b>"}
stages:
  - begins:  {notify: deploys, text: "release {ref} begins"}
  - sms:     {tell: Send a test SMS.}
  - backend: {run: deploy}
undo: {backend: rollback}
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def notified(desk: Desk, line: str = "cat >>notices; echo >>notices", **settings: Any) -> None:
    """Have a channel whose notices are lines of a file."""
    events = ("begun", "waiting", "done", "failed", "needs_person", "rolled_back")
    channels = {"to": {"deploys": {"run": line}}, "when": {event: ["deploys"] for event in events}}
    (desk.folder / "hosts/prod.yml").write_text(json.dumps({**INVENTORY, "notify": {**channels, **settings}}))
    desk.write(RELEASE)


def notices(desk: Desk) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (desk.folder / "notices").read_text().splitlines() if line]


def test_a_run_tells_how_it_begins_waits_fails_and_is_undone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.folder)
    notified(desk, runs=["runbook"])
    desk.codes = {"prod deploy": 6}
    assert [desk.begin(ref="<!here>"), desk.confirm("sms"), desk.resume(), desk.undo()] == [7, 0, 6, 0]
    known = notices(desk)
    events = ["begun", "message", "waiting", "needs_person", "rolled_back"]
    assert [each["event"] for each in known] == events, desk.all_said
    assert all(each["kind"] == "runbook" and "Bob <b>" in json.dumps(each) for each in known)
    # What others have written is in the values, which channels escape, and never in the title.
    assert not any("<!here>" in each["title"] for each in known) and "release <!here> begins" in json.dumps(known[1])


def test_without_the_kind_only_what_a_stage_says_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.folder)
    notified(desk)
    assert desk.begin() == 7
    assert [each["event"] for each in notices(desk)] == ["message"]


def test_a_channel_that_is_broken_holds_nothing_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.folder)
    notified(desk, "exit 3", runs=["runbook"])
    assert [desk.begin(), desk.confirm("sms"), desk.resume()] == [7, 0, 0]
    assert "! channel deploys was not told that runbook release of prod has begun" in desk.all_said
    assert any(event.get("event") == "notified" for event in desk.state().events)
