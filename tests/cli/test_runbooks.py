"""Runbooks: each stage once, whatever cuts them off; who goes on, what is undone, and what a person is told."""

from __future__ import annotations

import fcntl
import itertools
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lockstitch.cli import runbook_stages, runbooks
from lockstitch.engine.runbooks.record import RunbookRecord
from tests.cli.runbook_desk import B, Desk, Killed

RELEASE = """
stages:
  - staging: {run: deploy, environment: staging}
  - backend: {run: [deploy --only api, smoke], expect: 5m}
  - check: {run: measure}
undo: {staging: rollback, backend: rollback --only api}
"""
ALL = ["staging deploy --ref=v1", "prod deploy --ref=v1 --only api", "prod smoke", "prod measure"]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def at(moment: str, patch: pytest.MonkeyPatch) -> None:
    """Have it be a time, in UTC."""

    clock = SimpleNamespace(
        now=lambda tz: datetime.fromisoformat(moment).replace(tzinfo=UTC).astimezone(tz),
        fromisoformat=datetime.fromisoformat,
    )
    patch.setattr(runbook_stages, "datetime", clock)


def killed_at(number: int) -> Callable[[str], None]:
    """Return a listener that raises Killed at the event of this number, from 0."""
    events = itertools.count()

    def count(what: str) -> None:
        if next(events) >= number:
            raise Killed(what)

    return count


def test_the_stages_run_in_order_each_where_it_belongs_and_of_one_ref(desk: Desk) -> None:
    desk.write(RELEASE)
    assert desk.begin() == 0
    assert desk.ran == ALL
    assert set(desk.states().values()) == {"done"} and desk.state().end == "done"


def test_a_stage_that_was_done_is_not_done_again_wherever_the_process_is_killed(desk: Desk) -> None:
    """Killed after each line of the record, and before and after each command."""
    desk.write(RELEASE)
    number = 0
    while True:
        desk.ran.clear()
        desk.at_event = killed_at(number)
        try:
            desk.begin()
        except Killed:
            desk.at_event = lambda what: None
            assert desk.state().end or desk.resume() == 0, (number, desk.all_said)
            assert desk.ran == ALL, number
            assert desk.state().end == "done"
            number += 1
        else:
            break
    assert number > 20


def test_an_undo_that_was_killed_goes_on_where_it_was(desk: Desk) -> None:
    desk.write(RELEASE)
    number = 0
    while True:
        desk.at_event = lambda what: None
        assert desk.begin() == 0
        desk.ran.clear()
        desk.at_event = killed_at(number)
        try:
            desk.undo()
        except Killed:
            desk.at_event = lambda what: None
            if desk.state().end != "undone":
                assert desk.undo() == 0, (number, desk.all_said)
            number += 1
        else:
            break
        # Reverse order, and once each.
        assert desk.ran == ["prod rollback --only api", "staging rollback"], number
        assert desk.state().end == "undone"
    assert number > 8


def test_a_stage_that_failed_is_run_again_from_the_command_that_failed(desk: Desk) -> None:
    desk.write(RELEASE)
    desk.codes = {"prod smoke": 7}
    assert desk.begin() == 7
    assert desk.states()["backend"] == "failed" and "next: fab -H prod runbook.resume" in desk.all_said
    desk.codes, desk.ran = {}, []
    assert desk.resume() == 0
    assert desk.ran == ["prod smoke", "prod measure"]


@pytest.mark.parametrize(
    ("code", "undone"), [(5, ["staging rollback"]), (6, ["prod rollback --only api", "staging rollback"])]
)
def test_what_a_failed_command_has_put_back_itself_is_not_undone_again(
    desk: Desk, code: int, undone: list[str]
) -> None:
    desk.write(RELEASE)
    desk.codes = {"prod deploy": code}
    assert desk.begin() == code
    desk.ran = []
    assert desk.undo() == 0 and desk.ran == undone
    assert desk.undo() == 7 and "is undone already" in desk.all_said
    assert desk.resume() == 7


def test_of_two_who_go_on_at_once_one_does(desk: Desk) -> None:
    desk.write(RELEASE)
    desk.codes = {"staging deploy": 4}
    assert desk.begin() == 4
    record = RunbookRecord(desk.runs, desk.state().run)
    with record.carried_out():
        assert [desk.resume(), desk.skip("check", "why"), desk.undo()] == [4, 4, 4]
        assert "is being carried out, by process" in desk.all_said
    assert desk.ran == ["staging deploy --ref=v1"]


