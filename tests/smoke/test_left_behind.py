"""The things that a killed run has made: each stands in the ledger, and `smoke.clean` takes it away, weeks later."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest

from tests.smoke.world import Desk, Office

STEPS = ("login", "upload", "second", "same", "other", "home")


def journey(desk: Desk) -> dict[str, Any]:
    """Two things are made, by two accounts' worth of steps, one of them within the other's journey."""
    steps = desk.smoke["steps"]
    second = {
        **steps["upload"],
        "needs": "upload",
        "save": {"second": "json.id"},
        "clean": {"delete": "/files/{second}"},
    }
    # A key of the login, which nobody may write down: whoever cleans logs in again.
    steps["login"]["save"]["csrf"] = "json.access_token"
    second["clean"]["headers"] = {"Authorization": "Bearer {csrf}"}
    return {name: {**steps, "second": second}[name] for name in STEPS}


@pytest.mark.parametrize("last", STEPS)
def test_a_kill_after_any_step_leaves_nothing_that_is_not_written_down(desk: Desk, office: Office, last: str) -> None:
    whole = journey(desk)
    place = STEPS.index(last) + 1
    # The shell's parent is `fab`: nothing of it runs after this step.
    killer = {"killer": {"needs": last, "command": "kill -9 $PPID"}}
    desk.smoke["steps"] = dict([*list(whole.items())[:place], *killer.items(), *list(whole.items())[place:]])
    ran = desk.fab("smoke")
    assert ran.code == -9, ran.said
    made = {"login": 0, "upload": 1}.get(last, 2)
    assert len(office.files) == made and len(desk.ledgers) == (1 if made else 0)
    assert "ada@example.com." not in desk.written(), "no token is written down"
    # The steps have changed since: what was made is cleaned as it was written down then.
    desk.smoke["steps"] = {"login": whole["login"], "upload": {**whole["upload"], "clean": {"delete": "/moved/{id}"}}}
    dry = desk.start("--dry", "-H", "prod", "smoke.clean").finish()
    assert dry.code == 0 and f"{made} may still be there" in dry.out and len(office.files) == made, dry.said
    cleaned = desk.fab("smoke.clean", "--json")
    assert cleaned.code == (0 if made < 2 else 7), cleaned.said
    if made == 2:
        # `second` is no step any more, so that nobody knows how it logged in.
        assert [left["step"] for left in cleaned.json["leftovers"]] == ["second"]
        desk.smoke["steps"] = whole
        assert desk.fab("smoke.clean").code == 0
    assert office.files == [] and desk.ledgers == []


def test_an_answer_that_never_came_is_told_until_a_person_has_seen_to_it(desk: Desk, office: Office) -> None:
    office.faults(**{"POST /files": {"after": True, "held": True, "status": 201}})
    with office.holding(), desk.start("-H", "prod", "smoke", "upload") as running:
        until = time.monotonic() + 30
        while not office.files:
            assert time.monotonic() < until, "nothing was made"
            time.sleep(0.02)
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait()
    office.faults()
    ran = desk.fab("smoke.clean", "--json")
    assert ran.code == 7 and "the answer that has its id never came" in ran.json["leftovers"][0]["reason"], ran.said
    (entry,) = [left["entry"] for left in ran.json["leftovers"]]
    assert desk.fab("smoke.clean").code == 7 and len(desk.ledgers) == 1
    typo = desk.fab("smoke.clean", "--forget", f"{entry}x")
    assert typo.code == 2 and f"did you mean {entry}?" in typo.err, typo.said
    assert desk.fab("smoke.clean", "--forget", entry).code == 0
    assert desk.ledgers == [] and desk.fab("smoke.clean").code == 0


@pytest.mark.parametrize("damage", [b"{torn", b"\x00\x00\x00", b'{"event":"closed"}\n', b"\xff\xfe\n"])
def test_a_line_that_cannot_be_read_is_said_and_kept(desk: Desk, office: Office, damage: bytes) -> None:
    desk.smoke["steps"]["killer"] = {"needs": "upload", "command": "kill -9 $PPID"}
    assert desk.fab("smoke", "killer").code == -9
    (ledger,) = desk.ledgers
    ledger.write_bytes(ledger.read_bytes() + damage)
    ran = desk.fab("smoke.clean")
    assert office.files == [], ran.said
    torn = damage.strip(b"\0 \n") != b""
    assert (ran.code, len(desk.ledgers)) == ((7, 1) if torn else (0, 0)), ran.said
    assert ("cannot be read: line 3" in ran.err) is torn, ran.said


def test_a_clean_that_is_refused_is_no_pass(desk: Desk, office: Office) -> None:
    desk.smoke["steps"]["upload"]["clean"] = {"delete": "/elsewhere/{id}"}
    office.faults(DELETE={})
    desk.smoke["steps"]["upload"]["clean"]["expect"] = 204
    ran = desk.fab("smoke", "upload", "--json")
    assert ran.code == 7 and ran.json["leftovers"][0]["reason"] == "delete /elsewhere/{id} was answered 404", ran.said
    assert len(desk.ledgers) == 1


def test_what_was_refused_was_not_made(desk: Desk, office: Office) -> None:
    office.faults(**{"POST /files": {"status": 413}})
    ran = desk.fab("smoke", "upload", "--json")
    assert ran.code == 7 and ran.json["leftovers"] == [] and desk.ledgers == [], ran.said


def test_nothing_is_made_where_the_ledger_cannot_be_written(desk: Desk, office: Office) -> None:
    (desk.folder / ".lockstitch").mkdir()
    (desk.folder / ".lockstitch" / "smoke").write_text("a file where the folder should be")
    ran = desk.fab("smoke", "upload")
    assert ran.code == 7 and "without it no step may make anything" in ran.out, ran.said
    assert office.asked["POST /files"] == 0
