"""What a person is shown of a run that failed: the reason without the noise, and the command to type next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lockstitch.engine.runner import run
from lockstitch.errors import ExitCode, HostLostError
from lockstitch.model.command import Command
from lockstitch.model.host import Address, Host
from lockstitch.model.layout import Layout
from lockstitch.model.outcome import Outcome
from lockstitch.model.plan import Plan, RunKind, Script, Site, SitePlan, Step, Wave
from lockstitch.plans.lock_steps import release_step
from lockstitch.report.outcome import outcome_json, outcome_text
from tests.local import LocalRemote

DATABASE = Site("h", "main", Layout("in_place", "bk", "bk/.lockstitch/main"), database=True)
APP = replace(DATABASE, app="api", database=False)
FAILS = Step("fails", "fails", Command("exit 1"))
STUCK = Step("swap", "swap", Command("exit 1"), Command("echo it hangs; exit 1"))


def carried_out(
    folder: Path, site: Site, kind: RunKind, steps: tuple[Step, ...], finish: tuple[Step, ...] = (), lost: str = ""
) -> Outcome:
    """The outcome of a plan of one wave; where a script has the step `lost` its host is lost."""
    remote = LocalRemote(folder)

    def fault(host: Host, script: Script) -> None:
        if lost in [step.name for step in script.steps]:
            raise HostLostError("h", "the connection was lost")

    remote.faults.append(fault)
    last = (SitePlan(site, (*finish, release_step(site, "run-1"))),)
    plan = Plan(kind, "prod", "run-1", "ada", "", (Wave("one", (SitePlan(site, steps),)),), last, last)
    return run(plan, remote, {"h": Host("h", Address("h"))}, lambda event: None)


@pytest.mark.parametrize(
    ("kind", "steps", "finish", "lost", "then"),
    [
        ("backup", (), (), "unlock", "lock.show"),
        ("restore", (FAILS,), (), "unlock", "lock.show"),
        ("backup", (), (FAILS,), "", "backup.list --database main"),
        ("prune", (), (FAILS,), "", "backup.list --database main"),
        ("restore", (), (FAILS,), "", "database.check --database main"),
        ("restore", (STUCK,), (), "", "database.check --database main"),
        ("rollback", (STUCK,), (), "", "database.check --database main"),
        ("prove", (STUCK,), (), "", "database.check --database main"),
    ],
)
def test_a_database_that_needs_a_person_is_shown_by_a_task_that_knows_databases(
    tmp_path: Path, kind: RunKind, steps: tuple[Step, ...], finish: tuple[Step, ...], lost: str, then: str
) -> None:
    outcome = carried_out(tmp_path, DATABASE, kind, steps, finish, lost)
    assert outcome.code is ExitCode.NEEDS_A_PERSON
    assert [left.command for left in outcome.manual_actions] == [f"fab -H prod {then}"]
    assert f"next: fab -H prod {then}" in outcome_text(outcome)


def test_an_app_that_needs_a_person_is_shown_by_status(tmp_path: Path) -> None:
    outcome = carried_out(tmp_path, APP, "deploy", (STUCK,))
    assert [left.command for left in outcome.manual_actions] == ["fab -H prod:h status"]


def test_how_far_it_was_is_not_among_the_last_lines_of_what_failed(tmp_path: Path) -> None:
    said = (
        "echo 'progress report: none'; i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo progress $i bytes, 2 tables; done"
    )
    text = f"echo why; {said}; echo no space is left; exit 1"
    outcome = carried_out(tmp_path, DATABASE, "backup", (Step("backup", "dump", Command(text)),))
    (failure,) = outcome.failures
    assert failure.output == ("why", "progress report: none", "no space is left")
    assert "30 bytes" not in outcome_text(outcome) and "30 bytes" not in str(outcome_json(outcome))


@pytest.mark.parametrize(("site", "mode"), [(DATABASE, 0o700), (APP, 0o775)])
def test_a_vault_that_is_made_is_private(tmp_path: Path, site: Site, mode: int) -> None:
    for path in ("bk", "var/lib/bk"):
        there = replace(site, layout=Layout("in_place", path, f"{path}/.lockstitch/main"))
        assert carried_out(tmp_path, there, "backup", ()).code is ExitCode.DONE
        assert (tmp_path / "h" / path).stat().st_mode & 0o777 == mode
    assert (tmp_path / "h" / "var").stat().st_mode & 0o777 == 0o775


def test_a_vault_that_was_there_stays_as_it_is(tmp_path: Path) -> None:
    vault = tmp_path / "h" / "bk"
    vault.mkdir(parents=True)
    vault.chmod(0o750)
    assert carried_out(tmp_path, DATABASE, "backup", ()).code is ExitCode.DONE
    assert vault.stat().st_mode & 0o777 == 0o750
