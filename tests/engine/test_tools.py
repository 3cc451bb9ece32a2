"""Programs that are not found on a host: where they were looked for, and what to write so that they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lockstitch.checks import apps
from lockstitch.checks.host import tools
from lockstitch.errors import CheckError
from lockstitch.model.plan import Script, Step
from tests.engine.conftest import MakeWorld
from tests.engine.world import World

SERVICE = '{kind: command, reload: "true", status: "true", needs: [manager]}'


def by_nvm(world: World, name: str = "manager") -> Path:
    """Put a program where nvm does, which the PATH of no script leads to; in two versions of node."""
    folder = world.remote.home("a") / ".nvm/versions/node"
    for version in ("v18.2.0", "v20.1.0"):
        (folder / version / "bin").mkdir(parents=True)
        program = folder / version / "bin" / name
        program.write_text("#!/bin/sh\necho 7.0.4\n")
        program.chmod(0o755)
    return folder / "v20.1.0" / "bin"


def test_a_program_by_nvm_is_told_with_what_to_set_and_that_works(make_world: MakeWorld) -> None:
    world = make_world("releases", service=SERVICE)
    folder = by_nvm(world)
    searched = os.environ["PATH"]
    with pytest.raises(CheckError) as refused:
        world.plan_deploy("v1", "box:a")
    assert f"a: api: `manager` is not found on this host: searched was {searched}, without what login" in str(
        refused.value
    )
    assert f"it lies in {folder}" in refused.value.message
    line = f"env: {{PATH: '{folder}:{searched}'}}"
    assert refused.value.hint == f"write into the app: {line}"
    world.settings["more"] = line
    assert world.deploy("v1", "box:a").code == 0


def test_checks_tell_the_same(make_world: MakeWorld) -> None:
    world = make_world("releases", service=SERVICE)
    folder = by_nvm(world)
    (host, app), *_ = world.fleet("box:a").sites()
    for check, name in ((apps.place(host, app), "place"), (tools({"manager": ">=7", "nowhere": ">=2"}), "tools")):
        (result,) = world.remote.run(host, Script((Step("ask", "", check.probe.command),)))
        finding, *more = check.judge(check.probe.parse(result.output, result.code))
        assert finding.check == name and f"it lies in {folder}" in finding.says and str(folder) in finding.hint
        assert [each.hint.partition(";")[0] for each in more] == (["install nowhere >=2 there"] if more else [])
        assert bool(more) == (name == "tools")


def test_a_step_that_finds_no_program_says_that_profiles_are_not_read(make_world: MakeWorld) -> None:
    world = make_world("releases", service='{kind: command, reload: no-such-program, status: "true"}')
    failure, *_ = world.deploy("v1", "box:a").outcome.failures
    assert "127" in failure.reason and "login profiles are not read" in failure.hint
