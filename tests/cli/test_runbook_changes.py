"""Changes that stages have left on hosts: they decide what is undone and what is done again; dry runs; edited files."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockstitch.cli import runbooks
from lockstitch.engine.journal import Journal
from lockstitch.engine.runbooks import record as module
from lockstitch.engine.runbooks.record import RunbookRecord, runbook_runs
from lockstitch.runbooks.release_facts import plan_hashes
from tests.cli.runbook_desk import B, Desk, Killed

APP = "stages: [app: {run: [deploy, smoke]}, look: {tell: Look.}]\nundo: {app: rollback}"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "change",
    [
        lambda session: runbooks.resume(session, "", again=False, outside_window=""),
        lambda session: runbooks.confirm(session, "look", "", ""),
        lambda session: runbooks.skip(session, "look", "", "why"),
        lambda session: runbooks.end(session, "", "why"),
        lambda session: runbooks.undo(session, "", again=False),
    ],
)
def test_a_dry_run_changes_no_record(desk: Desk, change: Callable[[Any], None]) -> None:
    desk.write(APP)
    assert desk.begin() == 7
    before, ran = desk.state(), list(desk.ran)
    change(desk.session(dry=True))
    assert desk.state() == before and desk.ran == ran and "this is a dry run" in desk.all_said


@pytest.mark.parametrize(
    "now", ["stages: [other: {run: deploy}, look: {tell: Look.}]", "stages: [look: {tell: Look.}]"]
)
def test_a_stage_that_was_carried_out_stays_in_the_file(desk: Desk, now: str) -> None:
    desk.write(APP)
    assert desk.begin() == 7
    ran = list(desk.ran)
    desk.write(now)
    assert (desk.resume(), desk.undo()) == (7, 7) and desk.ran == ran
    # A sign-off of its plan is still judged.
    assert plan_hashes(desk.state(), (), ())
    assert "has carried out app, which runbooks/release.yml has no more" in desk.all_said


def test_a_command_that_was_changed_since_is_planned_again(desk: Desk) -> None:
    desk.write("stages: [app: {run: [deploy --only api, smoke]}]")
    desk.codes = {"prod smoke": 7}
    assert desk.begin() == 7
    desk.write("stages: [app: {run: [deploy, smoke]}]")
    desk.revisions["prod"] = B
    assert desk.resume() == 7 and "api would be bbbbbbbb now" in desk.all_said


def took_back(desk: Desk) -> Callable[[str], None]:
    """Return a listener that lets each watch take back the newest deploy, as its record says then."""

    def listen(what: str) -> None:
        if what == "after the command" and desk.ran[-1].startswith("prod watch"):
            runs = [command.run for stage in desk.state().stages.values() for command in stage.commands]
            with Journal(desk.runs, runs[0]) as journal:
                journal.write("watch", state="back", reason="too many errors")

    return listen


@pytest.mark.parametrize(
    ("stages", "code"),
    [("[app: {run: deploy, watch: 15m}]", 5), ("[app: {run: deploy}, day: {run: watch --detach}]", 0)],
)
def test_a_release_that_its_watch_took_back_is_not_done(desk: Desk, stages: str, code: int) -> None:
    desk.write(f"stages: {stages[:-1]}, look: {{tell: Look.}}]\nundo: {{app: rollback}}")
    desk.codes, desk.at_event = {"prod watch": code}, took_back(desk)
    assert desk.begin() == 5 and desk.states()["app"] == "failed"
    # It is back already: one more rollback would take back the release before.
    assert desk.undo(dry=True) == 7 and "has no stage to undo" in desk.all_said
    desk.codes, desk.at_event, desk.ran = {}, lambda what: None, []
    assert desk.resume() == 7 and desk.ran[0] == "prod deploy --ref=v1"


@pytest.mark.parametrize(
    ("command", "failed", "code", "undone"),
    [
        ("'run -- ./migrate'", "prod run", 7, True),
        ("'run -- ./migrate'", "prod run", 4, False),
        ("[smoke, deploy]", "prod deploy", 5, False),
        ("[deploy, smoke]", "prod smoke", 7, True),
    ],
)
def test_what_a_failed_stage_may_have_changed_is_undone_also_if_it_was_skipped(
    desk: Desk, command: str, failed: str, code: int, undone: bool
) -> None:
    desk.write(f"stages: [app: {{run: {command}}}, look: {{tell: Look.}}]\nundo: {{app: rollback}}")
    desk.codes = {failed: code}
    # A command that is typed by hand makes no record of its run.
    desk.has_record = not failed.endswith("run")
    assert desk.begin() == code
    for _ in range(2):
        assert desk.undo(dry=True) == (0 if undone else 7), desk.all_said
        desk.skip("app", "it is known")
    if undone:
        assert desk.undo() == 0 and desk.said[-1].startswith("! app was skipped by ada@desk: it is known\n")


@pytest.mark.parametrize("when", ["before the command", "after the command"])
def test_what_was_cut_off_is_looked_up_before_it_is_undone(desk: Desk, when: str) -> None:
    desk.write(APP)
    desk.codes = {"prod deploy": 5}

    def kill(what: str) -> None:
        if what == when:
            raise Killed

    desk.at_event = kill
    with pytest.raises(Killed):
        desk.begin()
    desk.at_event, desk.ran = lambda what: None, []
    assert desk.undo() == 0 and desk.ran == []


def test_what_was_cut_off_amid_its_changes_is_undone_only_if_told_so(desk: Desk) -> None:
    desk.write(APP)

    def kill(what: str) -> None:
        if what == "before the command":
            with Journal(desk.runs, desk.state().stage("app").commands[0].run) as journal:
                journal.write("run")
            raise Killed

    desk.at_event = kill
    with pytest.raises(Killed):
        desk.begin()
    desk.at_event = lambda what: None
    assert desk.undo() == 7 and "nothing says what it has changed" in desk.all_said and desk.ran == []
    # Its lock is still held: that it could not be run again says nothing of what it has changed.
    desk.codes = {"prod deploy": 4}
    assert (desk.resume(), desk.undo()) == (4, 7) and desk.said[-1].startswith("app was cut off or failed")
    desk.ran = []
    runbooks.undo(desk.session(), "", again=True)
    assert desk.ran == ["prod rollback"]


def test_a_run_whose_last_stage_was_confirmed_says_what_ends_it(desk: Desk) -> None:
    desk.write(APP)
    assert (desk.begin(), desk.confirm("look")) == (7, 0)
    assert desk.said[-1].endswith("next: fab -H prod runbook.resume")


def test_a_line_without_its_end_is_not_read_before_the_next_takes_its_place(desk: Desk) -> None:
    desk.write(APP)
    assert (desk.begin(), desk.confirm("look")) == (7, 0)
    path = RunbookRecord(desk.runs, desk.state().run).path
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert desk.state().stage("look").state == "open"


def test_records_that_cannot_be_read_are_not_taken_for_none(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write(APP)
    desk.runs.parent.mkdir()
    desk.runs.write_text("")
    assert desk.resume() == 7 and "the records of runs cannot be read: not a directory" in desk.all_said
    desk.runs.unlink()
    assert desk.begin() == 7

    def full(*given: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    assert desk.resume() == 7 and "lock of this runbook cannot be written: no space" in desk.all_said


def test_a_run_is_not_undone_before_a_newer_one_that_is_still_there(desk: Desk) -> None:
    desk.write("stages: [app: {run: deploy}]\nundo: {app: rollback}")
    assert desk.begin() == 0
    first = desk.state().run
    assert desk.begin(ref="v2") == 0
    second = desk.state().run
    assert desk.undo(first) == 7 and f"run {second} of release came after it" in desk.all_said
    assert not any("rollback" in line for line in desk.ran)
    assert desk.undo(second) == 0 and desk.undo(first) == 0
    assert sum("rollback" in line for line in desk.ran) == 2


def test_who_looks_for_an_instant_is_in_nobody_s_way(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    record = RunbookRecord(desk.runs, "R1")
    with record.carried_out():
        pass
    looks = os.open(record.folder / "runbook.lock", os.O_RDONLY)
    fcntl.flock(looks, fcntl.LOCK_SH)
    monkeypatch.setattr(module, "sleep", lambda seconds: fcntl.flock(looks, fcntl.LOCK_UN))
    with record.carried_out():
        os.close(looks)


@pytest.mark.parametrize("size", [0, 9])
def test_a_record_that_has_lost_its_lines_is_no_run_that_has_not_begun(desk: Desk, size: int) -> None:
    desk.write(APP)
    assert desk.begin() == 7
    os.truncate(desk.runs / desk.state().run / "events.jsonl", size)
    ran = list(desk.ran)
    assert desk.begin() == desk.undo() == 7 and desk.ran == ran
    assert "is damaged" in desk.all_said


def test_a_run_that_was_killed_within_its_first_line_has_begun_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write(APP)
    pwrite = os.pwrite

    def cut(descriptor: int, data: bytes, at: int) -> int:
        if not data.startswith(b'{"event"'):
            return pwrite(descriptor, data, at)
        pwrite(descriptor, data[:9], at)
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(os, "pwrite", cut)
        desk.begin()
    assert runbook_runs(desk.runs) == []
    assert desk.begin() == 7 and len(runbook_runs(desk.runs)) == 1


def test_a_release_that_had_nothing_to_do_is_not_undone(desk: Desk) -> None:
    desk.write("""
stages: [staging: {run: deploy, environment: staging}, app: {run: deploy}]
undo: {staging: rollback, app: rollback}
""")
    desk.idle = ("prod deploy",)
    assert desk.begin() == 0 and desk.undo() == 0
    assert [line for line in desk.ran if "rollback" in line] == ["staging rollback"]
