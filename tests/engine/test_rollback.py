"""Going back: by tag, by revision, by nothing; from whatever state; with nothing but what is on the hosts."""

from __future__ import annotations

import pytest

from lockstitch.errors import CheckError
from lockstitch.report.plan import plan_text
from tests.engine.conftest import MakeWorld
from tests.engine.world import SITES, World


def test_back_to_a_tag_and_to_a_revision(world: World) -> None:
    world.given("v1", "v2", "v3")
    assert world.rollback("refs/tags/v1").code == 0
    assert world.truth() == world.on("v1")
    assert world.deploy("v3").code == 0
    assert world.rollback(world.rev("v2")).code == 0
    assert world.truth() == world.on("v2")
    assert world.rollback(world.rev("v1")[:9]).code == 0
    assert world.truth() == world.on("v1")
    assert world.leftovers() == []


def test_back_again_and_again_goes_to_the_one_before_and_then_no_further(world: World) -> None:
    world.given("v1", "v2", "v3")
    for version in ("v2", "v1"):
        assert world.rollback().code == 0
        assert world.truth() == world.on(version)
    with pytest.raises(CheckError, match="no earlier good release"):
        world.plan_rollback()
    assert world.truth() == world.on("v1")


def test_a_release_gone_back_from_is_not_gone_back_to(world: World) -> None:
    """v3 was left for v2; after v4, back is v2 again, and not v3."""
    world.given("v1", "v2", "v3")
    assert world.rollback().code == 0
    assert world.deploy("v4").code == 0
    assert world.rollback().code == 0
    assert world.truth() == world.on("v2")
    assert world.deploy("v4").code == 0
    assert world.rollback("v3").code == 0, "but it is when asked for by name"
    assert world.truth() == world.on("v3")


@pytest.mark.parametrize("name", ["refs/tags/v3", "commit"])
def test_a_newer_revision_is_not_gone_back_to_but_deployed(any_world: World, name: str) -> None:
    """Also where it served well before, and where it is newer on some of the hosts only."""
    world = any_world.given("v1", "v2", "v3")
    assert world.rollback("v2").code == 0
    assert world.rollback("v1", "box:a").code == 0
    before, migrations = world.truth(), world.migrations()
    with pytest.raises(CheckError) as refused:
        world.plan_rollback(world.rev("v3") if name == "commit" else name)
    said = refused.value.message.split("\n")
    assert len([line for line in said if "is newer than what serves" in line]) == len(SITES)
    assert any("release v3" in line for line in said) and "taken back" not in refused.value.message
    assert refused.value.exit_code == 7
    assert refused.value.hint == f"fab -H box deploy --ref {world.rev('v3') if name == 'commit' else 'v3'}"
    with pytest.raises(CheckError, match="a: api: revision 'v2' is newer") as refused:
        world.plan_rollback("v2")
    assert "b: api" not in refused.value.message
    assert (world.truth(), world.migrations()) == (before, migrations)
    assert world.deploy("v3").code == 0
    assert world.migrations() != migrations
    assert world.truth() == world.on("v3")


def test_from_a_checkout_made_by_hand_one_goes_back_to_what_was_proven_also_where_that_is_newer(
    make_world: MakeWorld,
) -> None:
    world = make_world("in_place").given("v1", "v2")
    world.git("checkout", "-q", "--detach", world.rev("v1"), at=world.path("a", "api"))
    assert world.rollback("v2").code == 0
    assert world.truth() == world.on("v2")


def test_after_a_rewritten_history_one_goes_back_to_what_served_and_to_nothing_else(any_world: World) -> None:
    world = any_world.given("v1", "v2")
    world.git("checkout", "-q", "--detach", "v1")
    world.commit("other")
    assert world.deploy("other").code == 0
    with pytest.raises(CheckError, match="has commits that are not in"):
        world.plan_rollback("v3")
    assert world.rollback("v2").code == 0, "it is what served before"
    with pytest.raises(CheckError, match="has commits that are not in"):
        world.plan_rollback("other")
    assert world.truth() == world.on("v2")


