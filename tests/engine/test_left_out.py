"""Waves that are left out, units that continue others, and what steps tell: on a host that is a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lockstitch.engine.runner import run
from lockstitch.errors import ExitCode
from lockstitch.model.command import Command
from lockstitch.model.gate import Gate, Verdict, failed, inconclusive, passed
from lockstitch.model.host import Address, Host
from lockstitch.model.layout import layout
from lockstitch.model.outcome import Outcome
from lockstitch.model.plan import Condition, Plan, Site, SitePlan, Step, Wave
from lockstitch.model.probe import Probe
from lockstitch.plans.shell_texts import RECORD
from tests.local import LocalRemote

SITE = Site("h", "api", layout("in_place", "app"))


def step(name: str, text: str = "", *, undo: bool = True, again: bool = False, tells: str = "") -> Step:
    took_back = Command(f"echo 'undo {name}' >>log") if undo and not again else None
    return Step(name, name, Command(f"echo {name} >>log\n{text}"), took_back, again, outputs_for=tells)


def only_if(verdict: Verdict) -> Condition:
    probe = Probe("need", Command("echo asked >>log"), lambda text, code: verdict)
    return Condition(SITE, Gate("need", probe, lambda said: said, tries=1))


def carried_out(folder: Path, waves: list[Wave], finish: tuple[SitePlan, ...] = ()) -> tuple[Outcome, list[str]]:
    remote = LocalRemote(folder)
    plan = Plan("deploy", "prod", "run-1", "ada", "", tuple(waves), finish)
    outcome = run(plan, remote, {"h": Host("h", Address("h"))}, lambda event: None)
    log = remote.home("h") / "log"
    return outcome, log.read_text().splitlines() if log.exists() else []


@pytest.mark.parametrize(
    ("verdict", "code", "log"),
    [
        (passed("two are pending"), ExitCode.DONE, ["first", "asked", "dump", "look", "last"]),
        (failed("nothing is"), ExitCode.DONE, ["first", "asked", "last"]),
        (inconclusive("it cannot tell"), ExitCode.REVERTED, ["first", "asked", "undo first"]),
    ],
)
def test_a_wave_is_done_when_there_is_a_need(tmp_path: Path, verdict: Verdict, code: ExitCode, log: list[str]) -> None:
    need = only_if(verdict)
    waves = [
        Wave("first", (SitePlan(SITE, (step("first"),)),), visible=True),
        Wave("dump", (SitePlan(SITE, (step("dump"),)),), only_if=need),
        Wave("look", (SitePlan(SITE, (step("look"),)),), only_if=need),
        Wave("last", (SitePlan(SITE, (step("last"),)),), visible=True),
    ]
    outcome, said = carried_out(tmp_path, waves)
    assert (outcome.code, said) == (code, log), "what one answer decides is asked once"


@pytest.mark.parametrize("fails_in", ["checkout", "build", "between", "migrate", "reload"])
def test_a_unit_that_continues_another_goes_back_with_it(tmp_path: Path, fails_in: str) -> None:
    def each(name: str, *, again: bool = False) -> Step:
        # Done once more on the way back it is well.
        return step(name, f"[ {fails_in} != {name} ] || [ $(grep -c '^{name}$' log) -gt 1 ]", again=again)

    moved = SitePlan(SITE, (each("checkout"), each("build", again=True)))
    switched = SitePlan(SITE, (each("migrate"), each("reload", again=True)), continues=moved)
    waves = [
        Wave("code", (moved,), visible=True),
        Wave("between", (SitePlan(SITE, (each("between"),)),)),
        Wave("switch", (switched,), visible=True),
    ]
    outcome, said = carried_out(tmp_path, waves)
    assert outcome.code is ExitCode.REVERTED
    back = said[said.index(fails_in) + 1 :]
    wanted = {
        "checkout": ["undo checkout"],
        "build": ["undo checkout", "build"],
        "between": ["undo between", "undo checkout", "build"],
        "migrate": ["undo migrate", "undo checkout", "build", "undo between"],
        "reload": ["undo migrate", "undo checkout", "build", "reload", "undo between"],
    }
    assert back == wanted[fails_in], "the checkout is back before it is built and reloaded again"


def test_what_a_step_tells_is_recorded_in_the_end(tmp_path: Path) -> None:
    journal = tmp_path / "h" / SITE.layout.journal
    record = Step(
        "record",
        "",
        Command(RECORD, values={"record": '{"a":1}', "journal": SITE.layout.journal, "reason": "", "told": "api"}),
    )
    waves = [Wave("dump", (SitePlan(SITE, (step("dump", "echo told backup main-1; echo told no", tells="api"),)),))]
    outcome, _ = carried_out(tmp_path, waves, (SitePlan(SITE, (record,)),))
    assert outcome.code is ExitCode.DONE
    told = [json.loads(line) for line in journal.read_text().splitlines()]
    assert {key: told[-2].get(key) for key in ("a", "backup")} == {"a": 1, "backup": "main-1"}


def test_what_was_dumped_is_told_when_the_run_fails(tmp_path: Path) -> None:
    waves = [
        Wave("dump", (SitePlan(SITE, (step("dump", "echo told backup main-1", tells="api"),)),)),
        Wave("migrate", (SitePlan(SITE, (step("migrate", "exit 3"),)),)),
    ]
    outcome, _ = carried_out(tmp_path, waves)
    assert outcome.code is ExitCode.REVERTED
    assert any("fab -H prod backup.restore main-1" in note for note in outcome.notes)
