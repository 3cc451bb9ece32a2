"""`flag.status`, `flag.set`, `flag.rollout` and `flag.undo` as they are typed, on hosts over SSH."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.operator import Operator

FLAG = {"variable": "PERCENT", "file": "", "read_by": "app", "steps": [{"to": 0}, {"to": 10}, {"to": 50}, {"to": 100}]}


@pytest.fixture
def operator(deployed: Operator) -> Iterator[Operator]:
    for host in deployed.hosts:
        (deployed.home(host) / "flags.env").write_text("SECRET=hidden\n")
    deployed.inventory["apps"]["app"]["flags"] = {
        "PHASE_1": {**FLAG, "file": str(deployed.home(deployed.hosts[0]) / "flags.env")}
    }
    hosts = deployed.inventory["groups"]["all"]["hosts"]
    # Each host has a home of its own on this machine.
    second = {"flags": {"PHASE_1": {"file": str(deployed.home(deployed.hosts[1]) / "flags.env")}}}
    hosts[1]["override"] = {"app": second}
    yield deployed
    del hosts[1]["override"], deployed.inventory["apps"]["app"]["flags"]


def files(operator: Operator) -> list[str]:
    return [(operator.home(host) / "flags.env").read_text() for host in operator.hosts]


def test_a_flag_goes_up_and_back(operator: Operator) -> None:
    ran = operator.fab("flag.status", "--json")
    assert ran.code == 0, ran.said
    assert [(row["host"], row["value"], row["can_undo"]) for row in ran.json["flags"]] == [
        ("one", None, False),
        ("two", None, False),
    ]
    ran = operator.fab("--dry", "flag.rollout", "PHASE_1")
    assert ran.code == 0 and "set PHASE_1 to 10 1/2: one" in ran.out and "unset" in ran.out, ran.said
    assert files(operator) == ["SECRET=hidden\n"] * 2
    ran = operator.fab("flag.set", "PHASE_1=50", "--message", "half of them", "--json")
    assert (ran.code, ran.json["kind"], ran.json["result"]) == (0, "flag", "done"), ran.said
    assert ran.json["flags"][1] == {"flag": "PHASE_1", "app": "app", "host": "two", "from": None, "to": "50"}
    ran = operator.fab("flag.rollout", "PHASE_1")
    assert ran.code == 0 and "PHASE_1 is as far already: 0, 10, 50 left out" in ran.said, ran.said
    assert files(operator) == ["SECRET=hidden\nPERCENT=100\n"] * 2
    ran = operator.fab("flag.status")
    assert ran.code == 0 and ran.out.count("100") == 2, ran.said
    ran = operator.fab("flag.undo", "PHASE_1")
    assert ran.code == 0, ran.said
    assert files(operator) == ["SECRET=hidden\nPERCENT=50\n"] * 2
    ran = operator.fab("flag.undo", "PHASE_1")
    assert ran.code == 0 and "nothing to do in lab: PHASE_1 is 50 already" in ran.out, ran.said
    history = operator.fab("history")
    assert history.code == 0 and "flag" in history.out and "half of them" in history.out, history.said
    assert "hidden" not in ran.said + history.said


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("flag.set", "PHASE_1"), 2, "there is no value for PHASE_1"),
        (("flag.set", "PHASE=1"), 2, "there is no flag PHASE: did you mean PHASE_1?"),
        (("flag.set", "PHASE_1=$x"), 2, "would be read differently"),
        (("flag.set", "PHASE_1=1O"), 2, "'1O' is no number, and the steps are: "),
        (("flag.rollout", "PHASE_1=3"), 2, "takes no value"),
    ],
)
def test_what_is_typed_wrong_changes_nothing(operator: Operator, words: tuple[str, ...], code: int, says: str) -> None:
    ran = operator.fab(*words)
    assert ran.code == code and says in ran.said and "Traceback" not in ran.said, ran.said
    assert files(operator) == ["SECRET=hidden\n"] * 2


def test_hosts_that_differ_are_told(operator: Operator) -> None:
    (operator.home("two") / "flags.env").write_text("PERCENT=5\n")
    ran = operator.fab("flag.status", "--json")
    assert ran.code == 7 and {row["problem"] for row in ran.json["flags"]} == {"the hosts differ"}, ran.said


def test_a_rollout_is_watched_with_the_gates_that_the_flag_names(operator: Operator, tmp_path: Path) -> None:
    # The second from which half of all is bad.
    ill = tmp_path / "ill"
    ill.write_text("99999999999")
    count = f'[ "${{WINDOW_END%.*}}" -gt "$(cat {ill})" ] && echo 500 of 1000 || echo 0 of 1000'
    operator.inventory["metrics"] = {"own": {"kind": "command", "run": count}}
    app = operator.inventory["apps"]["app"]
    app["gates"] = {"errors": {"source": "own", "max": "5%"}, "other": {"source": "own", "max": "1%"}}
    app["flags"]["PHASE_1"] |= {"gates": ["errors"], "steps": [{"to": 10, "for": "4s"}, {"to": 50}]}
    try:
        ran = operator.fab("flag.rollout", "PHASE_1")
        assert ran.code == 0, ran.said
        assert "watching PHASE_1 at 10 on every host for 4 s" in ran.said and "then watch errors for 4 s" in ran.said
        assert files(operator) == ["SECRET=hidden\nPERCENT=50\n"] * 2
        ran = operator.fab("flag.undo", "PHASE_1")
        assert ran.code == 0 and files(operator) == ["SECRET=hidden\n"] * 2, ran.said
        before = operator.start("flag.rollout", "PHASE_1")
        with before:
            before.until("watching PHASE_1 at 10")
            ill.write_text(str(int(time.time())))
            ran = before.finish()
        assert ran.code == 5 and "gate errors of app fails" in ran.said, ran.said
        assert files(operator) == ["SECRET=hidden\n"] * 2
    finally:
        del operator.inventory["metrics"], app["gates"]


def test_a_watch_turns_a_flag_off_before_it_takes_code_back(operator: Operator) -> None:
    app = operator.inventory["apps"]["app"]
    operator.inventory["metrics"] = {"counts": {"kind": "command", "run": 'cat "$HOME/counts"'}}
    app["gates"] = {"errors": {"source": "counts", "max": "5%"}}
    app["rollback_on"] = {"errors": {"over": "10%", "for": "3s", "first": "flag PHASE_1"}}

    def serve(counts: str) -> None:
        for host in operator.hosts:
            (operator.home(host) / "counts").write_text(counts)

    serve("0 of 200\n")
    try:
        assert operator.fab("flag.set", "PHASE_1=50").code == 0
        with operator.start("watch", "--for", "25s", "--every", "1s") as watch:
            watch.until("gate errors (rollback_on)")
            serve("90 of 200\n")
            watch.until("TURNING PHASE_1 OFF: gate errors of app, for 3 s")
            serve("0 of 200\n")
            ended = watch.finish(60)
    finally:
        del operator.inventory["metrics"], app["gates"], app["rollback_on"]
    assert ended.code == 7 and "GOING BACK" not in ended.said, ended.said
    assert "flag PHASE_1 was turned off" in ended.out
    assert files(operator) == ["SECRET=hidden\nPERCENT=0\n"] * 2