def test_a_command_that_could_do_something_twice_is_not_repeated_unasked(desk: Desk) -> None:
    desk.write("stages: [script: {run: 'run -- ./once'}]")

    def kill(what: str) -> None:
        if what == "before the command":
            raise Killed

    desk.at_event = kill
    with pytest.raises(Killed):
        desk.begin()
    # Such a command has no record of its own.
    assert desk.resume() == 7
    assert "nothing says whether it has ended" in desk.all_said and desk.ran == []
    desk.at_event = lambda what: None
    assert desk.resume(again=True) == 0 and desk.ran == ["prod run -- ./once"]


def test_a_person_confirms_what_only_a_person_can_do(desk: Desk) -> None:
    desk.write('stages: [sms: {tell: "Send a test SMS."}, check: {run: smoke}]')
    assert desk.begin() == 7
    assert "sms: Send a test SMS." in desk.said and "sms waits until a person" in desk.all_said
    assert desk.confirm("check") == 7 and desk.resume() == 7 and desk.ran == []
    assert desk.confirm("sms", "after 4 s") == 0
    assert desk.resume() == 0 and desk.ran == ["prod smoke"]
    assert (desk.state().stage("sms").by, desk.state().stage("sms").reason) == ("bob@desk", "after 4 s")


def test_a_skip_needs_a_reason_and_stands_first(desk: Desk) -> None:
    desk.write(RELEASE)
    desk.codes = {"prod": 5}
    assert desk.begin() == 5
    assert desk.skip("backend", " ") == 2 and desk.skip("bakend", "why") == 2
    assert desk.skip("staging", "why") == 7
    assert desk.skip("backend", "the gateway\n! is down") == 0
    assert desk.said[-1].startswith("! backend was skipped by ada@desk: the gateway␊! is down\nrelease of v1 on prod")
    desk.codes = {}
    assert desk.resume() == 0 and desk.ran[-1] == "prod measure"


