"""Deploys that metric gates judge, as they are typed: questions, refusals, documents and records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import commit
from tests.cli.operator import Operator
from tests.cli.test_screens import terminal

COUNTS = 'cat "$HOME/counts"'


@pytest.fixture
def gated(deployed: Operator) -> Iterator[Operator]:
    """An operator whose app is judged by what a file on each host says."""
    source = {"kind": "command", "run": COUNTS}
    deployed.inventory["metrics"] = {"shop": source}
    deployed.inventory["rollout"] = {"batch": 1, "pause": "1s", "warm_up": "0s"}
    deployed.inventory["apps"]["app"]["gates"] = {"orders": {"source": "shop", "max": "5%"}}
    counts(deployed, "0 of 1000")
    commit(deployed, "one more")
    yield deployed
    for key in ("metrics", "rollout"):
        deployed.inventory.pop(key)
    deployed.inventory["apps"]["app"].pop("gates")
    for host in deployed.hosts:
        (deployed.home(host) / "counts").unlink(missing_ok=True)


def counts(operator: Operator, *texts: str) -> None:
    """Let the hosts say these counts, all of them the same or each its own."""
    for host, text in zip(operator.hosts, texts * len(operator.hosts), strict=False):
        (operator.home(host) / "counts").write_text(f"{text}\n")


def test_a_release_passes_and_everything_says_so(gated: Operator) -> None:
    planned = gated.fab("plan", "--json").json
    watched = [wave["watch"] for wave in planned["waves"] if wave["watch"]]
    assert [watch["deciding"] for watch in watched] == [["orders"], ["orders"]]
    assert any(note.startswith("app: gate orders needs 52 requests") for note in planned["notes"])
    ran = gated.fab("deploy", "--json")
    assert ran.code == 0, ran.said
    assert [(gate["answer"], gate["bad"], gate["last"]) for gate in ran.json["gates"]] == [("pass", 0, True)] * 2
    assert "app: gate orders: pass: 0 of 1000 are bad" in ran.err
    record = gated.fab("history", ran.json["run"], "--json").json["run"]
    assert [reading["answer"] for reading in record["readings"]] == ["pass", "pass"]
    assert "orders  20" in gated.fab("history", ran.json["run"]).out


def test_what_fails_goes_back_and_the_record_says_why(gated: Operator) -> None:
    counts(gated, "10 of 1000")
    with gated.start("deploy") as running:
        running.until("watching app 1/2")
        counts(gated, "300 of 1000", "10 of 1000")
        ran = running.finish()
    assert ran.code == 5, ran.said
    assert "gate orders of app fails: 300 of 1000 are bad: 27.7 % to 32.4 %, at most 5 %" in ran.out
    assert "2/2" not in ran.out.partition("record, prune, unlock")[2]


UNCLEAR = "45 of 1000"


@pytest.mark.parametrize(("answer", "code"), [("continue", 0), ("back", 5)])
def test_a_person_at_a_terminal_is_asked(gated: Operator, answer: str, code: int) -> None:
    gated.inventory["rollout"]["batch"] = "all"
    counts(gated, "0 of 10", UNCLEAR)
    with terminal(gated, "deploy", columns=150, rows=40) as at:
        at.until("type continue or back")
        assert any("gate orders of app is unclear: 45 of 1010 are bad" in row for row in at.rows), at.rows
        at.type("perhaps\n")
        at.until("'perhaps' is none of the answers")
        at.type(f"{answer}\n")
        assert at.finish() == code, at.rows


def test_without_a_terminal_what_is_unclear_counts_as_failed(gated: Operator) -> None:
    counts(gated, UNCLEAR)
    ran = gated.fab("deploy", "--json")
    assert ran.code == 5, ran.said
    assert "there is no terminal to ask at, so it counts as failed" in ran.json["failures"][0]["reason"]
    gated.inventory["rollout"]["unclear"] = "continue"
    ran = gated.fab("deploy")
    assert ran.code == 0 and "going on: gate orders of app is unclear" in ran.out, ran.said


def test_shared_trouble_stops_with_the_state_and_what_to_type(gated: Operator) -> None:
    with gated.start("deploy", "--json") as running:
        running.until("watching app 1/2")
        counts(gated, "300 of 1000")
        ran = running.finish()
    assert ran.code == 6, ran.said
    assert "on two with the old release too: this release is not to blame" in ran.json["failures"][0]["reason"]
    assert [left["host"] for left in ran.json["left"]] == ["one"]
    assert "rollback --only app" in ran.json["left"][0]["what"]
    sites: dict[str, Any] = {site["host"]: site for site in ran.json["sites"]}
    assert sites["one"]["serving"] == sites["one"]["to"] and sites["two"]["serving"] == sites["two"]["from"]
    locks = gated.fab("lock.show", "--json").json["locks"]
    assert [lock["lock"] for lock in locks] == [None, None]
    entries = gated.fab("history", "--json").json["entries"]
    assert (entries[0]["run"], entries[0]["result"], entries[0]["hosts"]) == (
        ran.json["run"],
        "stopped",
        ["one", "two"],
    )
    assert "this release is not to blame" in entries[0]["reason"]
    # The same command brings the rest to it, and calls it good.
    counts(gated, "0 of 1000")
    again = gated.fab("deploy")
    assert again.code == 0, again.said
    assert gated.fab("history", "--json").json["entries"][0]["result"] == "done"


def test_a_blind_gate_refuses_and_can_be_waived(gated: Operator) -> None:
    (gated.home("two") / "counts").unlink()
    refused = gated.fab("deploy", "--json")
    assert refused.code == 7, refused.said
    assert (
        "app: gate orders cannot be judged: two: the command ended with exit code 1" in refused.json["error"]["message"]
    )
    assert "--blind-gates" in refused.json["error"]["hint"]
    assert gated.fab("plan", "--blind-gates", "oders").code == 2
    ran = gated.fab("deploy", "--blind-gates", "orders")
    assert ran.code == 0, ran.said
    run = max((gated.folder / ".lockstitch" / "runs").iterdir())
    first = json.loads((run / "events.jsonl").read_text().splitlines()[0])
    assert any("waived by --blind-gates" in note for note in first["notes"])


def test_a_pause_that_is_typed_is_the_one_that_is_watched(gated: Operator) -> None:
    planned = gated.fab("plan", "--pause", "90s", "--json").json
    assert {wave["pause"] for wave in planned["waves"] if wave["watch"]} == {90}
    assert gated.fab("plan", "--pause", "soon").code == 2
    none = gated.fab("plan", "--pause", "0s", "--json").json
    assert any("judge nothing: there is no pause" in note for note in none["notes"])


def test_an_interrupted_watch_goes_back(gated: Operator) -> None:
    with gated.start("deploy", "--pause", "60s") as running:
        running.until("watching app 1/2")
        ran = gated.ctrl_c(running)
    assert ran.code == 130, ran.said
    assert "every host is back where it was" in ran.out
