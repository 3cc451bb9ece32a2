"""Notices of a runbook: the texts of its stages, and that its run begins, waits and ends; with who has which role."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockstitch.cli import runbooks
from tests.cli.runbook_desk import INVENTORY, Desk, Killed
from tests.notifications.stand_in import StandIn

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


def webhook(desk: Desk, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a channel that is the webhook of a server."""
    monkeypatch.setenv("HOOK", f"{url}/hook")
    notified(desk, runs=["runbook"], to={"deploys": {"webhook": "env:HOOK"}})


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


def test_a_channel_that_hangs_holds_no_stage_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deploy begins while the channel has answered nothing yet, and frees it."""
    with StandIn(mode="hangs") as server:
        webhook(desk, server.url, monkeypatch)
        desk.write("stages: [backend: {notify: deploys, text: it begins, run: deploy}]")

        def at(what: str) -> None:
            if what == "before the command":
                assert server.asked.wait(30)
                server.mode = ""
                server.free.set()

        desk.at_event = at
        assert desk.begin() == 0
    assert len(desk.ran) == 1 and "no answer in time" not in desk.all_said
    # Who has not got the beginning is told the rest, in its order.
    assert [each.document["event"] for each in server.taken] == ["message", "done"], desk.all_said
    assert "! channel deploys was not told that runbook release of prod has begun: it cannot be" in desk.all_said


def test_one_that_was_killed_is_told_by_the_next_command(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with StandIn() as server:
        webhook(desk, server.url, monkeypatch)
        desk.write("stages: [backend: {run: deploy}]")

        def at(what: str) -> None:
            if what == "before the command":
                raise Killed

        desk.at_event = at
        with pytest.raises(Killed):
            desk.begin()
        desk.at_event = lambda what: None
        assert [each.document["event"] for each in server.taken] == ["begun"]
        assert desk.resume() == 0, desk.all_said
        assert [each.document["event"] for each in server.taken] == ["begun", "killed", "done"]
        assert "was cut off: its process was killed" in server.taken[1].document["title"]
    assert not list((desk.runs.parent / "notices").glob("*.json"))


@pytest.mark.parametrize(
    ("spoil", "code", "event"),
    [
        (lambda desk: desk.revisions.update(prod="b" * 40), 7, "waiting"),
        (lambda desk: setattr(desk, "codes", {"prod rollback": 6}), 6, "needs_person"),
        (lambda desk: None, 0, "interrupted"),
    ],
    ids=["another revision", "an undo that fails", "given up"],
)
def test_each_way_to_leave_a_run_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Desk], None], code: int, event: str
) -> None:
    monkeypatch.chdir(desk.folder)
    notified(desk, runs=["runbook"])
    assert [desk.begin(), desk.confirm("sms")] == [7, 0]
    if event == "needs_person":
        assert desk.resume() == 0
    spoil(desk)
    match event:
        case "waiting":
            assert desk.resume() == code
        case "needs_person":
            assert desk.undo() == code
        case "interrupted":
            runbooks.end(desk.session(), "", "not today")
    assert [each["event"] for each in notices(desk)][-1] == event, desk.all_said
    assert "not today" in json.dumps(notices(desk)) or event != "interrupted"


def test_hooks_are_given_each_event_and_hold_nothing_up(desk: Desk) -> None:
    hooks = {"runbook": ["cat >>hooked; echo >>hooked", "echo no such desk; exit 3"]}
    (desk.folder / "hosts/prod.yml").write_text(json.dumps({**INVENTORY, "hooks": hooks}))
    desk.write("stages: [sms: {tell: Send a test SMS.}, backend: {run: deploy}]")
    desk.codes = {"prod deploy": 6}
    assert [desk.begin(remote=None), desk.confirm("sms"), desk.resume(remote=None)] == [7, 0, 6]
    desk.codes = {}
    assert desk.resume(remote=None) == 0
    told = [json.loads(line) for line in (desk.folder / "hooked").read_text().splitlines() if line]
    assert [each["event"] for each in told] == ["begun", "waiting", "needs_person", "done"], desk.all_said
    assert {(each["hook"], each["kind"], each["run"]) for each in told} == {("runbook", "runbook", desk.state().run)}
    assert "! hook runbook, here: echo no such desk; exit 3: it ended with exit code 3" in desk.all_said