def test_a_stage_outside_the_window_waits_or_has_a_reason(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write('window: {days: mon-thu, hours: "06:00-09:00", zone: Europe/Berlin}' + RELEASE)
    at("2026-11-27 06:00", monkeypatch)
    # Staging has no window.
    assert desk.begin() == 7 and desk.ran == ALL[:1]
    assert "opens Mon 30 Nov 06:00" in desk.all_said
    assert desk.resume() == 7
    assert desk.resume(outside="it burns") == 0 and desk.ran == ALL
    assert desk.said[-1].startswith("! backend began outside the window, by ada@desk: it burns\n")


def test_in_its_window_a_runbook_needs_no_reason(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write('window: {days: mon-thu, hours: "06:00-09:00", zone: Europe/Berlin}' + RELEASE)
    at("2026-11-26 06:00", monkeypatch)
    assert desk.begin(outside="not needed") == 0 and desk.state().outside_window == ()


def test_a_revision_that_changes_while_it_waits_stops_it(desk: Desk) -> None:
    desk.write('stages: [sms: {tell: "Send."}, backend: {run: deploy}]')
    assert desk.begin() == 7
    desk.confirm("sms")
    desk.revisions["prod"] = B
    assert desk.resume() == 7 and desk.ran == []
    assert "api would be bbbbbbbb now, and this run began with aaaaaaaa" in desk.all_said


def test_staging_and_prod_get_one_revision(desk: Desk) -> None:
    desk.write(RELEASE)
    desk.revisions["prod"] = B
    assert desk.begin() == 7 and desk.ran == []
    assert "after staging" in desk.all_said and "after backend" in desk.all_said


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Have time go on where a stage waits, and in no other place."""
    clock = [1_800_000_000.0]

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.fromtimestamp(clock[0], tz)

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    monkeypatch.setattr(runbook_stages, "sleep", sleep)
    monkeypatch.setattr(runbooks, "datetime", Clock)
    monkeypatch.setattr("lockstitch.cli.runbook_stages.time.time", lambda: clock[0])
    monkeypatch.setattr("lockstitch.engine.runbooks.record.now", lambda: Clock.now(UTC).isoformat())
    return clock


AFTER = "stages: [a: {run: smoke}, b: {run: measure, after: 15m}, c: {run: smoke, after: {stage: a, for: 10m}}]"


def test_a_stage_begins_by_itself_and_says_how_late_it_is(desk: Desk, now: list[float]) -> None:
    desk.write(AFTER)
    assert desk.begin() == 0
    assert now == [1_800_000_900.0] and desk.state().stage("c").late == 300
    assert "c: begins, 5 min late" in desk.said
    # The wait is seen to go on.
    waits = [line.partition(", in ")[2].partition(";")[0] for line in desk.said if line.startswith("b: may begin at ")]
    assert waits == ["15 min", "7 min", "3 min", "1 min"]


def test_an_interrupted_wait_says_the_time_and_the_next_command(
    desk: Desk, now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        now[0] += 300
        raise KeyboardInterrupt

    play = vars(runbook_stages)["sleep"]
    monkeypatch.setattr(runbook_stages, "sleep", interrupt)
    desk.write(AFTER)
    at = datetime.fromtimestamp(now[0] + 900, UTC).astimezone()
    with pytest.raises(KeyboardInterrupt):
        desk.begin()
    assert f"may begin at {at:%H:%M:%S}, in 10 min" in desk.said[-1]
    assert desk.said[-1].endswith("next: fab -H prod runbook.resume") and desk.states() == {"a": "done"}
    # Nobody waits: others may skip the stage, or go on.
    monkeypatch.setattr(runbook_stages, "sleep", play)
    assert desk.resume() == 0 and desk.ran == ["prod smoke", "prod measure", "prod smoke"]


def test_without_a_wait_it_ends_and_says_when_it_goes_on(desk: Desk, now: list[float]) -> None:
    desk.write(AFTER)
    at = datetime.fromtimestamp(now[0] + 900, UTC).astimezone()
    assert desk.begin(no_wait=True) == 7
    assert f"b may begin at {at:%H:%M:%S}, in 15 min" in desk.all_said and desk.ran == ["prod smoke"]
    assert desk.resume(no_wait=True) == 7 and now == [1_800_000_000.0]
    now[0] += 86_400 - 600
    assert desk.resume(no_wait=True) == 0, desk.all_said


def test_fields_must_be_given_and_are_filled_in_as_one_word(desk: Desk) -> None:
    desk.write('fields: [severity]\nstages: [note: {run: "run -- echo {severity}"}]')
    assert desk.begin() == 2 and "release must know: severity" in desk.all_said
    assert desk.begin("severty=1") == 2 and "did you mean severity" in desk.all_said
    assert desk.begin("severity=high; rm -rf /") == 0
    assert desk.ran == ["prod run -- echo high; rm -rf /"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stages: [a: {run: deplyo}]", "there is no task deplyo: did you mean deploy?"),
        ("stages: [a: {run: status}]\nundo: {a: rolback}", "there is no task rolback"),
        ("stages: [a: {notify: deploys, text: x}]", "the inventory has no channel deploys"),
        ("stages: [a: {run: 'run -- echo {ref}'}]", "give --ref"),
    ],
)
def test_a_runbook_that_cannot_end_well_does_not_begin(desk: Desk, text: str, says: str) -> None:
    desk.write(text)
    assert desk.begin(ref="") in (2, 7) and says in desk.all_said
    assert not desk.runs.exists()


def test_one_run_at_a_time(desk: Desk) -> None:
    desk.write('stages: [sms: {tell: "Send."}]')
    assert desk.begin() == 7 and desk.begin() == 2
    assert "has not ended" in desk.all_said


def test_of_two_who_begin_at_the_same_instant_one_does(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write('stages: [sms: {tell: "Send."}]')
    asked, second = threading.Event(), list[int]()
    other = threading.Thread(target=lambda: second.append(desk.begin(by="bob@desk")))
    add, flock = RunbookRecord.add, fcntl.flock

    def begins(own: RunbookRecord, event: str, **fields: Any) -> None:
        # The first has seen that nobody has begun, and has not written that it has: now comes the second.
        if event == "runbook" and not other.ident:
            other.start()
            while other.is_alive() and not asked.wait(0.01):
                pass
        add(own, event, **fields)

    def locks(descriptor: int, how: int) -> None:
        if threading.current_thread() is other:
            asked.set()
        flock(descriptor, how)

    monkeypatch.setattr(RunbookRecord, "add", begins)
    monkeypatch.setattr(fcntl, "flock", locks)
    first = desk.begin()
    other.join()
    assert (first, second) == (7, [2]) and "has not ended" in desk.all_said


@pytest.mark.parametrize("damage", ["middle", "first"])
def test_a_damaged_record_is_not_read_as_a_shorter_one(desk: Desk, damage: str) -> None:
    desk.write(RELEASE)
    assert desk.begin() == 0
    path = RunbookRecord(desk.runs, desk.state().run).path
    lines = path.read_bytes().split(b"\n")
    lines[0 if damage == "first" else 4] = b'{"event": "sta'
    path.write_bytes(b"\n".join(lines))
    assert desk.resume() == 7 and "is damaged" in desk.all_said


def test_a_line_that_was_cut_off_is_replaced_by_the_next_one(desk: Desk) -> None:
    desk.write('stages: [sms: {tell: "Send."}]')
    assert desk.begin() == 7
    path = RunbookRecord(desk.runs, desk.state().run).path
    with path.open("ab") as file:
        file.write(b'{"event": "stage", "sta')
    assert desk.confirm("sms") == 0
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()][-1] == "stage"
