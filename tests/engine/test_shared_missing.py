"""Shared files that are nowhere: a deploy is refused before anything changes, and says where they belong."""

from __future__ import annotations

import pytest

from lockstitch.checks.apps import judge_place
from lockstitch.errors import CheckError
from lockstitch.facts.settings import shared_hint
from tests.engine.conftest import MakeWorld
from tests.engine.world import World

SETTINGS = 'settings: {DEBUG: {is: "False"}}\n    env_file: {path: .env}'
REFUSED = r"a: api: \.env is shared, and neither in the folder of shared files nor in the repository"


def test_a_first_deploy_without_a_shared_file_is_refused_until_it_is_there(make_world: MakeWorld) -> None:
    world = make_world("releases", more="shared: [.env, storage/]")
    with pytest.raises(CheckError, match=REFUSED) as refused:
        world.plan_deploy("v1")
    assert "b: api: .env" in refused.value.message and "storage" not in refused.value.message
    assert refused.value.hint == "bring it there once: fab -H box put .env .env --shared api"
    assert not world.path("a", "api").exists()
    for host in ("a", "b"):
        (world.path(host, "api") / "shared").mkdir(parents=True)
        (world.path(host, "api") / "shared/.env").write_text("KEY=1\n")
    assert world.deploy("v1").code == 0


def test_one_host_that_lacks_it_is_named_alone_on_a_later_deploy(make_world: MakeWorld) -> None:
    world = make_world("releases").given("v1")
    world.settings["more"] = "shared: [conf/api.env]"
    (world.path("a", "api") / "shared/conf").mkdir()
    (world.path("a", "api") / "shared/conf/api.env").write_text("KEY=1\n")
    with pytest.raises(CheckError) as refused:
        world.plan_deploy("v2")
    assert refused.value.message.startswith("b: api: conf/api.env is shared")
    assert "\na: " not in refused.value.message


@pytest.mark.parametrize("layout", ["here", "linked", "module"])
def test_what_the_repository_may_bring_is_no_reason(make_world: MakeWorld, layout: str) -> None:
    world = make_world("releases", more="shared: [etc/api.env]")
    folder = world.repository / "etc"
    if layout == "linked":
        folder.symlink_to("/etc")
    else:
        folder.mkdir()
        (folder / "api.env").write_text("KEY=1\n")
    if layout == "module":
        world.git("init", "-q", at=folder)
        world.git("add", "-A", at=folder)
        world.git("commit", "-qm", "files", at=folder)
    world.git("add", "-A")
    world.git("commit", "-qm", "files")
    assert world.plan_deploy("main").waves


def test_check_and_doctor_warn_before_the_first_deploy_and_fail_after(make_world: MakeWorld) -> None:
    world = make_world("releases", more="shared: [.env]")
    assert found(world) == ["warn"]
    world = world_with_env(world)
    assert found(world) == ["pass"]
    (world.path("a", "api") / "shared/.env").unlink()
    assert found(world) == ["fail"]


def world_with_env(world: World) -> World:
    (world.repository / ".env").write_text("KEY=1\n")
    world.commit("v1-env")
    assert world.deploy("v1-env").code == 0
    return world


def found(world: World) -> list[str]:
    from lockstitch import plans

    fleet = world.fleet("box:a")
    (facts,) = world.surveyed(plans.usual_asks(fleet)).facts.values()
    findings = list(judge_place(fleet.inventory.app("api", "a"), facts.host))
    assert all("fab -H ENV put .env .env --shared api" in each.hint for each in findings if each.level != "pass")
    return [each.level for each in findings]


def test_an_environment_file_is_written_by_its_own_command(make_world: MakeWorld) -> None:
    world = make_world("releases", more=f"shared: [.env, key.pem]\n    {SETTINGS}")
    with pytest.raises(CheckError) as refused:
        world.plan_deploy("v1")
    assert refused.value.hint == "write it: fab -H box env.push"
    (app,) = {app.name: app for _, app in world.fleet("box").sites() if app.name == "api"}.values()
    assert shared_hint(app, "key.pem", "box") == "bring it there once: fab -H box put key.pem key.pem --shared api"
