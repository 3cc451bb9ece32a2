"""Journeys that a server, a colleague or time has got in the way of: nothing passes by that, nothing is forgotten."""

from __future__ import annotations

import json
import signal
import time
from typing import Any

from tests.smoke.world import PASSWORD, Desk, Office

COMMIT = "a" * 40


def reasons(document: dict[str, Any]) -> dict[str, str]:
    return {each["step"]: each["reason"] for each in [*document["steps"], *document["leftovers"]]}


def killed(desk: Desk) -> list[str]:
    """Have a run killed that has made a file; return the lines of its ledger."""
    desk.smoke["steps"]["killer"] = {"needs": "upload", "command": "kill -9 $PPID"}
    assert desk.fab("smoke", "killer").code == -9
    del desk.smoke["steps"]["killer"]
    return desk.ledgers[0].read_text().splitlines()


def test_a_token_in_a_failed_answer_is_masked(desk: Desk, office: Office) -> None:
    desk.smoke["steps"] = {"login": desk.smoke["steps"]["login"]}
    desk.smoke["steps"]["login"]["expect"] = {"json": {"access_token": {"match": "^ey"}}}
    office.faults(**{"/auth/login": {"status": 200, "times": 1, "body": {"access_token": "another-token"}}})
    ran = desk.fab("smoke", "--junit", "smoke.xml")
    assert ran.code == 7 and "access_token is '***', expected match '^ey'" in ran.out, ran.said
    assert "another-token" not in ran.said + desk.written().replace('"body": {"access_token": "another-token"}', "")
    token = office.token("ada@example.com")
    desk.smoke["steps"]["login"]["expect"] = {"headers": {"set-cookie": {"absent": True}}}
    for more in ({}, {"save": {}, "limit": {"requests": 1, "per": "1m"}}):
        desk.smoke["steps"]["login"] |= more
        ran = desk.fab("smoke")
        assert ran.code == 7 and "set-cookie is 'session=***" in ran.out and token not in ran.said, ran.said


def test_a_release_that_is_asked_for_must_be_told(desk: Desk, office: Office) -> None:
    ran = desk.fab("smoke", "home", "--release", COMMIT)
    assert ran.code == 2 and "--release" in ran.err and "revision" in ran.err and office.calls == [], ran.said
    desk.more["health"] = {"url": "http://localhost:8000/healthz", "revision": "revision"}
    ran = desk.fab("smoke", "home", "--release", COMMIT, "--json")
    assert ran.code == 7 and "has no json.revision" in reasons(ran.json)["release"], ran.said


def test_what_is_named_is_run_or_nothing_is(desk: Desk, office: Office) -> None:
    ran = desk.fab("smoke", "same,home", "--only", "P0")
    assert ran.code == 2 and "same" in ran.err and office.calls == [], ran.said
    desk.environment["groups"]["other"] = {"hosts": ["db1"]}
    ran = desk.fab("smoke", "home", "--on", "web1,db1")
    assert ran.code == 2 and "--on db1" in ran.err and office.calls == [], ran.said


def test_no_step_is_called_as_the_one_that_asks_for_the_release(desk: Desk) -> None:
    desk.smoke["steps"]["release"] = {"get": "/"}
    ran = desk.fab("smoke")
    assert ran.code == 2 and "release" in ran.err, ran.said


def test_a_secret_of_a_later_app_is_missed_before_the_first_sends(desk: Desk, office: Office) -> None:
    desk.smoke["steps"] = {"home": {"get": "/"}}
    later = {
        "repository": "git@example.com:acme/b.git",
        "path": "/app/b",
        "service": {"kind": "command", "reload": "true", "status": "true"},
        "smoke": {"url": office.url, "steps": {"hook": {"post": "/hooks", "json": {"key": "env:NOBODYS"}}}},
    }
    desk.environment["groups"]["all"]["apps"].append("later")
    desk.apps["later"] = later
    ran = desk.fab("smoke")
    assert ran.code == 2 and "NOBODYS" in ran.err and office.calls == [], ran.said


def test_what_a_step_made_is_cleaned_when_the_step_cleans_no_more(desk: Desk, office: Office) -> None:
    killed(desk)
    del desk.smoke["steps"]["upload"]["clean"]
    ran = desk.fab("smoke.clean")
    assert ran.code == 0 and office.files == [] and desk.ledgers == [], ran.said


