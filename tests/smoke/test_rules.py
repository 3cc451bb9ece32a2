"""The rules of smoke steps against a real server: what is no pass, what is asked again, what is never sent."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.smoke.world import PASSWORD, Desk, Office, endings

REVISION, OTHER = "a" * 40, "b" * 40


def test_a_get_is_tried_again_and_is_flaky_then(desk: Desk, office: Office) -> None:
    office.faults(**{"GET /": {"status": 503, "times": 1}})
    ran = desk.fab("smoke", "home", "--json")
    assert (ran.code, endings(ran.json), ran.json["counts"]) == (0, {"home": "flaky"}, {"flaky": 1}), ran.said
    assert office.asked["GET /"] == 2


@pytest.mark.parametrize("fault", [{"status": 503}, {"sleep": 3, "status": 200}, {"drop": True}])
def test_a_post_is_never_repeated(desk: Desk, office: Office, fault: dict[str, Any]) -> None:
    office.faults(**{"/auth/login": {**fault, "times": 1}})
    desk.smoke["steps"]["login"]["timeout"] = "1s"
    ran = desk.fab("smoke", "login", "--json")
    assert ran.code == 7 and endings(ran.json) == {"login": "failed"}, ran.said
    assert ran.json["steps"][0]["asked"] == 1 and office.asked["POST /auth/login"] <= 1


def test_a_cached_answer_is_asked_again_past_the_cache(desk: Desk, office: Office) -> None:
    hit = {"headers": {"X-Cache": "HIT from edge"}, "status": 200, "body": "Office"}
    office.faults(**{"GET /": {**hit, "times": 2}})
    ran = desk.fab("smoke", "home", "--json")
    assert (ran.code, endings(ran.json)) == (0, {"home": "passed"}), ran.said
    assert office.asked["GET /"] == 3
    office.faults(**{"GET /": {**hit, "headers": {"Age": "17"}}})
    ran = desk.fab("smoke", "home", "--json")
    assert ran.code == 7 and ran.json["steps"][0]["reason"] == "a cache answered (Age: 17)", ran.said
    assert endings(ran.json) == {"home": "inconclusive"}
    desk.smoke["steps"]["home"]["cached"] = True
    assert desk.fab("smoke", "home").code == 0


def test_which_release_answers_is_known(desk: Desk, office: Office) -> None:
    desk.more["health"] = {"url": "http://localhost:8000/healthz", "revision": "revision"}
    office.release(REVISION)
    ran = desk.fab("smoke", "home", "--json")
    assert endings(ran.json) == {"release": "passed", "home": "passed"} and ran.json["steps"][1]["revision"] == REVISION
    assert desk.fab("smoke", "home", "--release", REVISION[:10]).code == 0
    ran = desk.fab("smoke", "home", "--release", OTHER, "--json")
    assert ran.code == 7 and endings(ran.json) == {"release": "inconclusive", "home": "passed"}, ran.said
    assert ran.json["steps"][0]["asked"] == 3, "it was asked past caches too"
    assert desk.fab("smoke", "home", "--release", "main").code == 2
    # On a host it is known; out here the app need not tell it, unless the inventory says so.
    (office.folder / "REVISION").unlink()
    ran = desk.fab("smoke", "home", "--json")
    assert ran.code == 0 and endings(ran.json) == {"release": "left out", "home": "passed"}, ran.said
    desk.smoke["release"] = "/healthz"
    ran = desk.fab("smoke", "home", "--json")
    assert ran.code == 7 and endings(ran.json) == {"release": "inconclusive", "home": "passed"}, ran.said


def test_two_releases_that_answer_prove_nothing(desk: Desk, office: Office) -> None:
    desk.smoke["revision"] = "header.X-Revision"
    desk.smoke["steps"] = {"home": {"get": "/"}, "again": {"get": "/healthz"}}
    office.release(REVISION)
    assert desk.fab("smoke").code == 0
    office.faults(**{"/healthz": {"status": 200, "headers": {"X-Revision": OTHER}}})
    (office.folder / "REVISION").unlink()
    office.faults(**{"/healthz": {"headers": {"X-Revision": OTHER}}, "GET /": {"headers": {"X-Revision": REVISION}}})
    ran = desk.fab("smoke", "--json")
    assert ran.code == 7 and endings(ran.json) == {"home": "passed", "again": "inconclusive"}, ran.said
    assert f"release '{OTHER[:12]}' answered, expected {REVISION[:12]}" in ran.json["steps"][1]["reason"]


def limited() -> dict[str, Any]:
    return {"post": "/limited", "json": {}, "limit": {"requests": 5, "per": "1m"}}


def test_what_harms_is_not_run_in_a_protected_environment(desk: Desk, office: Office) -> None:
    desk.environment["protect"] = True
    desk.smoke["steps"] = {"limit": limited(), "home": {"get": "/"}}
    ran = desk.fab("smoke", "--json")
    assert (ran.code, endings(ran.json)) == (0, {"limit": "left out", "home": "passed"}), ran.said
    named = desk.fab("smoke", "limit")
    assert named.code == 2 and "--really" in named.err and office.asked["POST /limited"] == 0, named.said
    desk.smoke["steps"].pop("home")
    alone = desk.fab("smoke")
    assert alone.code == 7, "nothing was judged"
    really = desk.fab("smoke", "--really", "--json")
    assert (really.code, endings(really.json)) == (0, {"limit": "passed"}), really.said
    assert office.asked["POST /limited"] == 6


def test_a_limit_that_is_another_one_fails(desk: Desk, office: Office) -> None:
    desk.smoke["steps"] = {"limit": limited()}
    desk.smoke["steps"]["limit"]["limit"]["requests"] = 3
    ran = desk.fab("smoke")
    assert ran.code == 7 and "request 4 was answered 200, expected 429" in ran.out, ran.said
    desk.smoke["steps"]["limit"]["limit"]["requests"] = 100
    ran = desk.fab("smoke")
    assert ran.code == 7 and "request 2 was refused with 429 already" in ran.out, ran.said
    assert office.asked["POST /limited"] == 6, "it stops at the first answer that decides"


def test_a_command_is_judged_and_ended_with_its_group(desk: Desk, tmp_path: Path) -> None:
    desk.smoke["steps"] = {
        "good": {"command": 'test "$SMOKE_URL" = "$EXPECTED"', "env": {"EXPECTED": desk.smoke["url"]}},
        "bad": {"command": "echo it broke; exit 3"},
        "slow": {"command": f"sleep 60 & echo $! >{tmp_path}/pid; wait", "timeout": "1s"},
    }
    ran = desk.fab("smoke", "--json")
    assert ran.code == 7, ran.said
    assert endings(ran.json) == {"good": "passed", "bad": "failed", "slow": "failed"}
    pid = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < until, "it still runs"
        time.sleep(0.02)
    assert "| it broke" in desk.fab("smoke", "bad").out.replace("    it broke", "| it broke")


def test_a_webhook_is_signed(desk: Desk, office: Office) -> None:
    desk.env["HOOK_KEY"] = "hook-key"
    sign = {"header": "X-Signature", "key": "env:HOOK_KEY", "prefix": "sha256="}
    desk.smoke["steps"] = {"hook": {"post": "/hooks", "json": {"event": "BOOKED"}, "sign": sign}}
    assert desk.fab("smoke").code == 0
    desk.env["HOOK_KEY"] = "another"
    assert desk.fab("smoke").code == 7


def test_a_dry_run_sends_nothing(desk: Desk, office: Office) -> None:
    del desk.env["SMOKE_PASSWORD"]
    ran = desk.start("--dry", "-H", "prod", "smoke").finish()
    assert ran.code == 0 and "upload: POST /files, then DELETE /files/{id}" in ran.out, ran.said
    assert office.calls == []


def test_a_secret_that_is_missing_is_said_before_anything_is_sent(desk: Desk, office: Office) -> None:
    del desk.env["SMOKE_PASSWORD"]
    ran = desk.fab("smoke")
    assert ran.code == 2 and "env:SMOKE_PASSWORD" in ran.err and office.calls == [], ran.said


def test_what_a_server_says_of_secrets_is_shown_nowhere(desk: Desk, office: Office) -> None:
    desk.smoke["steps"]["me"] = {
        "needs": "login",
        "get": "/me",
        "expect": {"json": {"note": "nothing"}},
        "refuse": ["env:SMOKE_PASSWORD", "Traceback"],
    }
    desk.smoke["steps"]["told"] = {"needs": "login", "command": 'echo "$TOKEN $GIVEN"; exit 1'}
    desk.smoke["steps"]["told"]["env"] = {"TOKEN": "{token}", "GIVEN": "env:SMOKE_PASSWORD"}
    # It is the same in every run.
    token = office.token("ada@example.com")
    from_server = f"{PASSWORD} and {token}"
    office.faults(**{"/me": {"status": 200, "body": {"note": from_server}}})
    ran = desk.fab("smoke", "--junit", "smoke.xml")
    assert ran.code == 7 and "the answer contains env:SMOKE_PASSWORD" in ran.out, ran.said
    assert "*** and ***" in ran.out
    for text in (ran.said, desk.written()):
        assert PASSWORD not in text and token not in text


def test_the_report_for_ci_has_every_step(desk: Desk, office: Office) -> None:
    office.faults(**{"/auth/login": {"status": 500, "body": {"error": "\x00\x1b[31m <&>"}}})
    assert desk.fab("smoke", "--junit", "smoke.xml").code == 7
    (suite,) = ElementTree.parse(desk.folder / "smoke.xml").getroot()
    cases = {case.get("name"): [child.tag for child in case] for case in suite}
    not_run = {name: ["error"] for name in ("upload", "same", "other", "forged")}
    assert cases == {"login": ["failure"], **not_run, "home": []}
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("6", "1", "4")
    assert desk.fab("smoke", "--junit", "nowhere/smoke.xml").code == 7


def test_an_effect_that_takes_time_is_waited_for(desk: Desk, office: Office) -> None:
    office.faults(**{"GET /": {"status": 404, "times": 3}})
    desk.smoke["steps"]["home"]["wait"] = "30s"
    ran = desk.fab("smoke", "home", "--json")
    assert (ran.code, endings(ran.json), ran.json["steps"][0]["asked"]) == (0, {"home": "passed"}, 4), ran.said


def test_ctrl_c_takes_away_what_was_made(desk: Desk, office: Office) -> None:
    desk.smoke["steps"] = {name: desk.smoke["steps"][name] for name in ("login", "upload")}
    desk.smoke["steps"]["slow"] = {"needs": "upload", "get": "/slow", "timeout": "60s"}
    desk.smoke["steps"]["later"] = {"get": "/"}
    office.faults(**{"/slow": {"held": True, "status": 200}})
    with office.holding(), desk.start("-H", "prod", "smoke") as running:
        running.until("smoke upload: passed")
        assert len(office.files) == 1
        running.signal(signal.SIGINT)
        ran = running.finish()
    assert ran.code == 130, ran.said
    assert office.files == [] and desk.ledgers == [] and office.asked["GET /"] == 0, ran.said