def test_a_release_that_failed_is_not_gone_back_to(world: World) -> None:
    world.given("v1", "v2")
    world.commit("broken")
    assert world.deploy("broken").code == 5
    assert world.rollback().code == 0
    assert world.truth() == world.on("v1")


def test_the_same_revision_deployed_twice_is_one_place_to_go_back_to(any_world: World) -> None:
    any_world.given("v1", "v2")
    assert any_world.deploy("v2", force=True).code == 0
    assert any_world.rollback().code == 0
    assert any_world.truth() == any_world.on("v1")


def test_going_back_needs_no_git_server_and_runs_no_migration(world: World) -> None:
    world.given("v1", "v2")
    migrations = world.migrations()
    world.repository.rename(world.root / "moved")
    plan = world.plan_rollback("refs/tags/v1")
    assert any("migrations are not taken back" in note for note in plan.notes)
    assert not any("runs once" in note for note in plan.notes)
    assert "taken back" in plan_text(plan)
    assert [commit.subject for commit in plan.commits["web"]] == ["release v2"]
    assert world.run(plan).code == 0
    assert {site: world.served(*site) for site in SITES} == dict.fromkeys(SITES, "v1")
    assert world.migrations() == migrations


def test_a_release_that_was_pruned_is_made_again_from_the_clone(world: World) -> None:
    world.given("v1", "v2", "v3", "v4")
    assert world.deploy("v3").code == 0
    assert world.deploy("v4").code == 0
    world.repository.rename(world.root / "moved")
    assert world.rollback("refs/tags/v1").code == 0
    assert {world.served(*site) for site in SITES} == {"v1"}


def test_hosts_on_different_revisions_all_come_to_the_one_that_is_named(any_world: World) -> None:
    any_world.given("v1", "v2")
    assert any_world.deploy("v3", "box:a").code == 0
    assert any_world.rollback("v1", "box:c").code == 0
    plan = any_world.plan_rollback("v1")
    assert any("different revisions" in note for note in plan.notes)
    assert {str(change.site) for change in plan.changes} == {"api@a", "api@b", "web@b"}
    assert any_world.run(plan).code == 0
    assert any_world.truth() == any_world.on("v1")


def test_a_tag_that_some_hosts_lack_is_refused_with_what_they_have(any_world: World) -> None:
    any_world.given("v1", "v2")
    for site in (("b", "api"), ("c", "web")):
        for name in ("refs/tags/v1", "refs/lockstitch/tags/v1"):
            any_world.git("update-ref", "-d", name, at=any_world.clone(*site))
    journals = {site: any_world.journal(*site) for site in SITES}
    with pytest.raises(CheckError) as refused:
        any_world.plan_rollback("refs/tags/v1")
    lines = refused.value.message.split("\n")
    assert [line.split(" has no")[0] for line in lines if "has no" in line] == ["b: api", "c: web"]
    assert all("v2" in line and "v3" in line for line in lines[:2])
    assert refused.value.exit_code == 7
    assert "nothing was changed" in refused.value.message
    assert any_world.truth() == any_world.on("v2")
    assert {site: any_world.journal(*site) for site in SITES} == journals


def test_nothing_to_do_where_it_is_already(world: World) -> None:
    world.given("v1", "v2")
    assert world.plan_rollback("v2").empty
    assert world.rollback("v2", force=True).code == 0
    assert world.truth() == world.on("v2")
    assert world.rollback().code == 0
    assert world.truth() == world.on("v1")


def test_a_checkout_made_by_hand_is_gone_back_from_to_the_last_good_release(make_world: MakeWorld) -> None:
    world = make_world("in_place").given("v1", "v2")
    world.git("checkout", "-q", "--detach", world.rev("v1"), at=world.path("a", "api"))
    world.git("fetch", "-q", "origin", at=world.path("a", "api"))
    world.git("checkout", "-q", "--detach", world.rev("v4"), at=world.path("a", "api"))
    assert world.rollback("", "box:a").code == 0
    assert world.revision("a", "api") == world.rev("v2")
