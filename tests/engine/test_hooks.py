"""Hooks: what they are given, what refuses a run, what is only told, and how one that takes too long ends."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lockstitch import concurrency
from lockstitch.cli.hooks import PlanHooks, with_hooks
from lockstitch.engine.runner import run
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.selection import select
from lockstitch.model.outcome import Outcome, RunEvent, RunMessage, WaveBegan
from lockstitch.report.outcome import outcome_text
from lockstitch.report.plan import plan_json, plan_text
from tests.engine.conftest import MakeWorld
from tests.engine.world import World

SECRET = 'p"ss\\word'


class Hooked:
    """A world with hooks, whose runs are carried out as `fab` carries them out."""

    def __init__(self, world: World, **hooks: Any) -> None:
        self.world, self.root = world, world.root / "project"
        self.root.mkdir()
        world.fleet()
        (world.root / "hosts" / "_all.yml").write_text(json.dumps({"hooks": hooks}))
        selection = select(InventoryFolder(world.root / "hosts"), "box")
        self.session: Any = SimpleNamespace(c=SimpleNamespace(selection=selection, root=self.root), remote=world.remote)
        self.events: list[RunEvent] = []

    def deploy(self, ref: str, **wanted: Any) -> Outcome:
        self.plan = with_hooks(self.session, lambda: self.world.plan_deploy(ref, **wanted))()
        return self._carried_out()

    def rollback(self) -> Outcome:
        self.plan = with_hooks(self.session, self.world.plan_rollback)()
        return self._carried_out()

    def _carried_out(self) -> Outcome:
        own = PlanHooks(self.session, self.plan, self.events.append)
        hosts = {host.name: host for host in self.world.fleet().hosts}
        return own.after(run(self.plan, self.world.remote, hosts, self.events.append, own.before))

    def given(self, name: str) -> Any:
        return json.loads((self.root / name).read_text())

    def said(self) -> str:
        return "\n".join(event.text for event in self.events if isinstance(event, RunMessage))


def test_a_hook_is_given_the_run(any_world: World) -> None:
    hooked = Hooked(
        any_world.given("v1"),
        before_deploy=["cat >before.json; echo asked"],
        after_deploy=["cat >after.json", {"run": "cat >seen.json", "run_on": "frontend"}],
        failed=["touch failed"],
        before_rollback=["touch rolled"],
        after_rollback=["cat >back.json"],
    )
    outcome = hooked.deploy("v2", message="on a Tuesday")
    assert outcome.code == 0 and not outcome.notes, outcome
    before, after = hooked.given("before.json"), hooked.given("after.json")
    assert before["outcome"] is None and before["hook"] == "before_deploy"
    known = {key: before[key] for key in ("run", "kind", "environment", "by", "message")}
    assert list(known.values()) == [hooked.plan.run, "deploy", "box", "ada@desk", "on a Tuesday"]
    change = next(each for each in before["changes"] if each["host"] == "a")
    assert (change["from"], change["to"]) == (any_world.rev("v1"), any_world.rev("v2"))
    assert [commit["subject"] for commit in before["commits"]["api"]] == ["release v2"]
    assert (before["event"], after["event"]) == ("begun", "done")
    assert after["outcome"]["exit_code"] == 0 and {s["serving"] for s in after["outcome"]["sites"]} == {
        any_world.rev("v2")
    }
    # A group means its first host, whose home it runs in.
    assert json.loads((any_world.remote.home("b") / "seen.json").read_text()) == after
    assert "before_deploy | asked" in hooked.said()
    first = next(n for n, event in enumerate(hooked.events) if isinstance(event, WaveBegan))
    assert any(isinstance(event, RunMessage) and "asked" in event.text for event in hooked.events[:first])
    assert hooked.rollback().code == 0 and hooked.given("back.json")["kind"] == "rollback"
    assert (hooked.root / "rolled").exists() and not (hooked.root / "failed").exists()


def test_one_that_fails_before_the_first_change_refuses(world: World) -> None:
    hooked = Hooked(
        world.given("v1"),
        before_deploy=["true", "echo frozen until Monday; exit 3", "touch never"],
        after_deploy=["touch after"],
        failed=["cat >failed.json"],
    )
    scripts = len(world.remote.scripts)
    outcome = hooked.deploy("v2")
    assert outcome.code == 7 and world.truth() == world.on("v1") and not world.leftovers(), outcome
    assert not any("fetch" in steps for _, steps in world.remote.scripts[scripts:])
    text = outcome_text(outcome)
    assert "hook before_deploy, here: echo frozen until Monday; exit 3: it ended with exit code 3" in text
    assert "frozen until Monday" in text and "REFUSED: nothing was changed" in text and "take the hook out" in text
    assert hooked.given("failed.json")["outcome"]["exit_code"] == 7
    assert not (hooked.root / "never").exists() and not (hooked.root / "after").exists()
    assert "bad" not in world.verdicts("a", "api").values()
    # The same revision is as good as it was.
    (world.root / "hosts" / "_all.yml").unlink()
    assert world.deploy("v2").code == 0


@pytest.mark.parametrize("where", ["local", "c"])
def test_one_that_fails_afterwards_is_told(any_world: World, where: str) -> None:
    broken = {"run": "echo no such channel; exit 4", "run_on": where}
    hooked = Hooked(any_world.given("v1"), after_deploy=[broken, "touch second"])
    outcome = hooked.deploy("v2")
    assert outcome.code == 0 and any_world.truth() == any_world.on("v2")
    (note,) = outcome.notes
    assert "hook after_deploy" in note and "exit code 4: no such channel" in note
    assert (hooked.root / "second").exists()


@pytest.mark.parametrize("where", ["local", "c"])
def test_secrets_are_in_no_document_and_no_output(
    make_world: MakeWorld, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", SECRET)
    world = make_world("releases", more='secrets: {SHOP_KEY: "env:SHOP_KEY"}\n    shared: [storage/]').given("v1")
    world.commit("v5", VERSION="broken\n")
    script = {"run": "cat >failed.json; cat key.txt; exit 1", "run_on": where}
    hooked = Hooked(world, failed=[script])
    place = hooked.root if where == "local" else world.remote.home("c")
    (place / "key.txt").write_text(f"the key is {SECRET}\n")
    outcome = hooked.deploy("v5", message=f"with {SECRET}")
    assert outcome.code == 5
    document = (place / "failed.json").read_text()
    assert SECRET not in document and json.dumps(SECRET)[1:-1] not in document
    assert (
        json.loads(document)["message"] == "with ***"
        and json.loads(document)["event"] == "rolled_back"
        and "logs" not in json.loads(document)["outcome"]["failures"][0]
    )
    assert outcome.notes[-1].endswith("the key is ***") and SECRET not in hooked.said()


def test_one_that_takes_too_long_is_ended(any_world: World) -> None:
    slow = {"run": "echo began; sleep 600", "timeout": "200ms"}
    hooked = Hooked(any_world.given("v1"), before_deploy=[slow])
    outcome = hooked.deploy("v2")
    assert outcome.code == 7 and "it took longer than 0.2 s" in outcome.failures[0].reason
    assert outcome.failures[0].output == ("began",)


def test_an_interrupt_ends_it_and_the_run(any_world: World) -> None:
    hooked = Hooked(any_world.given("v1"), before_deploy=["echo >began; sleep 600"], failed=["cat >failed.json"])
    os.mkfifo(hooked.root / "began")

    def when_begun() -> None:
        (hooked.root / "began").read_text()
        concurrency.interrupt()

    thread = threading.Thread(target=when_begun)
    thread.start()
    outcome = hooked.deploy("v2")
    thread.join()
    assert outcome.code == 130 and any_world.truth() == any_world.on("v1") and not any_world.leftovers()
    assert hooked.given("failed.json")["outcome"]["exit_code"] == 130


def test_the_plan_shows_them(any_world: World, tmp_path: Path) -> None:
    hooked = Hooked(
        any_world.given("v1"),
        before_deploy=["ask-the-calendar"],
        after_deploy=[{"run": "announce", "run_on": "a"}],
        failed=["page-someone"],
        before_rollback=["never-shown"],
    )
    plan = with_hooks(hooked.session, lambda: any_world.plan_deploy("v2"))()
    text = plan_text(plan)
    order = ["0. lock", "hook before_deploy, here: ask-the-calendar", "1. ", "record, prune, unlock"]
    order += ["hook after_deploy, on a: announce", "if it ends in another way: hook failed, here: page-someone"]
    at = [text.index(each) for each in order]
    assert at == sorted(at) and "never-shown" not in text, text
    assert {"event": "after_deploy", "run": "announce", "on": "a", "timeout": 60.0} in plan_json(plan)["hooks"]
