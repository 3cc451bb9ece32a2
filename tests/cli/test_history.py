"""`history`: what was done, and the record of one run, as it is typed."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from lockstitch.cli.moments import moment_of
from lockstitch.errors import UsageError
from lockstitch.facts.history import parse_run
from lockstitch.model.format import when
from tests.cli.conftest import commit
from tests.cli.operator import Operator

BERLIN = ZoneInfo("Europe/Berlin")
SUNDAY = datetime(2026, 11, 29, 12, 0, tzinfo=BERLIN)


@pytest.fixture(scope="module")
def busy(deployed: Operator) -> Iterator[Operator]:
    """One who has deployed, failed, restarted, locked and freed."""
    deployed.inventory["apps"]["app"]["service"]["stop"] = 'rm -f "$HOME/up"'
    commit(deployed, "better")
    deployed.inventory["apps"]["app"]["build"] = ["echo built"]
    runs = [deployed.fab("deploy", "--message", "better")]
    commit(deployed, "worse")
    deployed.inventory["apps"]["app"]["build"] = ["exit 3"]
    failed = deployed.fab("deploy", "--message", "worse")
    assert failed.code == 5 and re.search(r"^next: fab -H lab history 2\S+$", failed.said, re.MULTILINE), failed.said
    deployed.inventory["apps"]["app"]["build"] = ["echo built"]
    runs += [
        deployed.fab("deploy", "--message", "again"),
        deployed.fab("service.restart", "--message", "new certificates"),
        deployed.fab("lock.take", "--message", "freeze"),
        deployed.fab("lock.break", "--message", "thaw"),
        deployed.fab("run", "--", "uptime", where="lab:one"),
    ]
    assert [ran.code for ran in runs] == [0] * len(runs), [ran.said for ran in runs]
    yield deployed
    deployed.inventory["apps"]["app"].pop("build")


def test_every_kind_of_run_is_in_the_history(busy: Operator) -> None:
    entries = busy.fab("history", "--json").json["entries"]
    assert [(e["kind"], e["result"], e["message"], e["hosts"]) for e in entries[:6]] == [
        ("lock.break", "done", "thaw", ["one", "two"]),
        ("lock.take", "done", "freeze", ["one", "two"]),
        ("restart", "done", "new certificates", ["one", "two"]),
        ("deploy", "done", "again", ["one", "two"]),
        ("deploy", "failed", "worse", ["one", "two"]),
        ("deploy", "done", "better", ["one", "two"]),
    ]
    assert "`echo built` ended" not in entries[4]["reason"] and "exit code 3" in entries[4]["reason"]
    assert {entry["app"] for entry in entries} == {"app"}


def test_it_is_narrowed_by_time_host_and_person(busy: Operator) -> None:
    def kinds(*words: str) -> list[str]:
        return [entry["kind"] for entry in busy.fab("history", "--json", *words).json["entries"]]

    assert kinds("--since", "1h", "--by", "ADA", "--host", "on*")[:2] == ["lock.break", "lock.take"]
    assert kinds("--since", "yesterday", "--limit", "1") == ["lock.break"]
    assert kinds("--by", "bob") == kinds("--until", "yesterday") == kinds("--since", "2099-01-01") == []
    assert kinds("--host", "one", "--until", "today") == kinds()


def test_the_table_has_local_times_and_no_words_of_the_inside(busy: Operator) -> None:
    busy.fab("run", "--", "exit 4", where="lab:one")
    busy.inventory["groups"]["all"]["hosts"].append({"name": "gone", "address": "127.0.0.1", "port": 1})
    busy.fab("check", "--skip", "disk")
    by_hand = busy.fab("history", "--by-hand", "--host", "one", "--since", "1h")
    busy.inventory["groups"]["all"]["hosts"].pop()
    assert by_hand.code == 0 and "one: 4" in by_hand.out, by_hand.said
    assert "check_said_no" not in by_hand.out and "run -- uptime" in by_hand.out, by_hand.said
    busy.env["TZ"] = "UTC"
    shown = busy.fab("history").out
    busy.env["TZ"] = "Asia/Tokyo"
    later = busy.fab("history").out
    busy.env.pop("TZ")
    utc, tokyo = (
        datetime.fromisoformat(re.findall(r"^(\d{4}-\d\d-\d\d \d\d:\d\d)", s, re.M)[0]) for s in (shown, later)
    )
    assert (tokyo - utc).total_seconds() == 9 * 3600
    assert re.search(r"\d (s|min) ago", shown), shown


def test_the_record_of_a_run_has_its_steps_beside_those_of_the_run_before(busy: Operator) -> None:
    runs = {entry["message"]: entry["run"] for entry in busy.fab("history", "--json").json["entries"]}
    ran = busy.fab("history", runs["again"], "--json")
    record = ran.json["run"]
    assert (record["kind"], record["by"][:4], record["message"], record["result"]) == (
        "deploy",
        "ada@",
        "again",
        "done",
    )
    built = [step for step in record["steps"] if step["step"] == "build"]
    assert [(step["host"], step["code"], step["before_run"]) for step in built] == [
        ("one", 0, runs["better"]),
        ("two", 0, runs["better"]),
    ], ran.said
    assert all(step["seconds"] is not None and step["before"] is not None for step in record["steps"][:3])
    shown = busy.fab("history", runs["again"])
    assert re.search(r"build +\d\.\d s +\w+, slowest of 2 +\d\.\d s +" + runs["better"], shown.out), shown.said
    failed = busy.fab("history", runs["worse"])
    # The host that fails first ends the work of the other.
    assert "FAILED on " in failed.out and "deploy: worse" in failed.out, failed.said
    restarted = busy.fab("history", runs["new certificates"])
    assert "restart: new certificates" in restarted.out and "app  start" in restarted.out, restarted.said


def test_the_record_is_on_the_hosts_for_who_comes_from_elsewhere(busy: Operator) -> None:
    (run,) = [e["run"] for e in busy.fab("history", "--json").json["entries"] if e["message"] == "again"]
    records = busy.folder / ".lockstitch"
    records.rename(busy.folder / "elsewhere")
    try:
        ran = busy.fab("history", run, "--json")
    finally:
        (busy.folder / "elsewhere").rename(records)
    record = ran.json["run"]
    assert (record["kind"], record["message"], record["file"]) == ("deploy", "again", None)
    assert (record["source"], record["outcome"]["result"], record["result"]) == ("the hosts one, two", "done", "done")
    assert {step["step"] for step in record["steps"]} >= {"fetch", "release", "build", "activate", "reload"}


def test_statistics_count_what_was_proven_and_say_where_that_is_not_enough(busy: Operator) -> None:
    ran = busy.fab("history", "--stats", "--json")
    assert ran.code == 0, ran.said
    stats = ran.json
    # The build of the failed one failed before users met it.
    assert [stats[key]["n"] for key in ("frequency", "lead_time", "failure_rate", "recovery")] == [3, 3, 3, 0]
    assert (stats["lead_time"]["unknown"], stats["notes"]) == (0, [])
    shown = busy.fab("history", "--stats", "--since", "1h")
    assert "not enough: 3 of 5" in shown.out and "change failure rate" in shown.out, shown.said
    refused = busy.fab("history", "--stats", "--by", "ada")
    assert refused.code == 2 and "--stats counts every run" in refused.err, refused.said
    # A journal that cannot be read is not one where nothing was done.
    # The home is shared with other files of tests.
    home = busy.home("one") / busy.inventory["apps"]["app"]["path"]
    (journal,) = home.parent.glob("**/.lockstitch/app/journal.jsonl")
    kept = journal.rename(journal.with_suffix(".kept"))
    journal.mkdir()
    try:
        broken = busy.fab("history", "--stats")
    finally:
        journal.rmdir()
        kept.rename(journal)
    assert broken.code == 7 and "it is no file" in broken.said, broken.said


def test_a_run_is_exported_whole_into_a_new_file_that_nobody_else_reads(busy: Operator) -> None:
    runs = {entry["message"]: entry["run"] for entry in busy.fab("history", "--json").json["entries"]}
    dry = busy.fab("--dry", "-H", "lab", "history.export", runs["again"], "--json", where="")
    assert dry.code == 0 and not (busy.folder / dry.json["path"]).exists(), dry.said
    ran = busy.fab("history.export", runs["again"], "--json")
    assert (ran.code, ran.json["missing"]) == (0, []), ran.said
    file = busy.folder / ran.json["path"]
    assert file.stat().st_mode & 0o777 == 0o600
    with tarfile.open(file) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    assert names == set(ran.json["files"])
    journals = {f"hosts/{host}/app.journal.jsonl" for host in ("one", "two")}
    assert names >= {"README.txt", "history.txt", "events.jsonl", "steps.txt", *journals}
    for words in (
        ("history.export", runs["again"], "--to", "-"),
        ("get", "/etc/hostname", "--to", "-"),
        ("backup.fetch", "NAME", "--to", "-"),
        ("smoke", "--junit", "-"),
    ):
        ran = busy.fab(*words)
        assert ran.code == 2 and "takes a file or a folder" in ran.said, ran.said
        assert not (busy.folder / "-").exists()
    again = busy.fab("history.export", runs["again"])
    assert again.code == 2 and "is there already" in again.err, again.said
    none = busy.fab("history.export", "20200101T000000Z-0000", "--to", "x.tar.gz")
    assert none.code == 7 and not (busy.folder / "x.tar.gz").exists(), none.said


def test_what_was_done_by_hand_has_a_record_too(busy: Operator) -> None:
    (line,) = [c for c in busy.fab("history", "--by-hand", "--json").json["commands"] if c["what"] == "run -- uptime"]
    ran = busy.fab("history", line["run"])
    assert ran.code == 0 and "run -- uptime" in ran.out and "one" in ran.out, ran.said
    none = busy.fab("history", "20200101T000000Z-0000")
    assert none.code == 7 and "there is no record of a run 20200101T000000Z-0000" in none.err, none.said


@pytest.mark.parametrize(
    ("typed", "end", "meant"),
    [
        ("2h", False, "2026-11-29T10:00"),
        ("30 min ago", False, "2026-11-29T11:30"),
        ("today", False, "2026-11-29T00:00"),
        ("yesterday", True, "2026-11-29T00:00"),
        ("tuesday", False, "2026-11-24T00:00"),
        ("Last Tuesday", True, "2026-11-25T00:00"),
        ("sunday", False, "2026-11-22T00:00"),
        ("2026-11-24", False, "2026-11-24T00:00"),
        ("2026-11-24", True, "2026-11-25T00:00"),
        ("2026-11-24T14:00", True, "2026-11-24T14:00"),
    ],
)
def test_times_as_they_are_typed(typed: str, end: bool, meant: str) -> None:
    at = moment_of(typed, SUNDAY, option="--since", end=end)
    assert at is not None and at.replace(tzinfo=None).isoformat(timespec="minutes") == meant


@pytest.mark.parametrize("typed", ["never", "2y", "2026-13-01", "10"])
def test_what_is_no_time(typed: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        moment_of(typed, SUNDAY, option="--since")


def test_times_are_shown_in_the_zone_of_who_looks() -> None:
    assert when("2026-11-24T13:03:11Z", SUNDAY, BERLIN) == ("2026-11-24 14:03", "4 d ago")
    assert when("2026-11-29T08:59:00Z", SUNDAY, BERLIN) == ("2026-11-29 09:59", "2 h ago")
    assert when("soon", SUNDAY, BERLIN) == ("soon", "")


def test_a_step_that_has_no_end_is_told() -> None:
    facts = parse_run('line {"event":"begin","run":"r","step":"build","at":"2026-11-24T13:03:11Z"}', 0)
    assert [(step.step, step.seconds, step.code) for step in facts.steps] == [("build", None, None)]
