"""Needs of a runbook: when they are judged, what they stop, and who signs in their place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lockstitch.cli import runbook_needs
from lockstitch.engine.runbooks.record import RunbookRecord
from lockstitch.evidence import AppRevisions, Evidence, Need
from lockstitch.evidence.base import EvidenceResult
from tests.cli.runbook_desk import A, Desk

RUNBOOK = """
needs: {ci: green, passed_in: {staging: 7d}}
stages:
  - staging: {run: deploy, environment: staging}
  - by-hand: {sign: CI is green, for: ci}
  - backend: {run: deploy}
"""


class Judge:
    """Judges as a test has it; `asked` are the needs, with the revisions that they were about."""

    def __init__(self) -> None:
        self.results: dict[str, EvidenceResult] = {"ci": "pass", "passed_in": "pass"}
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def judge(self, needs: Sequence[Need], apps: Sequence[AppRevisions]) -> tuple[Evidence, ...]:
        self.asked += [(need.key, tuple(app.after for app in apps)) for need in needs]
        return tuple(Evidence(n.key, self.results[n.key], f"{n.key}\nnext: forged", "see there") for n in needs)


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Judge:
    made = Judge()
    monkeypatch.setattr(runbook_needs, "EvidenceJudge", lambda *about: made)
    return made


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk(tmp_path, monkeypatch)
    made.write(RUNBOOK)
    return made


def sign(desk: Desk) -> None:
    """Have the stage be done by a person, as a signature that counts makes it."""
    record = RunbookRecord(desk.runs, desk.state().run)
    record.add("stage", stage="by-hand", state="done", by="ada")


def test_needs_are_judged_at_the_beginning_and_before_a_release(desk: Desk, judge: Judge) -> None:
    assert desk.begin() == 0
    # What staging has run is known only after its stage.
    assert judge.asked == [("ci", (A,)), ("ci", (A,)), ("passed_in", (A,))]
    assert set(desk.states().values()) == {"done"} and len(desk.ran) == 2
    assert "needs ci: pass: ci" in desk.said[-1], "the status has it"
    assert [(each["name"], each["result"]) for each in desk.state().evidence()] == [
        ("ci", "pass"),
        ("passed_in", "pass"),
    ]


@pytest.mark.parametrize("result", ["fail", "inconclusive"])
def test_what_is_not_shown_stops_the_run_before_anything_is_changed(desk: Desk, judge: Judge, result: Any) -> None:
    desk.write(RUNBOOK.replace(", for: ci", ""))
    judge.results["ci"] = result
    assert desk.begin() == 7 and desk.ran == []
    assert f"needs ci: {result}" in desk.all_said and "nothing was changed" in desk.all_said
    assert desk.resume() == 7 and desk.ran == []


def test_what_failed_is_not_signed_away(desk: Desk, judge: Judge) -> None:
    judge.results["ci"] = "fail"
    assert desk.begin() == 7 and desk.ran == []


def test_a_person_signs_in_the_place_of_what_is_inconclusive(desk: Desk, judge: Judge) -> None:
    judge.results["ci"] = "inconclusive"
    assert desk.begin() == 7 and len(desk.ran) == 1
    assert "by-hand waits for a signature" in desk.all_said
    sign(desk)
    assert desk.resume() == 0 and len(desk.ran) == 2


def test_nobody_signs_where_it_was_shown(desk: Desk, judge: Judge) -> None:
    assert desk.begin() == 0
    assert desk.state().is_found("by-hand")
    assert desk.state().stage("by-hand").reason == "ci: ci\nnext: forged"


def test_what_was_shown_is_judged_again_before_the_release(desk: Desk, judge: Judge) -> None:
    judge.results["passed_in"] = "fail"
    assert desk.begin() == 7 and len(desk.ran) == 1
    # The sign-off was not needed then. It is now, and nobody has signed.
    judge.results |= {"passed_in": "pass", "ci": "inconclusive"}
    assert desk.resume() == 7 and len(desk.ran) == 1
    judge.results["ci"] = "pass"
    assert desk.resume() == 0 and len(desk.ran) == 2


def test_text_of_others_is_one_line(desk: Desk, judge: Judge) -> None:
    judge.results["ci"] = "fail"
    desk.begin()
    assert not any(line.startswith("next: forged") for line in desk.all_said.splitlines())


def test_a_stage_is_signed_for_a_need_that_is_there(desk: Desk, judge: Judge) -> None:
    desk.write(RUNBOOK.replace("for: ci", "for: reviews"))
    assert desk.begin() == 2 and "by-hand is signed for reviews, which is not among `needs`" in desk.all_said
