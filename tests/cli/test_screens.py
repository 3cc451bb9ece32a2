"""Screens of a terminal, at 80x24 and at 100x40: the question before a run, and the run."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from lockstitch.cli.live_display import LiveDisplay
from lockstitch.cli.live_gates import WatchDisplay
from lockstitch.model.command import Command
from lockstitch.model.layout import layout
from lockstitch.model.plan import Change, Commit, Plan, Site, SitePlan, Step, Wave
from lockstitch.model.results import StepBegan, StepEnded, StepOutput
from lockstitch.model.wave_watch import GateMeasured
from lockstitch.report.plan import plan_top
from tests.cli.conftest import commit
from tests.cli.operator import Operator
from tests.containers.project import FAB, ROOT
from tests.screen import Terminal, shown

SIZES = [(80, 24), (100, 40)]


@pytest.fixture
def protected(deployed: Operator) -> Iterator[Operator]:
    """An operator whose environment is protected, and who has thirty commits to deploy."""
    deployed.inventory["protect"] = True
    for number in range(30):
        commit(deployed, f"change number {number} of something that has a rather long subject, longer than a row is")
    yield deployed
    deployed.inventory.pop("protect")
    _lock(deployed, "")


def _lock(operator: Operator, text: str) -> None:
    path = operator.home("two") / str(operator.inventory["apps"]["app"]["path"])
    file = path.parent / ".lockstitch" / "app" / "lock.json"
    file.write_text(text) if text else file.unlink(missing_ok=True)


def terminal(operator: Operator, *words: str, where: str = "lab", columns: int = 80, rows: int = 24) -> Terminal:
    operator.prepare()
    env = {**operator.env, "PYTHONPATH": str(ROOT)}
    env.pop("COLUMNS", None)
    return Terminal([str(FAB), "-H", where, *words], operator.folder, env, columns, rows)


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_the_top_of_the_plan_is_on_the_screen_when_it_is_asked(protected: Operator, columns: int, rows: int) -> None:
    with terminal(protected, "deploy", "--message", "the big one", columns=columns, rows=rows) as at:
        # Typed before the question is there: it was meant for something else.
        at.type("lab\n")
        seen = at.until("lab is protected: type its name to go on; `steps` shows each step")
        head = next(number for number, row in enumerate(seen) if row.startswith("deploy of lab, run "))
        assert seen[head + 1] == "the big one" and seen[head + 2].split() == ["APP", "FROM", "TO", "HOSTS"]
        assert re.fullmatch(r"app +[0-9a-f]{8} +[0-9a-f]{8} +one, two", seen[head + 3]), seen
        assert any("change number 29" in row for row in seen) and len(seen) <= rows
        assert any(re.search(r"… \d+ more lines", row) for row in seen) == (rows == 24), seen
        assert seen[-2].startswith("in 3 waves, ")
        at.type("steps\n")
        at.until("record, prune, unlock")
        at.type("no\n")
        assert at.finish() == 2 and "not confirmed; nothing was changed" in at.rows[-1]


def test_a_lock_that_is_held_is_told_before_anybody_is_asked(protected: Operator) -> None:
    _lock(protected, '{"run":"other","by":"bob","message":"a freeze","at":"2026-11-24T10:00:00Z"}')
    for words in (("deploy",), ("service.reload",)):
        with terminal(protected, *words) as at:
            assert at.finish() == 4, at.rows
            assert not any("type its name" in row for row in at.rows)
            assert any("two: app is locked by bob" in row for row in at.rows), at.rows


@pytest.mark.parametrize("words", [("run", "--", "touch $HOME/ran"), ("shell",)])
def test_what_is_typed_by_hand_is_confirmed_as_well(protected: Operator, words: tuple[str, ...]) -> None:
    with terminal(protected, *words, where="lab:one") as at:
        at.until("lab is protected: type its name to go on")
        at.type("no\n")
        assert at.finish() == 2
    assert not (protected.home("one") / "ran").exists()
    if words[0] == "run":
        refused = protected.fab(*words[:1], "--json", *words[1:])
        assert refused.code == 2 and "lab is protected" in refused.json["error"]["message"], refused.said
        assert protected.fab("run", "--yes", "--", "true").code == 0


def plan(hosts: int, name: str = "api{}.production.example.com") -> Plan:
    sites = [Site(name.format(number), "backend", layout("releases", "app")) for number in range(1, hosts + 1)]
    steps = (Step("build", "build", Command("true")),)
    commits = tuple(Commit(f"{number:040x}", "Ada", "subject " * 20) for number in range(1, 40))
    changes = tuple(Change(site, "a" * 40, "b" * 40, "R2", commits) for site in sites)
    waves = (Wave("prepare", tuple(SitePlan(site, steps) for site in sites)),)
    return Plan("deploy", "prod", "run-1", "ada@desk", "", waves, changes=changes, notes=("api: a warning",))


def running(plan: Plan, columns: int, rows: int) -> list[str]:
    """Return the screen of a run in which one host prints, one has failed, one is done and the others wait."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=columns, height=rows, color_system=None)
    first, second, third = plan.sites[0], plan.sites[-2], plan.sites[-1]
    with LiveDisplay(plan, console) as live:
        live.show(StepBegan(first.host, first.app, "build"))
        live.show(StepOutput(first.host, first.app, "build", "compiling " * 30))
        live.show(StepBegan(second.host, second.app, "fetch"))
        live.show(StepEnded(second.host, second.app, "fetch", 0, 1))
        live.show(StepEnded(third.host, third.app, "build", 3, 1))
        live._live.refresh()
        return shown(text.getvalue(), columns, rows)


