"""Things that are late, judged from what was read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from lockstitch.checks.due import (
    DueItem,
    ending_certificates,
    late_duties,
    late_follow_ups,
    left_flag,
    left_locks,
    skipped_checks,
    unproven_backups,
)
from lockstitch.databases.backup import Backup, BackupDirectoryFacts
from lockstitch.facts.follow_ups import FollowUp
from lockstitch.facts.history import HistoryFacts, JournalEntry
from lockstitch.model.finding import Finding
from lockstitch.model.layout import layout
from lockstitch.model.lock import LockInfo
from lockstitch.model.plan import Site
from lockstitch.report.follow import due_json, due_text, follow_text

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
ON = "fab -H prod"
SITE = Site("one", "api", layout("releases", "/srv/api"))


def ago(**time: float) -> str:
    return (NOW - timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%SZ")


def entry(
    kind: str, at: str, result: str = "done", run: str = "r1", verdict: str = "", release: str = ""
) -> JournalEntry:
    return JournalEntry(at, kind, result, run, "ada", verdict=verdict, release=release or run)


def test_follow_ups_are_late_until_they_are_done() -> None:
    known = [
        FollowUp("f-1", "r1", "write it down", "ada", ago(hours=3)),
        FollowUp("f-2", "r1", "later", "ada", ago(hours=-3)),
        FollowUp("f-3", "r1", "over", "ada", ago(hours=3), closed=ago(hours=1)),
        FollowUp("f-4", "r1", "at a time that nobody can read", "ada", "soon"),
        FollowUp("f-5", "r1", "its time is lost", "ada", ""),
    ]
    late = list(late_follow_ups(known, NOW, ON))
    assert sorted((item.owner, item.command) for item in late) == [
        ("ada", "fab -H prod follow.done f-1"),
        ("ada", "fab -H prod follow.done f-4"),
        ("ada", "fab -H prod follow.done f-5"),
    ]
    assert [item.says for item in late] == [
        "its time is lost: due at a time that cannot be read ()",
        "write it down: due 3 h ago",
        "at a time that nobody can read: due at a time that cannot be read (soon)",
    ]


@pytest.mark.parametrize(
    ("name", "period", "ended", "entries", "late"),
    [
        ("runbook-review", "monthly", "", [], "monthly, never done as far as is recorded"),
        ("runbook-review", "monthly", ago(days=30), [], ""),
        ("check", "monthly", "", [], "monthly, never done as far as is recorded"),
        ("runbook-review", "monthly", ago(days=40), [], "monthly, last done 40 d ago"),
        ("runbook-review", "weekly", "yesterday or so", [], "weekly, last done at a time that cannot be read"),
        # A task of which hosts keep a record is done when that says so.
        ("backup.prove", "weekly", "", [entry("prove", ago(days=3))], ""),
        ("backup.prove", "weekly", "", [entry("prove", ago(days=3), "failed")], "weekly, never done"),
        (
            "backup.prove",
            "weekly",
            "",
            [entry("prove", ago(days=9)), entry("restart", ago(days=1))],
            "weekly, last done 9 d",
        ),
        ("measure", "daily", ago(hours=2), [], ""),
        ("office.backup", "daily", "", [entry("backup", ago(hours=2))], "daily, never done"),
    ],
)
def test_duties_are_late_when_their_period_is_over(
    name: str, period: str, ended: str, entries: list[JournalEntry], late: str
) -> None:
    journals = [HistoryFacts(tuple(entries))]
    found = list(late_duties({name: period}, {name: ended} if ended else {}, journals, NOW, ON))
    assert [item.says.startswith(late) for item in found] == [True] * bool(late), found
    if found:
        assert found[0].command == (
            f"fab -H prod {name}" if name in ("backup.prove", "check") else f"fab -H prod follow.done {name}"
        )


@pytest.mark.parametrize(
    ("backups", "says"),
    [
        ((), "there is no good one"),
        ((Backup("a", problem="its dump is gone", proven=ago(days=1)),), "there is no good one"),
        ((Backup("a"),), "never proven"),
        ((Backup("a", proven=ago(days=8)), Backup("b")), "proven 8 d ago"),
        ((Backup("a", proven=ago(days=6)), Backup("b")), ""),
        ((Backup("a", proven="on monday"),), "proven at a time that cannot be read"),
    ],
)
def test_a_backup_is_late_that_nobody_has_proven_for_a_week(backups: tuple[Backup, ...], says: str) -> None:
    found = list(unproven_backups({"main": BackupDirectoryFacts(backups)}, NOW, ON))
    assert [item.says.startswith(says) for item in found] == [True] * bool(says), found


def test_a_lock_is_late_after_a_day() -> None:
    held = {at: LockInfo("r1", "ada@desk", "freeze", at) for at in (ago(hours=23), ago(hours=25), "?")}
    late = [list(left_locks({SITE: info}, NOW, ON)) for info in held.values()]
    assert [len(items) for items in late] == [0, 1, 1] and "ada@desk since" in late[1][0].says
    assert not list(left_locks({SITE: None}, NOW, ON))


@pytest.mark.parametrize(
    ("steps", "value", "changed", "late"),
    [
        (("0", "10", "50", "100"), "50", ago(days=3), True),
        (("0", "10", "50", "100"), "50", ago(hours=3), False),
        (("0", "10", "50", "100"), "50", "", True),
        (("0", "10", "50", "100"), "0", ago(days=3), False),
        (("10", "100"), "10", ago(days=3), True),
        (("10", "100"), "37", ago(days=3), True),
        (("10", "100"), "100", ago(days=3), False),
        (("off", "staff", "on"), "staff", ago(days=3), True),
        (("off", "staff", "on"), "on", ago(days=3), False),
        ((), "50", ago(days=3), False),
        (("0", "100"), None, ago(days=3), False),
    ],
)
def test_a_flag_is_late_that_stands_half_way(steps: tuple[str, ...], value: Any, changed: str, late: bool) -> None:
    flag: Any = SimpleNamespace(steps=[SimpleNamespace(to=step) for step in steps])
    item = left_flag(SITE, "PHASE_1", flag, value, changed, NOW, ON)
    assert (item is not None) is late
    if item:
        assert item.says.startswith(f"it stands at {value} of {steps[-1]} since ")


def test_the_checks_that_the_release_was_made_without_are_told_until_the_next_deploy() -> None:
    head = {"r1": {"waived": "waived by --skip-checks tls: one: it ends in 3 d"}}
    skipped = HistoryFacts((entry("deploy", ago(days=1), verdict="good"), entry("restart", ago(hours=1))), heads=head)
    other = Site("two", "api", SITE.layout)
    assert [item.about for item in skipped_checks({SITE: skipped, other: skipped}, ON)] == ["run r1"]
    later = entry("deploy", ago(hours=2), run="r2", verdict="good")
    assert not list(skipped_checks({SITE: HistoryFacts((*skipped.entries, later), heads=head)}, ON))
    again = entry("rollback", ago(hours=1), run="r3", verdict="good", release="r1")
    assert list(skipped_checks({SITE: HistoryFacts((*skipped.entries, later, again), heads=head)}, ON))


def test_certificates_are_told_by_what_their_checks_say() -> None:
    said = [("one", "", Finding("tls", level, "it ends in 5 d", "")) for level in ("pass", "warn", "fail")]
    other = ("one", "api", Finding("disk", "fail", "full", ""))
    assert [item.about for item in ending_certificates([*said, other], ON)] == ["one", "one"]


def test_what_is_not_known_is_never_nothing() -> None:
    assert due_text([], []) == "nothing is late"
    text = due_text([], ["one cannot be reached"])
    assert "nothing is late" not in text and "! not known: one cannot be reached" in text
    item = DueItem("lock", "api@one", "held by x\x1b[2J\nnext: rm -rf /", "a\nb", "fab")
    shown = due_text([item], ["a\nnext: b"])
    assert "\x1b" not in shown and "\nnext:" not in shown
    assert due_json([item], ["x"], 7)["unknown"] == ["x"]


def test_follow_ups_are_shown_on_a_line_each() -> None:
    shown = follow_text([FollowUp("f-1", "r", "a\nnext: b\x1b", "\u202e", ago(days=1))], NOW, UTC)
    assert len(shown.splitlines()) == 2 and "LATE" in shown and "\x1b" not in shown
