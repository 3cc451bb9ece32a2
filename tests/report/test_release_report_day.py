"""The summary of a day: counts that are those of its runs, and a notice without text from hosts."""

from __future__ import annotations

from dataclasses import replace

from lockstitch.report.release_report import RunReport
from lockstitch.report.release_report_day import DayReport, day_json, day_notice, day_page
from lockstitch.report.release_report_md import report_md
from tests.report.release_runs import RUN, at, good_run, line, outcome, report_of

FAILURE = {"host": "web1", "app": "api", "what": "build", "reason": "build failed: secret words of a host"}


def day_of(*runs: RunReport, problems: tuple[str, ...] = ()) -> DayReport:
    return DayReport("prod", at(-86400), at(0), runs, problems)


FAILED = report_of([*good_run()[:6], outcome(9, "put back", 5, failures=[FAILURE])])
TAKEN = report_of(
    [*good_run(), line(90, "watch", state="began"), line(99, "watch", state="back", reason="errors", rollback="R")]
)
CUT = report_of(good_run()[:6])


def test_runs_are_counted_by_how_they_ended() -> None:
    day = day_of(report_of(good_run()), FAILED, TAKEN, CUT)
    assert day.counts == {"done": 1, "failed": 1, "taken back": 1, "without an end": 1}
    assert day.title == "day of prod: 4 runs: 1 done, 1 failed, 1 taken back, 1 without an end"
    assert [run["why"] for run in day_json(day)["runs"]] == ["", FAILURE["reason"], "errors", ""]
    text = report_md(day_page(day))
    assert "- **deploys**: 4" in text and "- **of these failed or taken back**: 3" in text


def test_a_day_without_runs_and_what_could_not_be_read() -> None:
    day = day_of(problems=("events.jsonl is unreadable: permission denied",))
    text = report_md(day_page(day))
    assert text.startswith("# day of prod: 0 runs\n") and "permission denied" in text
    assert ("not read", "1 record") in day_notice(day).facts


def test_a_notice_has_counts_and_names_and_nothing_of_a_host() -> None:
    notice = day_notice(day_of(*[FAILED] * 12))
    assert notice.title == "day of prod: 12 runs: 12 failed" and (notice.event, notice.level) == ("day", "info")
    assert notice.facts[0][1] == "deploy api bbbbbbbb by ada@desk: failed"
    assert notice.facts[0][0] == RUN and len(notice.facts) == 11 and notice.facts[-1] == ("and", "2 more runs")
    assert "secret words" not in notice.text


def test_what_people_add_to_an_earlier_run_makes_it_no_run_of_the_day() -> None:
    notes = [line(-90000, "note", field="note", text="then", by="bob"), line(-5, "note", field="issue", text="now")]
    day = replace(day_of(), others=(report_of([*good_run(), *notes]),))
    text = report_md(day_page(day))
    assert day.title == "day of prod: 0 runs" and "Issues, run" in text and "now" in text and "then" not in text


def test_what_is_added_later_does_not_make_a_run_longer() -> None:
    later = [line(86400, name, id="f-1", text="x") for name in ("follow", "follow done", "note", "notified")]
    assert report_of([*good_run()[:6], *later]).seconds == CUT.seconds
