"""What a deploy costs on the wire, counted: each script is one round trip of a host, whatever it carries.

With a connect (about 5.5 round trips, and one to open the first shell) the promise is twelve. `scripts/bench
round-trips` measures the same over real SSH.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter

import pytest

from lockstitch import plans
from lockstitch.model.layout import LayoutKind
from tests.engine import world
from tests.engine.conftest import MakeWorld

# survey, lock, prepare (fetch), switch with the gates' first asking, finish with unlock
PHASES = 5


def scripts_of(make_world: MakeWorld, layout: LayoutKind, selection: str, ref: str) -> Counter[str]:
    made = make_world(layout)
    assert made.run(made.plan_deploy("v1")).code == 0
    made.remote.scripts.clear()
    assert made.run(made.plan_deploy(ref, selection)).code == 0
    return Counter(host for host, _ in made.remote.scripts)


def test_a_host_is_spoken_to_once_a_phase(make_world: MakeWorld, layout: LayoutKind) -> None:
    """Host c runs one app that has no migration: each phase of its deploy is one script."""
    assert scripts_of(make_world, layout, "box:c", "v2") == {"c": PHASES}


def test_the_number_of_commands_does_not_count(
    make_world: MakeWorld, layout: LayoutKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = ", ".join(['"cp VERSION built"'] * 20)
    monkeypatch.setattr(world, "INVENTORY", world.INVENTORY.replace('build: ["cp VERSION built"]', f"build: [{many}]"))
    assert scripts_of(make_world, layout, "box:c", "v2") == {"c": PHASES}


def test_a_deploy_of_a_plain_repository_runs_few_processes_of_git(make_world: MakeWorld) -> None:
    """Calls of the survey that resolves the ref, and of the steps; git's own helpers are not counted."""
    made = make_world("releases").given("v1")
    programs, log = made.root / "programs", made.root / "asked"
    programs.mkdir()
    (programs / "git").write_text(f'#!/bin/sh\necho "$*" >>{log}\nexec {shutil.which("git")} "$@"\n')
    (programs / "git").chmod(0o755)
    made.remote.env = {**made.remote.env, "PATH": f"{programs}:{os.environ['PATH']}"}
    plan = made.plan_deploy("v2", "box:c")
    asked = log.read_text().splitlines()
    assert len(asked) <= 12, asked
    (target,) = (facts.target for facts in made.surveyed(plans.deploy_asks(made.fleet("box:c"), "v2")).facts.values())
    assert target is not None and target.without == ("lfs", "modules")
    log.unlink()
    assert made.run(plan).code == 0
    asked = log.read_text().splitlines()
    assert len(asked) <= 5, asked
