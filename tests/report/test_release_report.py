"""The report of a run: its numbers are those of the events, and what is missing is said."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.facts.run_events import FoundRun, kept_record
from lockstitch.metrics.intervals import Proportion, wilson
from lockstitch.report.history import RunRecord, run_json, run_text
from lockstitch.report.release_report import report_json
from lockstitch.report.release_report_events import run_report
from lockstitch.report.release_report_md import report_md
from lockstitch.report.release_report_page import report_page
from tests.report.release_runs import (
    BEGIN,
    RUN,
    WAVES,
    Line,
    at,
    began,
    good_run,
    line,
    outcome,
    reading,
    report_of,
    step,
)


def text_of(lines: list[Line], **more: Any) -> str:
    return report_md(report_page(report_of(lines, **more)))


def test_steps_took_what_lies_between_their_lines() -> None:
    report = report_of(good_run(), last=[*step(0, 5, "fetch"), *step(5, 6, "reload")])
    phases = {phase.name: phase for phase in report.phases}
    assert list(phases) == ["prepare", "web1", "web2", "record, prune, unlock"]
    fetch, reload = phases["prepare"].steps[0], phases["web1"].steps[0]
    assert (fetch.start, fetch.seconds, fetch.slowest, fetch.last) == (1.0, 8.0, "api@web2", 5.0)
    assert (reload.start, reload.seconds, reload.last, phases["web1"].pause) == (10.0, 2.5, 1.0, 60)
    assert (report.seconds, report.began, report.ended) == (82, at(0), at(82))


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 500)), min_size=1, max_size=5))
def test_shares_and_bounds_are_those_of_the_counts(counts: list[tuple[int, int]]) -> None:
    lines = [reading(n, min(bad, total), total) for n, (bad, total) in enumerate(counts)]
    (series,) = report_of([began(), *lines, outcome(9)]).series
    for share, (bad, total) in zip(series.readings, counts, strict=True):
        bounds = wilson(Proportion(min(bad, total), total))
        assert (share.bad, share.total, share.low, share.high) == (min(bad, total), total, bounds.low, bounds.high)
    assert series.before is not None and (series.before.bad, series.before.total) == (10, 1000)
    assert series.old is not None and (series.old.bad, series.old.total) == (3, 900)


def test_a_gate_that_was_asked_again_has_its_last_answer() -> None:
    (gate,) = report_of(good_run()).gates
    assert (gate.phase, gate.answer, gate.reason, gate.tries) == ("web1", "pass", "answered 200", 2)


def test_what_was_planned_and_not_begun_is_shown() -> None:
    lines = [began(*WAVES), line(1, "wave", name="prepare", sites=[], number=1, of=3), *step(1, 2, "fetch", code=3)]
    failure = {"host": "web1", "app": "api", "what": "fetch", "reason": "fetch failed", "output": ["fatal: gone"]}
    lines += [outcome(3, "put back", 5, failures=[failure])]
    phases = {phase.name: phase for phase in report_of(lines).phases}
    assert [phases[name].state for name in ("prepare", "web1", "web2")] == ["failed", "not begun", "not begun"]
    text = text_of(lines)
    assert "failed on api@web1; not begun on api@web2" in text and "fatal: gone" in text
    assert "# deploy of prod: failed, and every host is back where it was" in text


@pytest.mark.parametrize("kept", range(1, len(good_run())))
def test_a_record_that_was_cut_off_anywhere_says_so(kept: int) -> None:
    lines = good_run()[:kept]
    report = report_of(lines)
    assert report.cut and (kept < 2 or report.phases[-1].state in ("cut off", "not begun"))
    assert "it was cut off, or is still running" in text_of(lines)


def test_a_step_without_an_end_is_named() -> None:
    lines = [began(*WAVES), line(1, "wave", name="prepare", sites=[], number=1, of=3), *step(1, None, "fetch")]
    assert "no end recorded on api@web1" in text_of(lines)


def test_going_back_has_its_reason_and_its_steps() -> None:
    lines = [*good_run()[:8], line(20, "back", why="gate errors of api fails", sites=["api@web1"])]
    report = report_of([*lines, *step(21, 22, "undo reload"), outcome(23, "put back", 5)])
    assert report.rollback == "gate errors of api fails"
    assert [phase.name for phase in report.phases] == ["prepare", "web1", "going back", "web2"]
    assert [each.name for each in report.phases[2].steps] == ["undo reload"]


def test_what_the_record_lacks_is_in_the_report() -> None:
    damaged = FoundRun(RUN, tuple(good_run()[1:]), "this machine", notes=("3 lines of events.jsonl are no records",))
    text = report_md(report_page(run_report(damaged)))
    assert "3 lines of events.jsonl are no records" in text
    assert "the record does not have the beginning of this run" in text
    old = {key: value for key, value in good_run()[0].items() if key != "waves"}
    assert "the record does not have the plan" in text_of([old, *good_run()[1:]])


def test_measures_are_beside_the_run_they_are_compared_with() -> None:
    about = {"app": "api", "name": "bundle", "host": "here", "verdict": "pass", "says": "smaller"}
    lines = [*good_run(), line(90, "measured", **about, numbers={"size": 900.0}, before_run="old")]
    before = FoundRun("old", (line(0, "measured", **about, numbers={"size": 1000.0}),), "this machine")
    assert "|   | size |   | 1000 | 900 | -100 (-10.0%) |" in text_of(lines, others={"old": before})
    assert "|   | size |   | - | 900 | - |" in text_of(lines)


def test_smoke_is_beside_the_last_release() -> None:
    about = {"app": "api", "host": None, "step": "login", "seconds": 0.2}
    lines = [*good_run(), line(83, "smoke", **about, result="failed", reason="answered 500")]
    (result,) = report_of(lines, last=[line(0, "smoke", **about, result="passed", reason="")]).smoke
    assert (result.result, result.last) == ("failed", "passed")


def test_what_people_add_is_shown_and_what_they_have_not_is_asked_for() -> None:
    note = line(90, "note", field="lesson", text="rehearse it", by="bob@desk")
    text = text_of([*good_run(), note])
    assert "- Lessons learned: rehearse it (bob@desk, 2026-11-24 13:01:30 UTC)" in text
    assert f"User satisfaction: none yet; fab -H prod report.note --run {RUN} --field satisfaction TEXT" in text


def test_a_runbook_has_its_stages_with_who_signed_and_what_was_skipped_first() -> None:
    lines = [
        line(0, "runbook", run=RUN, runbook="release", environment="prod", by="ada@desk"),
        line(1, "evidence", known=[{"name": "ci", "result": "fail", "reason": "red"}], enough=False),
        line(1, "evidence", known=[{"name": "ci", "result": "pass", "reason": "3 checks"}], enough=True),
        line(1, "stage", stage="approve", state="began", by="ada@desk", planned=300, risk="high"),
        line(2, "command", stage="approve", number=0, state="began", line="deploy", run="R2"),
        line(2, "outside window", stage="approve", by="ada@desk", reason="urgent"),
        line(61, "stage", stage="approve", state="done", by="grace", reason="plan read"),
        line(62, "stage", stage="sms", state="skipped", by="ada@desk", reason="no phone"),
        line(63, "runbook end", state="done"),
    ]
    report = report_of(lines)
    assert (report.kind, report.result, report.cut, report.problems) == ("runbook release", "done", False, ())
    assert [(each.name, each.by, each.seconds) for each in report.stages] == [
        ("approve", "grace", 60),
        ("sms", "ada@desk", None),
    ]
    text = text_of(lines)
    assert "- **skipped**: sms (no phone, by ada@desk)" in text.split("##")[0]
    assert "- **outside the window**: approve (urgent, by ada@desk)" in text.split("##")[0]
    assert "| approve | done | high | grace | 2026-11-24 13:01:01 UTC | 1 min | 5 min | plan read | R2 |" in text
    assert "| ci | pass | 3 checks |" in text and "red" not in text


ODD: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=4), some, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_a_field_of_any_other_type_breaks_no_report(data: st.DataObject) -> None:
    lines = [*good_run(), line(83, "smoke", app="api"), line(84, "watch", state="began", start=1.0, until=2.0)]
    lines += [line(85, "measured", app="api", name="n", host="h", numbers={"n": 1})]
    for _ in range(data.draw(st.integers(1, 4))):
        number = data.draw(st.integers(0, len(lines) - 1))
        key = data.draw(st.sampled_from(sorted(lines[number])))
        if key != "event":
            lines[number] = {**lines[number], key: data.draw(ODD)}
    report = report_of(lines, last=lines)
    assert report_md(report_page(report)) and report_json(report)


def test_a_number_that_no_float_holds_and_a_time_without_zone_break_no_report() -> None:
    lines = [*good_run(), line(84, "watch", state="began", start=1.0, until=2.0), line(85, "watch", problems=[])]
    lines += [line(86, "measured", app="api", name="n", host="h", numbers={"n": 1}), reading(87, 1, 10)]
    for number, each in enumerate(lines):
        for key in each.keys() - {"event"}:
            for odd in (10**400, "2026-11-24"):
                field = {"n": odd} if key == "numbers" else odd
                report = report_of([*lines[:number], {**each, key: field}, *lines[number + 1 :]], last=lines)
                assert report_md(report_page(report))


@pytest.mark.parametrize(
    "odd", [10**400, "soon", [], {}, 5, None], ids=["huge", "text", "list", "object", "int", "none"]
)
def test_a_field_of_any_other_type_breaks_no_record_of_hosts_and_no_history(odd: Any) -> None:
    lines = [*good_run(), line(84, "smoke", app="api"), reading(87, 1, 10)]
    lines += [line(85, "gate", site="api@web1", gate="serving", answer="pass", attempt=1)]
    lines += [line(86, "measured", app="api", name="n", host="h", numbers={"n": 1}, verdict="pass")]
    for number, each in enumerate(lines):
        for key in each.keys() - {"event"}:
            events = [*lines[:number], {**each, key: odd}, *lines[number + 1 :]]
            assert kept_record(events, str)
            named = {name: [e for e in events if e["event"] == name] for name in ("reading", "measured", "smoke")}
            ends = [e for e in events if e["event"] == "outcome"]
            record = RunRecord(
                RUN, {}, ends[0], events[0], readings=named["reading"], measured=named["measured"], smoke=named["smoke"]
            )
            assert run_text(record, BEGIN) and run_json(record)


def test_a_clock_that_goes_back_makes_no_negative_time() -> None:
    report = report_of([*good_run()[:1], *step(-50, -60, "build"), line(-100, "wave", name="w", number=1)])
    assert report.seconds is None and [phase.seconds for phase in report.phases if phase.start == 0.0][:1] == [None]
    assert "-" in report_md(page := report_page(report)) and not re.search(r"-\d+\.\d s", report_md(page))
