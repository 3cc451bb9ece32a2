"""`fab smoke` against a real server: what passes, what does not, and what is taken away again."""

from __future__ import annotations

from tests.smoke.world import PASSWORD, Desk, Office, endings


def test_a_journey_passes_and_leaves_nothing(desk: Desk, office: Office) -> None:
    ran = desk.fab("smoke", "--json")
    assert ran.code == 0, ran.said
    assert endings(ran.json) == dict.fromkeys(desk.smoke["steps"], "passed")
    assert ran.json["passed"] is True and ran.json["cleaned"] == 1 and ran.json["leftovers"] == []
    assert office.files == [] and desk.ledgers == []
    assert office.asked["POST /files"] == 1 and office.asked["POST /auth/login"] == 1


def test_no_secret_is_shown_or_written(desk: Desk, office: Office) -> None:
    ran = desk.fab("smoke", "--junit", "smoke.xml")
    assert ran.code == 0, ran.said
    for text in (ran.said, desk.written()):
        # A token is the account, a dot and a signature.
        assert PASSWORD not in text and "ada@example.com." not in text


def test_names_and_tags_select_steps_with_those_they_need(desk: Desk) -> None:
    assert list(endings(desk.fab("smoke", "same", "--json").json)) == ["login", "upload", "same"]
    assert list(endings(desk.fab("smoke", "--only", "P0", "--json").json)) == ["login", "home"]
    ran = desk.fab("smoke", "uplaod")
    assert ran.code == 2 and "there is no smoke step uplaod: did you mean upload?" in ran.err, ran.said


def test_the_first_failure_hides_none(desk: Desk, office: Office) -> None:
    office.faults(**{"/auth/login": {"status": 500}})
    ran = desk.fab("smoke", "--json")
    assert ran.code == 7, ran.said
    assert endings(ran.json) == {
        "login": "failed",
        "upload": "not run",
        "same": "not run",
        "other": "not run",
        "forged": "not run",
        "home": "passed",
    }
    assert office.asked["POST /auth/login"] == 1, "a POST is never repeated"
