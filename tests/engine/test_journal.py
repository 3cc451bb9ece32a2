"""The controller's record of a run: whole lines, whoever writes at once and whatever is written."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.engine.journal import Journal, journaled, note, now, record_files, records
from lockstitch.model.command import Command, Secret
from lockstitch.model.gate import passed
from lockstitch.model.layout import layout
from lockstitch.model.outcome import GateAsked, RollbackBegan, RunEvent, RunMessage, WaveBegan
from lockstitch.model.plan import Change, Plan, Site, SitePlan, Step, Wave
from lockstitch.model.results import StepBegan, StepEnded, StepOutput
from lockstitch.model.smoke_check import SmokeEnding, SmokeResult
from lockstitch.model.wave_watch import GateMeasured, WatchMemory

SITE = Site("web1", "api", layout("releases", "app"))
UNIT = SitePlan(SITE, (Step("fetch", "fetch it", Command("git fetch")), Step("fetch", "again", Command("git fetch"))))
WAVES = (Wave("prepare", (UNIT,), pause=2.0),)
PLANNED = {
    "name": "prepare",
    "pause": 2.0,
    "visible": False,
    "steps": {"fetch": {"says": ["fetch it", "again"], "sites": ["api@web1", "api@web1"]}},
}
PLAN = Plan("deploy", "prod", "run-1", "ada", "why", WAVES, changes=(Change(SITE, None, "a" * 40, "R1"),))


def test_lines_of_several_writers_never_mix(tmp_path: Path) -> None:
    with Journal(tmp_path, "run-1") as journal:

        def write(who: int) -> None:
            for number in range(200):
                journal.write("output", who=who, number=number, text="x" * (who * 997 % 5000))

        writers = [threading.Thread(target=write, args=(who,)) for who in range(8)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
    events = list(records(journal.path)[0])
    assert len(events) == 8 * 200
    for who in range(8):
        assert [e["number"] for e in events if e["who"] == who] == list(range(200)), "each in its order"


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_last_line_that_was_cut_off_is_left_out(tmp_path: Path, cut: int) -> None:
    with Journal(tmp_path, "run-1") as journal:
        for number in range(3):
            journal.write("said", number=number, text="end ä")
    data = journal.path.read_bytes()
    journal.path.write_bytes(data[:-cut])
    assert [event["number"] for event in records(journal.path)[0]] == [0, 1] if cut > 1 else [0, 1, 2]


@given(st.text(st.characters(), max_size=40), st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3))
def test_anything_can_be_written_and_is_one_line(
    tmp_path_factory: pytest.TempPathFactory, text: str, more: Any
) -> None:
    with Journal(tmp_path_factory.mktemp("runs"), "run-1") as journal:
        journal.write("said", text=text, more=more, path=Path("x"), error=ValueError("no"))
        journal.write("said", text="next")
    lines = journal.path.read_bytes().split(b"\n")
    assert len(lines) == 3
    first, second = records(journal.path)[0]
    assert first["text"] == text.encode("utf-8", "replace").decode()
    assert second["text"] == "next"


def test_a_secret_that_comes_this_far_is_a_mask(tmp_path: Path) -> None:
    with Journal(tmp_path, "run-1") as journal:
        journal.write("said", secret=Secret("hunter2"), several=[Secret("hunter2")])
    assert "hunter2" not in journal.path.read_text()


def test_a_journal_goes_on_where_it_was_and_is_not_for_everybody(tmp_path: Path) -> None:
    for number in range(2):
        with Journal(tmp_path / "runs", "run-1") as journal:
            journal.write("said", number=number)
    assert [event["number"] for event in records(journal.path)[0]] == [0, 1]
    assert journal.path == tmp_path / "runs" / "run-1" / "events.jsonl"
    assert journal.path.stat().st_mode & 0o007 == 0


def test_times_are_in_utc_and_sort() -> None:
    first, second = now(), now()
    assert first <= second
    assert first.endswith("Z") and len(first) == len("2026-01-01T00:00:00.000000Z")


EVENTS: list[RunEvent] = [
    StepBegan("web1", "api", "build", "run-1"),
    StepOutput("web1", "api", "build", "a line \x1b[0m \udcff"),
    StepEnded("web1", "api", "build", 3, 7),
    WaveBegan("prepare", (SITE,), 1, 2),
    GateAsked(SITE, "health", passed("answered 200"), 2),
    RollbackBegan("it failed", (SITE,)),
    RunMessage("a sentence"),
    GateMeasured("api", "errors", "fail", "9 of 100", bad=9, total=100, low=0.053, begin=1.0, end=61.0, last=True),
    WatchMemory({"api": {"web1": 2}}, {"api": {"web1": "503"}}, {"api": 60.0}, ("PHASE_1",), True, {"undo": "x"}, 2.0),
    SmokeResult("api", "login", SmokeEnding.FAILED, "answered 500, expected success (200 to 299)", 1, 1, 0.2),
]


def test_every_kind_of_event_is_here() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(RunEvent))


def test_every_event_is_written_down_before_it_is_shown(tmp_path: Path) -> None:
    with Journal(tmp_path, "run-1") as journal:
        shown: list[tuple[RunEvent, int]] = []
        observe = journaled(journal, PLAN, lambda event: shown.append((event, len(list(records(journal.path)[0])))))
        for event in EVENTS:
            observe(event)
    assert shown == [(event, number + 2) for number, event in enumerate(EVENTS)]
    lines = list(records(journal.path)[0])
    assert [line["event"] for line in lines] == [
        "run",
        "begin",
        "output",
        "end",
        "wave",
        "gate",
        "back",
        "said",
        "reading",
        "watch memory",
        "smoke",
    ]
    assert all("at" in line for line in lines)
    assert (lines[0]["refs"], lines[0]["commits"], lines[0]["waves"]) == ({}, {"api": []}, [PLANNED])
    assert (lines[4]["number"], lines[4]["of"]) == (1, 2)
    assert lines[0]["changes"] == [{"site": "api@web1", "from": None, "to": "a" * 40, "release": "R1"}]
    assert (lines[1]["host"], lines[1]["name"], lines[3]["code"], lines[3]["seconds"]) == ("web1", "build", 3, 7)
    assert (lines[5]["answer"], lines[5]["attempt"], lines[5]["site"]) == ("pass", 2, "api@web1")
    assert (lines[8]["bad"], lines[8]["total"], lines[8]["low"], lines[8]["last"]) == (9, 100, 0.053, True)
    assert (lines[9]["tried"], lines[9]["turned_off"]) == (True, ["PHASE_1"])
    assert (lines[10]["step"], lines[10]["result"]) == ("login", "failed")
    assert json.loads(journal.path.read_text().split("\n")[0])["run"] == "run-1"


def test_whole_lines_around_a_damaged_part_count_and_the_next_begins_on_its_own(tmp_path: Path) -> None:
    file = tmp_path / "commands.jsonl"
    note(file, number=1)
    with file.open("ab") as damaged:
        damaged.write(b"\0" * 200 + b'{"cut": \n\xff\xfe blob\n{"number": 2}\r\n{"torn": ')
    note(file, number=3)
    found, damage = records(file)
    assert [line["number"] for line in found] == [1, 2, 3]
    assert damage == 3


def test_records_that_cannot_be_looked_at_are_not_missing(tmp_path: Path) -> None:
    (tmp_path / "runs" / "b").mkdir(parents=True)
    (tmp_path / "runs" / "a").symlink_to("a")
    (tmp_path / "runs" / "c").mkdir()
    (tmp_path / "runs" / "c" / "events.jsonl").touch()
    assert [file.parent.name for file in record_files(tmp_path / "runs")] == ["c", "a"]
    assert record_files(tmp_path / "none") == []
    with pytest.raises(OSError):
        record_files(tmp_path / "runs" / "c" / "events.jsonl")
