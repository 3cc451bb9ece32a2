"""Past runs that were judged anew, as text and JSON."""

from __future__ import annotations

from datetime import UTC, datetime

from lockstitch.checks.past_runs import PastGate, PastRun
from lockstitch.model.wave_watch import Way
from lockstitch.report.past_runs import past_runs_json, past_runs_text

NOW = datetime(2027, 1, 15, 9, tzinfo=UTC)
GATE = PastGate("pause", "api", "errors", "fail", "30 of 500", "pass")
BACK = PastRun(
    "20270115T080000Z-aaaa", "deploy", "ada", "2027-01-15T08:00:00Z", (GATE,), Way.BACK, "gate errors of api fails",
    1_800_000_300.0, went=False, whole=True,
)  # fmt: skip
FINE = PastRun("r2", "deploy", "bob", "2027-01-14T08:00:00Z", (GATE,), Way.ON, "", None, went=True, whole=True)
OPEN = PastRun("r3", "watch", "", "", (GATE,), Way.ON, "", None, went=False, whole=False, notes=("not all is known",))


def test_the_summary_counts_what_would_have_gone_back_and_what_is_not_known() -> None:
    text = past_runs_text([BACK, FINE, OPEN], ["a file is unreadable"], NOW, UTC)
    lines = [line.strip() for line in text.splitlines()]
    assert lines[-1] == "of 3 runs 1 would have gone back; of 1 that is not known; 1 did then"
    assert "run 20270115T080000Z-aaaa: deploy by ada, 2027-01-15 08:00 (1 h ago)" in lines
    assert "would have gone back at 2027-01-15 08:05: gate errors of api fails" in lines
    assert lines.count("it did go back then") == 1 and "would not have gone back" in lines
    assert "whether it would have gone back is not known" in lines
    assert "! not all is known" in lines and "! a file is unreadable" in lines
    assert ["pause", "api", "errors", "fail", "pass", "30", "of", "500"] in [line.split() for line in lines]


def test_without_runs_that_is_said() -> None:
    assert "no run with readings" in past_runs_text([], [], NOW)


def test_programs_get_the_same() -> None:
    document = past_runs_json([BACK, FINE, OPEN], [], 0)
    assert [run["back"] for run in document["runs"]] == [True, False, None]
    assert {key: document[key] for key in ("judged", "back", "unknown", "went")} == {
        "judged": 3, "back": 1, "unknown": 1, "went": 1,
    }  # fmt: skip
    assert document["runs"][0]["when"] == "2027-01-15T08:05:00Z"
    assert document["runs"][0]["gates"][0]["then"] == "pass"
