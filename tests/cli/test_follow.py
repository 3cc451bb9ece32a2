"""`follow.*` and `due` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.checks.test_judgement import certificate
from tests.cli.conftest import commit
from tests.cli.operator import Operator


@pytest.fixture
def project(deployed: Operator) -> Operator:
    """One whose hosts keep no follow-ups yet."""
    for file in places(deployed):
        file.unlink(missing_ok=True)
    return deployed


def places(operator: Operator) -> list[Path]:
    path = Path(operator.inventory["apps"]["app"]["path"])
    return [operator.home(host) / path.parent / ".lockstitch" / "app" / "follow.jsonl" for host in operator.hosts]


def test_what_is_added_is_kept_on_every_host_late_when_due_and_over_when_done(project: Operator) -> None:
    ran = project.fab("follow.add", "update the runbook", "--due", "5d", "--owner", "bob", "--json")
    assert ran.code == 0, ran.said
    (added,) = ran.json["follow_ups"]
    (run,) = {entry["run"] for entry in project.fab("history", "--json").json["entries"] if entry["kind"] == "deploy"}
    assert (added["run"], added["owner"], added["by"][:4]) == (run, "bob", "ada@")
    assert [json.loads(file.read_text())["id"] for file in places(project)] == [added["id"]] * 2
    quiet = project.fab("due")
    assert (quiet.code, quiet.out.splitlines()[-1]) == (0, "nothing is late"), quiet.said
    # Another machine, which has no record of that run, sees it; it is late, and one of the hosts has lost it.
    places(project)[0].unlink()
    places(project)[1].write_text(
        json.dumps({**json.loads(places(project)[1].read_text()), "due": "2026-01-01T00:00:00Z"})
    )
    late = project.fab("due", "--json")
    assert (late.code, [item["kind"] for item in late.json["due"]], late.json["unknown"]) == (7, ["follow-up"], [])
    assert "LATE" in project.fab("follow.list").out
    assert project.fab("follow.done", added["id"], "--note", "two pages").code == 0
    assert project.fab("due").code == 0
    assert project.fab("follow.list", "--json").json["follow_ups"] == []
    (known,) = project.fab("follow.list", "--everything", "--run", run, "--json").json["follow_ups"]
    assert known["closed_by"][:4] == "ada@"
    again = project.fab("follow.done", added["id"])
    assert again.code == 7 and "was done" in again.err, again.said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("x", "--due", "someday"), "is no time"),
        (("x", "--due", "2026-01-01"), "is over already"),
        (("x", "--link", "javascript:alert(1)"), "is not an http(s) URL"),
        (("x", "--link", "https://ada:tulip@example.com/"), "holds a password"),
        (("  ",), "say what is to be done"),
        (("x", "--run", "../up"), "is no run"),
        (("x", "--run", "20260101T000000Z-0000"), "there is no record of a run 20260101T000000Z-0000"),
    ],
)
def test_what_cannot_be_meant_is_kept_nowhere(project: Operator, words: tuple[str, ...], says: str) -> None:
    ran = project.fab("follow.add", *words)
    assert ran.code == (7 if "no record" in says else 2) and says in ran.err, ran.said
    assert not any(file.exists() for file in places(project))


def test_a_dry_run_keeps_nothing(project: Operator) -> None:
    project.inventory["duties"] = {"capacity": "yearly"}
    added = project.fab("--dry", "-H", "lab", "follow.add", "perhaps", "--due", "5d", where="")
    done = project.fab("--dry", "-H", "lab", "follow.done", "capacity", where="")
    del project.inventory["duties"]
    assert (added.code, done.code) == (0, 0) and "it would be added to run" in added.said, added.said
    assert not any(file.exists() for file in places(project))


def test_a_source_that_cannot_be_read_is_told_and_hides_no_other(project: Operator) -> None:
    assert project.fab("follow.add", "x", "--due", "5d").code == 0
    first, second = places(project)
    second.write_text(second.read_text() + '{"event": "follow", "id"')
    cut = project.fab("due")
    assert cut.code == 7 and "1 lines of its follow-ups are damaged" in cut.out, cut.said
    first.unlink()
    first.mkdir()
    try:
        broken = project.fab("due")
        listed = project.fab("follow.list")
    finally:
        first.rmdir()
    assert broken.code == 7 and "awk could not read it" in broken.out and "nothing is late" not in broken.out, (
        broken.said
    )
    assert listed.code == 7 and "awk could not read it" in listed.err, listed.said
    project.inventory["groups"]["all"]["hosts"].append({"name": "gone", "address": "127.0.0.1", "port": 1})
    try:
        away = project.fab("due", "--json")
    finally:
        project.inventory["groups"]["all"]["hosts"].pop()
    assert away.code == 7 and any("gone" in line for line in away.json["unknown"]), away.said


def test_duties_are_due_again_and_a_failed_deploy_makes_a_post_mortem(project: Operator) -> None:
    project.inventory["duties"] = {"runbook-review": "monthly", "deploy": "weekly", "check": "daily"}
    try:
        late = project.fab("due", "--json")
        assert [(item["kind"], item["about"]) for item in late.json["due"]] == [
            ("duty", "runbook-review"),
            ("duty", "check"),
        ], late.said
        # No host keeps a record of a check; this machine has one.
        assert project.fab("check", "--skip", "disk,load").code == 0
        assert project.fab("follow.done", "runbook-review").code == 0
        assert project.fab("due").code == 0
        # Where this machine's record of them cannot be read, the duties are late, and the record is named.
        commands = project.folder / ".lockstitch" / "commands.jsonl"
        aside = commands.rename(commands.with_name("aside"))
        commands.write_text('{"where": 5, "what": "check", "exit": 0}\n')
        odd = project.fab("due", "--json")
        commands.unlink()
        commands.mkdir()
        lost = project.fab("due", "--json")
        commands.rmdir()
        aside.rename(commands)
        for ran in (odd, lost):
            assert (ran.code, [item["about"] for item in ran.json["due"]]) == (7, ["check"]), ran.said
        assert str(commands) in lost.json["unknown"][0]
        unknown = project.fab("follow.done", "runbook-revue")
        assert unknown.code == 7 and "no follow-up and no duty" in unknown.err, unknown.said
    finally:
        del project.inventory["duties"]
    commit(project, "worse")
    project.inventory["apps"]["app"]["build"] = ["exit 3"]
    try:
        failed = project.fab("deploy", "--json")
    finally:
        del project.inventory["apps"]["app"]["build"]
    assert failed.code == 5, failed.said
    (made,) = project.fab("follow.list", "--json").json["follow_ups"]
    assert (made["id"], made["text"]) == (f"pm-{failed.json['run']}", "post-mortem: deploy, put back")
    assert (
        '"event": "follow"' in (project.folder / ".lockstitch/runs" / failed.json["run"] / "events.jsonl").read_text()
    )


def test_what_the_fleet_shows_by_itself_is_due_too(project: Operator, tmp_path: Path) -> None:
    """A certificate that ends, the deploy that was made in spite of it, and a lock of long ago."""
    pem = tmp_path / "soon.pem"
    pem.write_text(certificate(3, "api.example.com"))
    app = project.inventory["apps"]["app"]
    app["checks"] = {"tls": [str(pem)]}
    lock = places(project)[1].with_name("lock.json")
    try:
        assert project.fab("deploy").code == 7
        commit(project, "in spite of it")
        deployed = project.fab("deploy", "--skip-checks", "tls", "--json")
        assert deployed.code == 0, deployed.said
        lock.write_text('{"run":"other","by":"bob","message":"a freeze","at":"2026-01-24T10:00:00Z"}')
        late = project.fab("due", "--json")
    finally:
        lock.unlink(missing_ok=True)
        del app["checks"]
    assert (late.code, late.json["unknown"]) == (7, []), late.said
    by_kind = {item["kind"]: item for item in late.json["due"]}
    assert set(by_kind) == {"certificate", "skipped check", "lock"}, late.said
    assert by_kind["skipped check"]["about"] == f"run {deployed.json['run']}"
    assert "--skip-checks tls" in by_kind["skipped check"]["says"] and "bob" in by_kind["lock"]["says"]
