"""Notices: which events they are, and that they hold counts and known words alone."""

from __future__ import annotations

import json
from dataclasses import replace
from unicodedata import category

import pytest
from hypothesis import given

from lockstitch.errors import ExitCode
from lockstitch.model.command import Secret, mask
from lockstitch.model.outcome import Failure
from lockstitch.report.notices import (
    begun_notice,
    end_notice,
    events_of,
    killed_notice,
    unwatched_notice,
    watched_notice,
)
from tests.report.test_reports import HOSTILE, SITES, outcome, plan

AT = "2026-11-29T10:15:00.000000Z"
SECRET = Secret("hunter2hunter2", "env:TOKEN")


def masked(text: str) -> str:
    return mask(text, [SECRET])


@pytest.mark.parametrize(
    ("code", "kind", "events", "level"),
    [
        (ExitCode.DONE, "deploy", ("done",), "info"),
        (ExitCode.DONE, "rollback", ("rolled_back", "done"), "info"),
        (ExitCode.REVERTED, "deploy", ("rolled_back", "failed"), "warning"),
        (ExitCode.NEEDS_A_PERSON, "deploy", ("needs_person", "failed"), "critical"),
        (ExitCode.CHECK_SAID_NO, "deploy", ("refused",), "warning"),
        (ExitCode.INTERRUPTED, "deploy", ("interrupted",), "warning"),
    ],
)
def test_the_events_of_each_end(code: ExitCode, kind: str, events: tuple[str, ...], level: str) -> None:
    ended = outcome(code=code, plan=plan(kind=kind), manual_actions=())
    notice = end_notice(ended, AT, masked)
    assert (events_of(notice), notice.level) == (events, level)


@pytest.mark.parametrize(
    ("state", "problems", "event"),
    [
        ("over", 0, "done"),
        ("over", 2, "failed"),
        ("back", 0, "rolled_back"),
        ("rollback failed", 0, "needs_person"),
        ("superseded", 0, "done"),
        ("stopped", 0, "interrupted"),
        ("unbegun", 0, "failed"),
    ],
)
def test_the_events_of_each_end_of_a_watch(state: str, problems: int, event: str) -> None:
    waiting = unwatched_notice(outcome(code=ExitCode.DONE, manual_actions=()), AT, masked)
    assert events_of(waiting) == ("killed", "failed")
    notice = watched_notice(waiting, AT, state, problems, "R9")
    assert notice.event == event and "nobody watches" not in notice.text and "next" not in dict(notice.facts)


@given(HOSTILE)
def test_what_others_wrote_stays_in_its_line(text: str) -> None:
    made = plan(text, refs={"api": text})
    for notice in (
        begun_notice(made, AT, masked),
        killed_notice(made, AT, masked),
        end_notice(outcome(text, plan=made), AT, masked),
    ):
        obeyed = {c for _, value in notice.facts for c in value if category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
        assert obeyed <= {"\t"}, notice.facts
        assert len(notice.text.split("\n")) == 1 + len(notice.facts)
        json.dumps(notice.text).encode()


def test_no_output_no_reason_and_no_secret_is_in_a_notice() -> None:
    failure = Failure(SITES[0], "build", "reason-of-it", "hint-of-it", ("output-of-it",), {"log": ("log-of-it",)})
    made = plan("with hunter2hunter2", message="watch of R1: answer-of-it")
    notice = end_notice(replace(outcome(plan=made), failures=(failure,)), AT, masked)
    assert "of-it" not in notice.text and "hunter2" not in notice.text
    facts = dict(notice.facts)
    assert facts["failed"].startswith("1: build of api@web1") and facts["why"] == "watch of R1"
    assert facts["commits"] == "1: with ***" and facts["hosts"] == "3: web1; web2; web3"