def test_a_request_of_another_version_is_told_and_kept(desk: Desk, office: Office) -> None:
    begin, saved = killed(desk)
    newer = json.loads(begin)
    newer["clean"]["twice"] = True
    desk.ledgers[0].write_text("\n".join([json.dumps(newer), saved, ""]))
    ran = desk.fab("smoke.clean")
    assert ran.code == 7 and "cannot be read: line 1" in ran.err and len(desk.ledgers) == 1, ran.said


def test_not_there_says_nothing_to_who_is_not_logged_in(desk: Desk, office: Office) -> None:
    killed(desk)
    # A server that shows nobody what is not theirs.
    (file,) = office.files
    gone: dict[str, Any] = {f"DELETE /files/{file}": {"status": 404}}
    office.faults(**gone, **{"/auth/login": {"status": 503}})
    ran = desk.fab("smoke.clean", "--json")
    assert ran.code == 7 and "login has not passed" in reasons(ran.json)["upload"], ran.said
    assert len(desk.ledgers) == 1 and PASSWORD not in ran.said
    login = desk.smoke["steps"].pop("login")
    kept = desk.smoke["steps"]
    desk.smoke["steps"] = {"home": {"get": "/"}}
    ran = desk.fab("smoke.clean", "--json")
    assert ran.code == 7 and len(desk.ledgers) == 1, ran.said
    desk.smoke["steps"] = {"login": login, **kept}
    office.faults(**gone)
    assert desk.fab("smoke.clean").code == 0 and desk.ledgers == []


def test_what_cannot_be_cleaned_keeps_nothing_else_from_it(desk: Desk, office: Office) -> None:
    killed(desk)
    mine = desk.ledgers[0]
    unusable = mine.with_name("2000.jsonl")
    unusable.mkdir()
    ran = desk.fab("smoke.clean")
    assert ran.code == 7 and "2000.jsonl cannot be used: is a directory; what it is about" in ran.err, ran.said
    assert office.files == [] and desk.ledgers == [unusable]
    unusable.rmdir()
    # Another app's secret is not here.
    killed(desk)
    killed_too = desk.ledgers[0]
    lines = [json.loads(line) for line in killed_too.read_text().splitlines()]
    lines[0] |= {"app": "later", "step": "hook"}
    other = killed_too.with_name("2000.jsonl")
    other.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    login = {"post": "/hooks", "json": {"key": "env:NOBODYS"}, "save": {"token": "json.key"}}
    hook = {"needs": "login", "post": "/hooks", "clean": {"delete": "/files/x"}}
    later = {"url": office.url, "steps": {"login": login, "hook": hook}}
    kind = {"kind": "command", "reload": "true", "status": "true"}
    desk.apps["later"] = {"repository": "git@x:b.git", "path": "/app/b", "service": kind, "smoke": later}
    desk.environment["groups"]["all"]["apps"].append("later")
    ran = desk.fab("smoke.clean", "--json")
    assert ran.code == 7 and "env:NOBODYS cannot be had" in reasons(ran.json)["hook"], ran.said
    assert office.files == [] and desk.ledgers == [other]


def test_the_second_ctrl_c_ends_the_cleaning_and_names_what_is_there(desk: Desk, office: Office) -> None:
    desk.smoke["steps"] = {name: desk.smoke["steps"][name] for name in ("login", "upload")}
    desk.smoke["steps"]["slow"] = {"needs": "upload", "get": "/slow", "timeout": "60s"}
    slow: dict[str, Any] = {"held": True, "status": 204, "times": 1}
    office.faults(**{"/slow": slow, "DELETE": slow})
    with office.holding(), desk.start("-H", "prod", "smoke") as running:
        running.until("smoke upload: passed")
        (file,) = office.files
        for place in ("/slow", "DELETE"):
            until = time.monotonic() + 30
            while json.loads((office.folder / "faults").read_text())[place]["times"]:
                assert time.monotonic() < until, f"{place} is not asked"
                time.sleep(0.02)
            running.signal(signal.SIGINT)
        ran = running.finish()
    assert ran.code == 130 and "what upload has made may still be there: interrupted" in ran.out, ran.said
    assert office.files == [file] and len(desk.ledgers) == 1
    office.faults()
    assert desk.fab("smoke.clean").code == 0 and office.files == [] and desk.ledgers == []
