"""An app that Capistrano, Deployer or a person deployed before: what `current` was comes back, and can be gone back to."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lockstitch import plans
from lockstitch.errors import CheckError
from lockstitch.report.plan import plan_text
from lockstitch.report.status import SiteStates, status_text
from tests.engine.conftest import MakeWorld
from tests.engine.world import World

CAPISTRANO = "20251230101112"


def adopted(world: World, folder: str, link: str, *, revision: bool = True) -> Path:
    """A release of v1 that another tool made on host a, which serves; `link` is what its `current` says."""
    at = world.path("a", "api")
    release = at / folder
    release.mkdir(parents=True)
    for name in ("VERSION", "built"):
        (release / name).write_text("v1\n")
    if revision:
        (release / "REVISION").write_text(world.rev("v1") + "\n")
    (at / "shared/storage").mkdir(parents=True)
    (at / "shared/storage/upload").write_text("precious")
    (release / "storage").symlink_to(at / "shared/storage")
    (at / "current").symlink_to(link.format(at=at))
    (world.remote.home("a") / "served.api").write_text("v1\n")
    return at


LINKS = [
    (f"releases/{CAPISTRANO}", "{at}/releases/" + CAPISTRANO, True),
    (f"releases/{CAPISTRANO}", "{at}/releases/" + CAPISTRANO + "/", False),
    ("releases/12", "./releases//12", True),
    ("releases/12", "releases/12", False),
    ("versions/releases/1", "{at}/versions/releases/1", True),
    ("odd\nname é", "odd\nname é", False),
]


@pytest.mark.parametrize(("folder", "link", "revision"), LINKS)
def test_a_first_deploy_that_fails_goes_back_to_it(
    make_world: MakeWorld, folder: str, link: str, revision: bool
) -> None:
    world = make_world("releases")
    at = adopted(world, folder, link, revision=revision)
    before = os.readlink(at / "current")
    world.commit("broken")
    plan = world.plan_deploy("broken", "box:a")
    assert any("Lockstitch did not make" in note and ("not known" in note) is not revision for note in plan.notes)
    ended = world.run(plan)
    assert ended.code == 5, ended.outcome
    assert os.readlink(at / "current") == before
    assert world.served("a", "api") == "v1", "it was not stopped"
    assert (at / folder / "VERSION").read_text() == "v1\n"
    assert world.leftovers() == []


def test_a_link_that_leads_nowhere_comes_back_as_well(make_world: MakeWorld) -> None:
    world = make_world("releases")
    at = world.path("a", "api")
    at.mkdir(parents=True)
    (at / "current").symlink_to("releases/gone")
    world.commit("broken")
    plan = world.plan_deploy("broken", "box:a")
    assert any("leads nowhere" in note for note in plan.notes)
    assert world.run(plan).code == 5
    assert os.readlink(at / "current") == "releases/gone"
    assert world.deploy("v1", "box:a").code == 0


@pytest.mark.parametrize("known", ["REVISION", "Deployer's REVISION", "revisions.log", ".git"])
def test_a_rollback_goes_back_to_it_where_its_revision_is_known(make_world: MakeWorld, known: str) -> None:
    world = make_world("releases")
    folder, link, _ = LINKS[3 if "Deployer" in known else 1]
    at = adopted(world, folder, link, revision="REVISION" in known)
    if known == "revisions.log":
        lines = [f"Branch main (at {world.rev('v1')}) deployed as release {CAPISTRANO} by ada"]
        lines.append(f"Branch main (at {world.rev('v3')}) deployed as release {CAPISTRANO}1 by ada")
        (at / "revisions.log").write_text("\n".join([*lines, "ada rolled back to release 1", ""]))
    elif known == ".git":
        world.git("clone", "-q", "--bare", str(world.repository), str(at / folder / ".git"))
        world.git("update-ref", "--no-deref", "HEAD", world.rev("v1"), at=at / folder / ".git")
    assert world.deploy("v2", "box:a").code == 0
    assert os.readlink(at / "current").startswith("releases/2026")
    assert world.rollback("", "box:a").code == 0
    assert os.readlink(at / "current") == folder
    assert (world.served("a", "api"), (at / "current/storage/upload").read_text()) == ("v1", "precious")
    assert world.deploy("v2", "box:a").code == 0
    assert world.served("a", "api") == "v2"


def test_a_rollback_says_why_it_does_not_go_back_to_one_of_unknown_revision(make_world: MakeWorld) -> None:
    world = make_world("releases")
    adopted(world, "releases/12", "releases/12", revision=False)
    assert "nothing is deployed" not in shown(world)
    assert world.deploy("v2", "box:a").code == 0
    with pytest.raises(CheckError, match="no earlier good release in its journal; 12 in releases came from another"):
        world.plan_rollback("", "box:a")
    assert world.rollback("v1", "box:a").code == 0, "its commit is made anew from the clone"
    assert world.served("a", "api") == "v1"


def test_releases_of_another_tool_are_never_pruned(make_world: MakeWorld) -> None:
    world = make_world("releases")
    at = adopted(world, f"releases/{CAPISTRANO}", "releases/" + CAPISTRANO)
    (at / "releases/20250101000000").mkdir()
    for version in ("v2", "v3", "v4", "v2", "v3", "v4"):
        assert world.deploy(version, "box:a").code == 0
    assert {CAPISTRANO, "20250101000000"} < set(world.releases("a", "api"))
    assert len(world.releases("a", "api")) == 2 + 3


def test_a_release_of_a_cut_off_first_deploy_is_not_taken_for_a_good_one(make_world: MakeWorld) -> None:
    world = make_world("releases")
    plan = world.plan_deploy("v1", "box:a")
    assert world.run(plan).code == 0
    world.state("a", "api").joinpath("journal.jsonl").unlink()
    assert not any("did not make" in note for note in world.plan_deploy("v2", "box:a").notes)
    assert world.deploy("v2", "box:a").code == 0
    assert list(world.verdicts("a", "api").values()) == ["good"]


def test_status_and_plan_tell_of_a_current_that_leads_elsewhere(make_world: MakeWorld) -> None:
    world = make_world("releases")
    at = adopted(world, "versions/1.0", "{at}/versions/1.0")
    assert f"current is a link to {at}/versions/1.0, outside releases" in shown(world)
    assert f"current is a link to {at}/versions/1.0" in plan_text(world.plan_deploy("v2", "box:a"))
    assert world.deploy("v2", "box:a").code == 0
    assert "outside releases" not in shown(world)


def shown(world: World) -> str:
    fleet = world.fleet("box:a")
    found = world.surveyed(plans.usual_asks(fleet))
    return status_text(found, SiteStates(plans.serving(fleet, found)), datetime.now(UTC))


def test_a_rollback_goes_back_to_it_although_the_repository_has_forgotten_its_commit(make_world: MakeWorld) -> None:
    world = make_world("releases")
    at = adopted(world, *LINKS[3][:2])
    (at / "releases/12/REVISION").write_text("f" * 40 + "\n")
    plan = world.plan_deploy("v2", "box:a")
    assert any("what lies between ffffffff and" in note and "is not known" in note for note in plan.notes)
    assert world.run(plan).code == 0
    assert world.rollback("", "box:a").code == 0
    assert os.readlink(at / "current") == "releases/12"
