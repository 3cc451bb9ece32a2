"""`watch` on real hosts: it goes back by its rules, goes on after a kill, and leaves to a person what is a person's."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import commit
from tests.cli.operator import Operator
from tests.cli.test_screens import terminal

SOON = ("--for", "6s", "--every", "1s")
LONG = ("--for", "10m", "--every", "1s")
GOOD, BAD = "0 of 200\n", "90 of 200\n"


@pytest.fixture
def operator(deployed: Operator) -> Iterator[Operator]:
    app = deployed.inventory["apps"]["app"]
    before = dict(app)
    deployed.inventory["metrics"] = {"counts": {"kind": "command", "run": 'cat "$HOME/counts"'}}
    app["gates"] = {"errors": {"source": "counts", "max": "5%"}}
    app["rollback_on"] = {"errors": {"over": "10%", "for": "3s"}}
    serve(deployed, GOOD)
    release(deployed, "the one before")
    yield deployed
    app.clear()
    app.update(before)
    del deployed.inventory["metrics"]


def serve(operator: Operator, counts: str) -> None:
    for host in operator.hosts:
        (operator.home(host) / "counts").write_text(counts)


def release(operator: Operator, subject: str) -> str:
    """Deploy a new commit, and return the run."""
    commit(operator, subject)
    ran = operator.fab("deploy", "--json")
    assert ran.code == 0, ran.said
    return str(ran.json["run"])


def current(operator: Operator) -> set[str]:
    status = operator.fab("status", "--json").json
    return {site["revision"] for site in status["sites"]}


def test_a_good_release_passes_and_a_bad_one_is_taken_back(operator: Operator) -> None:
    before = current(operator)
    run = release(operator, "one to watch")
    good = operator.fab("watch", *SOON, "--json")
    assert good.code == 0, good.said
    assert (good.json["run"], good.json["state"], good.json["problems"]) == (run, "over", [])

    with operator.start("watch", run, *LONG) as watch:
        watch.until("gate errors (rollback_on)")
        serve(operator, BAD)
        ended = watch.finish(60)
    assert ended.code == 5, ended.said
    assert "GOING BACK: gate errors of app, for 3 s: " in ended.said
    assert f"the release of run {run} was taken back" in ended.said
    assert current(operator) == before
    assert f"watch of {run}" in operator.fab("history").out, "why is the message of the rollback"
    shown = operator.fab("history", run).out
    assert "errors (rollback_on)" in shown and "fail" in shown
    assert "took it back, run " in shown and "gate errors of app, for 3 s" in shown, shown
    over, back = operator.fab("history", run, "--json").json["run"]["watches"]
    assert (over["state"], over["problems"], back["state"]) == ("over", [], "back")
    assert operator.fab("history", back["rollback"], "--json").json["run"]["kind"] == "rollback"
    again = operator.fab("watch", run, *SOON)
    assert again.code == 7 and "no host runs a release of run" in again.said


def test_a_watch_that_is_killed_goes_on_and_one_process_watches(operator: Operator) -> None:
    run = release(operator, "a watch to kill")
    operator.inventory["apps"]["app"]["watch"] = [{"for": "10m", "every": "1s"}]
    with operator.start("watch") as watch:
        watch.until("gate errors")
        assert operator.fab("watch", run).code == 4
        watch.signal(signal.SIGKILL)
        watch.finish(20)
    (listed,) = [each for each in operator.fab("watch.list", "--json").json["watches"] if each["run"] == run]
    assert listed["state"] == "began" and listed["process"] is None and listed["seen"]
    detached = operator.fab("watch", "--detach")
    assert detached.code == 0, detached.said
    log = Path(detached.out.split("which writes ")[1].splitlines()[0])
    try:
        _until(lambda: "a watch before saw until" in log.read_text(), log)
        assert f"run {run} is watched by process" in operator.fab("status").out
        assert "process" in operator.fab("watch.list").out
        first, second = (each for each in events(operator, run, "watch") if each["state"] == "began")
        assert (first["start"], first["until"]) == (second["start"], second["until"]), "it counts from the release"
        dry = operator.fab("--dry", "-H", "lab", "watch.stop", run, where="")
        assert dry.code == 0 and "would be stopped" in dry.out, dry.said
    finally:
        stopped = operator.fab("watch.stop", run)
    assert stopped.code == 0, stopped.said
    assert operator.fab("watch.stop", run).code == 7
    (listed,) = [each for each in operator.fab("watch.list", "--json").json["watches"] if each["run"] == run]
    assert listed["state"] == "stopped"


def test_a_migration_between_needs_a_person(operator: Operator) -> None:
    app = operator.inventory["apps"]["app"]
    app |= {"migrate": "true", "migrations": ["migrations/*"]}
    origin = operator.folder.parent / "origin"
    (origin / "migrations").mkdir(exist_ok=True)
    (origin / "migrations" / "0001.sql").write_text("SELECT 1")
    subprocess.run(["git", "-C", str(origin), "add", "migrations"], check=True)
    run = release(operator, "with a migration")
    after = current(operator)
    with operator.start("watch", run, "--for", "20s", "--every", "1s") as watch:
        watch.until("gate errors (rollback_on)")
        serve(operator, BAD)
        ended = watch.finish(60)
    assert ended.code == 7, ended.said
    assert "it is not taken back: app@one: migrations lie between the two releases: migrations/0001.sql" in ended.said
    assert "rollback --only app --database down" in ended.said and current(operator) == after


def test_deploy_watches_and_a_rollback_is_never_taken_back(operator: Operator) -> None:
    operator.inventory["apps"]["app"]["watch"] = [{"for": "3s", "every": "1s"}]
    commit(operator, "deployed and watched")
    ran = operator.fab("deploy", "--watch")
    assert ran.code == 0 and "is over: nothing failed" in ran.out, ran.said
    back = operator.start("rollback", "--watch", "20s")
    with back:
        back.until("gate errors (rollback_on)")
        serve(operator, BAD)
        ended = back.finish(60)
    assert ended.code == 7 and "was a rollback itself" in ended.said, ended.said


def test_past_runs_are_judged_by_the_limits_of_today(operator: Operator) -> None:
    run = release(operator, "one to judge later")
    with operator.start("watch", run, *LONG[:1], "8s", *LONG[2:]) as watch:
        watch.until("gate errors (rollback_on)")
        serve(operator, "6 of 200\n")
        assert watch.finish(60).code == 0
    as_it_is = operator.fab("gates.try", "--runs", "1", "--json")
    assert as_it_is.code == 0, as_it_is.said
    assert [(each["run"], each["back"]) for each in as_it_is.json["runs"]] == [(run, False)]
    operator.inventory["apps"]["app"]["rollback_on"] = {"errors": {"over": "1%", "for": "3s"}}
    stricter = operator.fab("gates.try", "--runs", "1")
    assert stricter.code == 0, stricter.said
    assert "would have gone back at " in stricter.out and "of 1 run 1 would have gone back; 0 did then" in stricter.out
    assert operator.fab("gates.try", "--runs", "0").code == 2
    record = operator.folder / ".lockstitch" / "runs" / run / "events.jsonl"
    record.unlink()
    record.mkdir()
    unreadable = operator.fab("gates.try", "--json")
    assert unreadable.code == 7 and run in unreadable.json["unreadable"][0], unreadable.said
    record.rmdir()


def test_a_terminal_shows_a_table_and_a_rollback_its_own(operator: Operator) -> None:
    run = release(operator, "one to look at")
    with terminal(operator, "watch", run, *LONG) as at:
        seen = at.until("errors (rollback_on)")
        heading = next(row for row in seen if row.startswith("APP"))
        assert heading.split() == ["APP", "GATE", "VERDICT", "NEW", "OLD", "BETWEEN", "LIMIT"], seen
        assert any(row.startswith(f"run {run}: 9 min ") and row.endswith(" left") for row in seen), seen
        assert any(row.startswith("app: new on one, two; old on no host") for row in seen), seen
        assert any(re.match(r"app +errors +pass +0/\d+ +- +0 to [0-9.]+ % +5 %", row) for row in seen), seen
        serve(operator, BAD)
        assert at.finish() == 5, at.rows
        rows = at.rows
    assert sum(row.startswith("APP  GATE") for row in rows) <= 1, rows
    assert any(f"the release of run {run} was taken back: gate errors" in row for row in rows), rows


def record(operator: Operator, run: str) -> Path:
    return operator.folder / ".lockstitch" / "runs" / run / "events.jsonl"


def events(operator: Operator, run: str, name: str) -> list[dict[str, object]]:
    entries = [json.loads(line) for line in record(operator, run).read_text().splitlines()]
    return [entry for entry in entries if entry["event"] == name]


def test_a_watch_killed_at_every_reading_goes_on_with_what_was_typed(operator: Operator) -> None:
    run = release(operator, "killed again and again")
    operator.inventory["apps"]["app"]["watch"] = [{"for": "1s", "every": "1s"}]
    words: tuple[str, ...] = LONG
    for _ in range(4):
        with operator.start("watch", run, *words) as watch:
            watch.until("gate errors: ", 30)
            watch.signal(signal.SIGKILL)
            watch.finish(20)
        words = ()
    began = [entry for entry in events(operator, run, "watch") if entry["state"] == "began"]
    assert len(began) == 4 and len({entry["until"] for entry in began}) == 1, "they are one watch of ten minutes"
    with operator.start("watch", run) as watch:
        watch.until("a watch before saw until", 30)
        watch.until("gate errors (rollback_on)", 30)
        serve(operator, BAD)
        ended = watch.finish(60)
    assert ended.code == 5, ended.said


def test_a_damaged_record_is_read_as_far_as_it_goes(operator: Operator) -> None:
    run = release(operator, "a record that is damaged")
    with operator.start("watch", run, *LONG) as watch:
        watch.until("gate errors: ", 30)
        watch.signal(signal.SIGKILL)
        watch.finish(20)
    strange = ["5", "[]", '{"event": "reading", "end": "soon"}', '{"event": "watch going back", "run": 7}', "\0\0"]
    with record(operator, run).open("a") as file:
        file.write("\n".join(strange) + '\n{"event": "rea')
    listed = operator.fab("watch.list", "--json")
    assert listed.code == 0, listed.said
    with operator.start("watch", run) as watch:
        watch.until("a watch before saw until", 30)
        watch.signal(signal.SIGINT)
        assert watch.finish(20).code == 130
    (entry,) = [each for each in operator.fab("watch.list", "--json").json["watches"] if each["run"] == run]
    assert entry["state"] == "stopped", "the first line after the damaged one is whole"


def test_a_rollback_that_fails_is_tried_once(operator: Operator) -> None:
    service = operator.inventory["apps"]["app"]["service"]
    once = 'if [ -e "$HOME/fail" ]; then rm "$HOME/fail"; exit 3; fi; touch "$HOME/up"'
    operator.inventory["apps"]["app"]["service"] = {**service, "reload": once}
    run = release(operator, "what cannot be taken back")
    after = current(operator)
    (operator.home("one") / "fail").touch()
    with operator.start("watch", run, *LONG, "--json") as watch:
        watch.until("gate errors (rollback_on)", 30)
        serve(operator, BAD)
        ended = watch.finish(60)
    assert ended.code == 6, ended.said
    assert (ended.json["state"], ended.json["exit_code"]) == ("rollback failed", 6)
    assert current(operator) == after, "it was put back"
    serve(operator, GOOD)
    with operator.start("watch", run, "--for", "15s", "--every", "1s") as watch:
        watch.until("gate errors (rollback_on)", 30)
        serve(operator, BAD)
        again = watch.finish(60)
    assert again.code == 7 and "was tried once" in again.said, again.said
    assert len(events(operator, run, "watch going back")) == 1


def test_a_watch_that_is_killed_in_its_rollback_takes_nothing_back_twice(operator: Operator) -> None:
    service = operator.inventory["apps"]["app"]["service"]
    hold = 'while [ -e "$HOME/hold" ]; do sleep 0.05; done; touch "$HOME/up"'
    operator.inventory["apps"]["app"]["service"] = {**service, "reload": hold}
    run = release(operator, "a rollback to kill")
    for host in operator.hosts:
        (operator.home(host) / "hold").touch()
    try:
        with operator.start("watch", run, *LONG) as watch:
            watch.until("gate errors (rollback_on)", 30)
            serve(operator, BAD)
            watch.until("GOING BACK: ", 60)
            watch.until("reload", 60)
            watch.signal(signal.SIGKILL)
            watch.finish(20)
    finally:
        for host in operator.hosts:
            (operator.home(host) / "hold").unlink()
    (back,) = events(operator, run, "watch going back")
    assert events(operator, str(back["run"]), "wave"), "it had begun"
    again = operator.fab("watch", run, "--for", "8s", "--every", "1s")
    cut = f"taking it back was tried once, by run {back['run']}, which was cut off"
    assert again.code == 7 and cut in again.out, again.said
    assert len(events(operator, run, "watch going back")) == 1
    assert operator.fab("lock.break", "--yes", "--message", "its run was killed").code == 0


def test_a_watch_of_some_hosts_takes_only_those_back(operator: Operator) -> None:
    before = current(operator)
    run = release(operator, "watched on one host")
    after = current(operator)
    ran = operator.fab("watch", run, *LONG, "--only", "app", "--detach", "--json", where="lab:one")
    assert ran.code == 0, ran.said
    try:
        _until(lambda: "(rollback_on)" in Path(ran.json["log"]).read_text(), Path(ran.json["log"]))
        serve(operator, BAD)
        _until(lambda: events(operator, run, "watch")[-1]["state"] == "back", Path(ran.json["log"]))
    finally:
        operator.fab("watch.stop", run)
    assert current(operator) == before | after
    operator.fab("rollback", where="lab:two")


def _until(reached: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)


def test_what_is_typed_wrongly_is_refused_before_anything_changes(operator: Operator) -> None:
    before = current(operator)
    for words in (("rollback", "--watch", "soon"), ("deploy", "--force", "--detach")):
        ran = operator.fab(*words)
        assert ran.code == 2, ran.said
    assert current(operator) == before
    nothing = operator.fab("deploy", "--watch")
    assert nothing.code == 0 and "no watch was begun" in nothing.said


def test_one_document_tells_of_the_deploy_and_its_watch(operator: Operator) -> None:
    operator.inventory["apps"]["app"]["watch"] = [{"for": "3s", "every": "1s"}]
    commit(operator, "deployed, watched and told as JSON")
    good = operator.fab("deploy", "--watch", "--json")
    assert (good.code, good.json["exit_code"], good.json["result"]) == (0, 0, "done"), good.said
    assert (good.json["watch"]["state"], good.json["watch"]["run"]) == ("over", good.json["run"])
    commit(operator, "deployed, and taken back")
    operator.inventory["apps"]["app"]["watch"] = [{"for": "5m", "every": "1s"}]
    with operator.start("deploy", "--watch", "--json") as bad:
        bad.until("gate errors: ", 30)
        serve(operator, BAD)
        ended = bad.finish(60)
    assert (ended.code, ended.json["exit_code"], ended.json["result"]) == (5, 5, "done"), ended.said
    assert ended.json["watch"]["state"] == "back"