@pytest.mark.parametrize(("columns", "rows"), SIZES)
@pytest.mark.parametrize(
    "name", ["api{}", "api{}.production.example.com", "api{}.a-rather-long-name.eu-west.example.com"]
)
def test_host_and_app_are_readable_while_it_runs(columns: int, rows: int, name: str) -> None:
    made = plan(4, name)
    seen = running(made, columns, rows)
    rows_of = {row.split()[0]: row for row in seen if row.split()[1:2] == ["backend"]}
    assert list(rows_of) == [site.host for site in made.sites], seen
    assert "build | compiling" in rows_of[made.sites[0].host] and "build failed" in rows_of[made.sites[3].host], seen
    assert all(len(row) <= columns for row in seen)
    # Where there is no room for all, what changes is left out: it was on the screen before.
    assert any("aaaaaaaa → bbbbbbbb" in row for row in seen) == (len(made.sites[0].host) < columns - 55), seen


SAYS = "1 of 90 requests had status 500: 0.3 % to 4.9 %, at most 5 %"
FEW = GateMeasured("backend", "errors", "few", "1 of 9 requests", bad=1, total=9, remaining=500)
MORE = replace(FEW, says="1 of 40 requests", total=40, remaining=400)
PASS = replace(
    FEW, answer="pass", says=SAYS, total=90, old_bad=3, old_total=180, low=0.003, high=0.049, limit=0.05, remaining=300
)


@pytest.mark.parametrize(("columns", "rows"), SIZES)
@pytest.mark.parametrize("hosts", [2, 60])
def test_a_gate_has_a_row_and_what_it_says_anew_stays_above(columns: int, rows: int, hosts: int) -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=columns, height=rows, color_system=None)
    with LiveDisplay(plan(hosts), console) as live:
        for event in (FEW, MORE, PASS):
            live.show(event)
        live._live.refresh()
        seen = shown(text.getvalue(), columns, rows)
    heading, row = (row.split() for row in seen[-2:])
    assert heading == ["APP", "GATE", "VERDICT", "NEW", "OLD", "BETWEEN", "LIMIT"], seen
    assert row == ["backend", "errors", "pass", "1/90", "3/180", "0.3", "to", "4.9", "%", "5", "%"], seen
    assert any(re.match("gates judge for another (5 min|4 min 59 s)", line) for line in seen), seen
    assert sum(line.startswith("backend: gate errors: pass so far") for line in seen) == 1, seen
    assert any("api1." in line for line in seen) and len(seen) <= rows


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_of_more_gates_than_rows_those_that_fail_are_shown(columns: int, rows: int) -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=columns, height=rows, color_system=None)
    app: Any = SimpleNamespace(app=SimpleNamespace(name="backend"), new=plan(1).sites, old=plan(30).sites)
    with WatchDisplay("run-1", [app], time.time() + 3600, console) as live:
        live._live.refresh()
        assert "no reading yet" in shown(text.getvalue(), columns, rows)[-1]
        for number in range(60):
            live(replace(PASS, gate=f"a-gate-with-a-rather-long-name-{number}"))
        live(replace(PASS, gate="broken", answer="fail"))
        live._live.refresh()
        seen = shown(text.getvalue(), columns, rows)
    assert len(seen) <= rows and all(len(row) <= columns for row in seen)
    assert any(row.split()[1:3] == ["broken", "fail"] for row in seen), seen
    assert any(re.match(r"and \d+ gates more", row) for row in seen), seen
    assert seen[0].startswith("run run-1: ") and "new on api1.production.example.com; old on " in seen[1]


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_of_more_hosts_than_rows_those_that_work_are_shown(columns: int, rows: int) -> None:
    made = plan(60)
    seen = running(made, columns, rows)
    assert len(seen) <= rows
    table = [row for row in seen if "backend" in row]
    assert any("build | compiling" in row for row in table) and any("build failed" in row for row in table), seen
    assert any(re.search(r"and \d+ more", row) for row in seen), seen
    assert not any("fetch ✓" in row for row in table), "what is done makes room"


@pytest.mark.parametrize(("columns", "rows"), SIZES)
@pytest.mark.parametrize("hosts", [1, 3, 50])
def test_the_top_of_a_plan_fits(columns: int, rows: int, hosts: int) -> None:
    text = plan_top(plan(hosts), rows - 3, columns)
    seen = shown(text, columns, rows - 3)
    assert seen[0].startswith("deploy of prod") and "! api: a warning" in seen and seen[-1].startswith("in 1 wave, ")
    assert f"({hosts})" in text or hosts < 50
    assert any("subject" in row for row in seen)
