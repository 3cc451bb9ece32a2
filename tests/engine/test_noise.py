"""The environment that a login leaves changes nothing that is done on a host."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lockstitch import plans
from lockstitch.model.layout import LayoutKind
from tests.engine.conftest import MakeWorld
from tests.engine.noise import Foreign
from tests.engine.world import SITES, World


@pytest.fixture(params=["sh", "bash as sh"])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The host's /bin/sh; bash takes functions and options from the environment, under that name too."""
    if request.param == "sh":
        return "/bin/sh"
    bash = shutil.which("bash")
    assert bash, "bash is everywhere"
    (tmp_path / "sh").symlink_to(bash)
    return str(tmp_path / "sh")


@pytest.mark.parametrize("layout", ["in_place", "releases"])
def test_what_a_profile_exports_changes_neither_a_deploy_nor_a_rollback(
    make_world: MakeWorld, layout: LayoutKind, shell: str, tmp_path: Path
) -> None:
    """Paths are relative, so CDPATH would lead elsewhere; GIT_DIR names a clone that is nobody's business here."""
    world = make_world(layout)
    foreign = Foreign(tmp_path / "foreign").make("srv/api", "srv/web", "releases", "srv/api/current")
    before = foreign.content()
    world.remote.shell = (shell,)
    world.remote.env = {**world.remote.env, **foreign.variables("srv/api")}
    for version in ("v1", "v2"):
        ended = world.deploy(version)
        assert ended.code == 0, ended.outcome
        assert world.truth() == world.on(version)
    ended = world.rollback()
    assert ended.code == 0, ended.outcome
    assert world.truth() == world.on("v1")
    assert world.migrations() == {host: ["migrated to v1", "migrated to v2"] for host in world.migrations()}
    assert all(event["event"] for site in SITES for event in world.journal(*site))
    assert world.leftovers() == []
    assert foreign.content() == before, "somebody else's clone was touched"


def test_a_loader_that_complains_at_every_program_is_no_obstacle(any_world: World) -> None:
    """As LD_PRELOAD does, or /etc/ld.so.preload, that names a library which was removed."""
    world = any_world.given("v1", "v2")
    world.remote.env = {**world.remote.env, "LD_PRELOAD": "/nowhere/lib.so"}
    (facts, *_) = world.surveyed(plans.usual_asks(world.fleet("box:a"))).facts.values()
    assert list(facts.place.folders) == world.releases("a", "api")
    assert world.deploy("v3", "box:a").code == 0
    assert world.rollback("", "box:a").code == 0
    assert (world.served("a", "api"), world.leftovers()) == ("v2", [])
