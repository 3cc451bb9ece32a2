"""`--json` prints one document, as its schema says, however a task ends."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import commit
from tests.cli.operator import Operator

LOCK = '{"run":"other","by":"bob","message":"a freeze","at":"2026-11-24T10:00:00Z"}'


@pytest.fixture
def operator(deployed: Operator) -> Iterator[Operator]:
    yield deployed
    deployed.inventory.pop("protect", None)
    deployed.inventory.pop("checks", None)
    deployed.inventory["apps"]["app"].pop("build", None)
    deployed.inventory["groups"]["all"]["hosts"] = deployed.inventory["groups"]["all"]["hosts"][:2]
    lock(deployed).unlink(missing_ok=True)


def lock(operator: Operator) -> Path:
    path = operator.home("two") / str(operator.inventory["apps"]["app"]["path"])
    return path.parent / ".lockstitch" / "app" / "lock.json"


def ended(operator: Operator, code: int, *words: str, where: str = "lab") -> dict[str, Any]:
    """Return the document of a task that ends with this code."""
    ran = operator.fab(*words, "--json", where=where)
    assert ran.code == code and "Traceback" not in ran.err, ran.said
    made: dict[str, Any] = ran.json
    assert made["exit_code"] == code
    assert made["error"] is None or made["error"]["message"].partition("\n")[0] in ran.err + ran.out, ran.said
    return made


@pytest.mark.parametrize(
    ("words", "where", "task", "message"),
    [
        (("deploy", "--reff", "x"), "lab", None, "deploy has no option --reff"),
        (("deplyo",), "lab", None, "there is no task deplyo: did you mean deploy?"),
        (("status",), "lab:three", "status", "lab has no group or host three"),
        (("status",), "nowhere", "status", "there is no environment nowhere"),
        (("backup",), "lab", "backup", "lab has no databases"),
        (("deploy", "--only", "ap"), "lab", "deploy", "there is no app ap"),
        (("deploy", "--ref", "a..b"), "lab", "deploy", "cannot be the name of a branch"),
        (("run",), "lab", "run", "there is no command to run"),
        (("logs", "--lines", "-3"), "lab", "logs", ""),
        (("check", "--skip", "clok"), "lab", "check", "clok"),
        (("history", "--since", "never"), "lab", "history", "--since 'never' is no time"),
        (("history", "--host", "nine"), "lab", "history", "there is no such host"),
    ],
)  # fmt: skip
def test_what_is_typed_wrong(
    operator: Operator, words: tuple[str, ...], where: str, task: str | None, message: str
) -> None:
    made = ended(operator, 2, *words, where=where)
    assert made["task"] == task and message in made["error"]["message"]


def test_a_broken_inventory(operator: Operator) -> None:
    (operator.folder / "hosts" / "broken.yml").write_text("gruops: {}\n")
    try:
        made = ended(operator, 2, "hosts", where="broken")
        assert made["task"] == "hosts" and "hosts/broken.yml:1" in made["error"]["message"]
    finally:
        (operator.folder / "hosts" / "broken.yml").unlink()


@pytest.mark.parametrize("task", ["status", "deploy", "plan", "history", "lock.show"])
def test_a_host_that_is_away(operator: Operator, task: str) -> None:
    operator.inventory["groups"]["all"]["hosts"].append({"name": "gone", "address": "127.0.0.1", "port": 1})
    made = ended(operator, 3, task)
    assert "gone" in made["unreachable"] if task == "status" else "gone" in made["error"]["message"]


def test_nothing_to_do_is_an_answer_of_a_deploy(operator: Operator) -> None:
    made = ended(operator, 0, "deploy", "--message", "again")
    assert (made["result"], made["message"], made["refs"]) == ("nothing to do", "again", {"app": "main"})
    assert made["by"].startswith("ada@") and made["reason"] == "every host already runs it"


def test_a_refusal_tells_what_was_refused(operator: Operator) -> None:
    revision = commit(operator, "second")
    planned = ended(operator, 0, "plan")
    assert (planned["result"], planned["changes"][0]["to"]) == ("planned", revision)
    operator.inventory["protect"] = True
    refused = ended(operator, 2, "deploy", "--message", "try")
    assert (refused["result"], refused["kind"], refused["message"]) == ("refused", "deploy", "try")
    assert "lab is protected" in refused["error"]["message"] and "--yes" in refused["error"]["hint"]
    assert [c["subject"] for c in refused["commits"]["app"]] == ["second"]
    lock(operator).write_text(LOCK)
    held = ended(operator, 4, "deploy", "--yes")
    assert held["result"] == "refused" and "locked by bob" in held["error"]["message"]
    assert [change["to"] for change in held["changes"]] == [revision] * 2


def test_a_check_that_fails_refuses_before_there_is_a_plan(operator: Operator) -> None:
    commit(operator, "third")
    operator.inventory["checks"] = {"tools": {"no-such-tool": "*"}}
    made = ended(operator, 7, "deploy", "--message", "third", "--ref", "main")
    assert (made["kind"], made["result"], made["message"], made["refs"]) == (None, "refused", "third", {"app": "main"})
    assert "no-such-tool is not found" in made["error"]["message"]


def test_a_deploy_that_fails_and_one_that_is_interrupted(operator: Operator) -> None:
    commit(operator, "fourth")
    operator.inventory["apps"]["app"]["build"] = ["echo broken; exit 3"]
    made = ended(operator, 5, "deploy")
    assert made["result"] == "put back" and made["error"]["message"] == made["failures"][0]["reason"]
    operator.inventory["apps"]["app"]["build"] = ["echo building; sleep 60"]
    running = operator.start("deploy", "--json")
    running.until("| building")
    ran = operator.ctrl_c(running)
    assert (ran.code, ran.json["result"], ran.json["exit_code"]) == (130, "interrupted", 130), ran.said


def test_dry_runs_and_answers(operator: Operator) -> None:
    for words in (("status",), ("hosts",), ("history",), ("lock.show",), ("service.status",), ("maintenance.status",)):
        assert ended(operator, 0, *words)["task"] == words[0]
    dry = operator.start("--dry", "-H", "lab", "run", "--json", "--", "uptime", where="").finish(60)
    assert (dry.code, dry.json) == (0, {"task": "run", "exit_code": 0, "error": None}), dry.said


def test_an_interrupted_question(operator: Operator) -> None:
    running = operator.start("run", "--json", "--", "touch $HOME/asked; sleep 60")
    for _ in range(600):
        if (operator.home("one") / "asked").exists():
            break
        signal.sigtimedwait([], 0.05)
    (operator.home("one") / "asked").unlink()
    ran = operator.ctrl_c(running)
    assert (ran.code, ran.json["exit_code"]) == (130, 130), ran.said


def test_logs_end_with_a_line(operator: Operator) -> None:
    operator.inventory["apps"]["app"]["logs"] = ["no/such.log"]
    try:
        ran = operator.fab("logs", "--json")
        *_, last = ran.out.splitlines()
        assert ran.code == 7 and json.loads(last)["exit_code"] == 7, ran.said
    finally:
        operator.inventory["apps"]["app"].pop("logs")
