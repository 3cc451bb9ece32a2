"""Both directions of what lies between: commits that come in, commits that go, and what only one host has."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lockstitch import plans
from lockstitch.errors import CheckError
from lockstitch.report.plan import plan_json, plan_text
from lockstitch.report.status import SiteStates, status_json, status_text
from tests.engine.conftest import MakeWorld
from tests.engine.world import World, git


def hotfix(world: World, host: str = "a") -> str:
    """A commit that was made in the checkout of a host."""
    at = world.path(host, "api")
    (at / "VERSION").write_text("hotfix\n")
    (at / "built").write_text("hotfix\n")
    (world.remote.home(host) / "served.api").write_text("hotfix\n")
    git(at, "commit", "-qam", "a hotfix made here")
    return git(at, "rev-parse", "HEAD")


def gc(world: World, host: str = "a") -> None:
    """Remove what git removes by itself after some weeks."""
    git(world.clone(host, "api"), "reflog", "expire", "--expire=now", "--all")
    git(world.clone(host, "api"), "gc", "-q", "--prune=now")


def test_a_commit_made_on_a_host_is_refused_told_kept_and_found_again(make_world: MakeWorld) -> None:
    world = make_world("in_place").given("v1")
    made = hotfix(world)
    with pytest.raises(CheckError) as refused:
        world.plan_deploy("v2", "box:backend")
    lines = refused.value.message.split("\n")
    assert lines[0].startswith(
        f"a: api: the checkout stands on {made[:8]}, which is in no branch or tag of the reposit"
    )
    assert lines[1].strip() == f"{made[:8]} Ada: a hotfix made here"
    assert (refused.value.exit_code, "--discard-changes" in refused.value.hint) == (7, True)
    plan = world.plan_deploy("v2", "box:backend", discard=True)
    text = plan_text(plan)
    assert "! api on a: 1 commit goes: " in text
    assert "a hotfix made here" in text
    assert "api on b: 1 commit coming in" in text
    assert "on b: 1 commit goes" not in text
    assert any(f"rollback --to {made[:12]}" in note for note in plan.notes)
    assert [len(change["going"]) for change in plan_json(plan)["changes"]] == [1, 0]
    assert world.run(plan).code == 0
    gc(world)
    assert world.rollback(made, "box:a").code == 0
    assert world.served("a", "api") == "hotfix"


def test_a_commit_made_on_a_branch_of_the_checkout_is_no_more_published(make_world: MakeWorld) -> None:
    world = make_world("in_place").given("v1")
    git(world.path("a", "api"), "checkout", "-q", "-b", "main")
    hotfix(world)
    with pytest.raises(CheckError, match="in no branch or tag of the repository"):
        world.plan_deploy("v2", "box:a")
    with pytest.raises(CheckError, match="in no branch or tag of the repository"):
        world.plan_rollback("", "box:a")
    fleet = world.fleet("box:backend")
    found = world.surveyed(plans.usual_asks(fleet))
    assert "! api@a: 1 commit of what is deployed in no branch or tag" in status_text(
        found, SiteStates(plans.serving(fleet, found)), datetime.now(UTC)
    )
    sites = status_json(found, SiteStates(plans.serving(fleet, found)))["sites"]
    assert [site["unpublished"] for site in sites] == [1, 0]


def test_a_hotfix_branch_that_is_live_and_not_in_the_target_is_told(world: World) -> None:
    world.given("v1")
    world.git("checkout", "-q", "-b", "hotfix", "v1")
    fix = world.commit("fixed")
    world.git("tag", "-d", "fixed")
    world.git("checkout", "-q", "main")
    assert world.deploy("hotfix", "box:a").code == 0
    world.git("fetch", "-q", str(world.repository), at=world.clone("a", "api"))
    plan = world.plan_deploy("v2", "box:a")
    text = plan_text(plan)
    assert "api: 1 commit coming in" in text
    assert "! api: 1 commit goes: " in text
    assert "release fixed" in text
    assert not any("in no branch or tag" in note for note in plan.notes), "it is in one"
    assert world.run(plan).code == 0
    world.git("branch", "-D", "hotfix")
    assert world.deploy("v3", "box:a").code == 0
    gc(world)
    assert git(world.clone("a", "api"), "cat-file", "-t", fix) == "commit"
    assert world.rollback(fix, "box:a").code == 0
    assert world.served("a", "api") == "fixed"


def test_rewritten_history_is_told_and_what_ran_is_kept(world: World) -> None:
    world.given("v1")
    world.git("checkout", "-q", "-B", "main", "v3")
    old = world.commit("old")
    assert world.deploy("main", "box:a").code == 0
    world.git("tag", "-d", "old")
    world.git("reset", "-q", "--hard", "HEAD^")
    world.commit("new")
    if world.layout == "in_place":
        with pytest.raises(CheckError, match="in no branch or tag of the repository; 1 commit would go"):
            world.plan_deploy("main", "box:a")
    plan = world.plan_deploy("main", "box:a", discard=True)
    assert "! api: 1 commit goes: " in plan_text(plan)
    assert any("the history of main was rewritten" in note for note in plan.notes)
    assert world.run(plan).code == 0
    gc(world)
    assert git(world.clone("a", "api"), "cat-file", "-t", old) == "commit"
    assert world.rollback(old, "box:a").code == 0
    assert world.served("a", "api") == "old"


def test_each_host_of_a_mixed_fleet_counts_its_own(world: World) -> None:
    world.given("v1")
    assert world.deploy("v3", "box:a").code == 0
    text = plan_text(world.plan_deploy("v2"))
    assert "! api on a: 1 commit goes: " in text
    assert "api on b: 1 commit coming in" in text
    assert "web: 1 commit coming in" in text
    plan = world.plan_deploy("v4")
    assert {str(c.site): len(c.coming) for c in plan.changes if c.site.app == "api"} == {"api@a": 1, "api@b": 3}
    assert world.run(plan).code == 0
    assert world.truth() == world.on("v4")


def test_every_host_gets_the_commit_that_the_first_one_was_told(world: World) -> None:
    """The branch moves while the fleet is asked."""
    world.given("v1")
    fleet = world.fleet()
    found = world.surveyed(plans.deploy_asks(fleet, "main"))
    meant = world.rev("main")
    world.commit("later")
    assert world.deploy("v2", "box:b").code == 0
    asks = plans.each_asks(fleet, world.surveyed(plans.deploy_asks(fleet, meant)), "main")
    told = world.surveyed(asks)
    assert {facts.target.revision for facts in told.facts.values() if facts.target} == {meant}
    assert len(found.facts) == 4
    world.git("reset", "-q", "--hard", "v1")
    world.git("tag", "-d", "later")
    world.git("tag", "-d", "v4")
    assert not asks or {f.target.problem[:12] for f in world.surveyed(asks).facts.values() if f.target} <= {
        "what main me",
        "",
    }


def test_a_rollback_says_what_goes_without_being_asked_for_a_tag(world: World) -> None:
    world.given("v1", "v2", "v3")
    text = plan_text(world.plan_rollback("", "box:a"))
    assert "api: 1 commit taken back" in text
    assert "release v3" in text


def test_the_head_of_a_pull_request_is_a_ref_of_the_repository(make_world: MakeWorld) -> None:
    """Its branch is gone once it was merged as one commit, and the server has it all the same."""
    world = make_world("in_place").given("v1")
    world.git("checkout", "-q", "--detach", "v1")
    head = world.commit("feature")
    world.git("tag", "-d", "feature")
    world.git("update-ref", "refs/pull/7/head", head)
    world.git("checkout", "-q", "main")
    assert world.deploy("refs/pull/7/head", "box:a").code == 0
    world.repository.rename(world.root / "away")
    assert world.plan_rollback("", "box:a").changes[0].after == git(world.clone("a", "api"), "rev-parse", "v1^{commit}")
    (world.root / "away").rename(world.repository)
    plan = world.plan_deploy("v4", "box:a")
    assert [commit.revision for commit in plan.changes[0].going] == [head]
    world.git("update-ref", "-d", "refs/pull/7/head")
    with pytest.raises(CheckError, match="in no branch or tag of the repository") as refused:
        world.plan_deploy("v4", "box:a")
    assert refused.value.hint.startswith("push them to a branch, or give --discard-changes")


def test_a_commit_is_found_whichever_host_is_the_first(any_world: World) -> None:
    """By the beginning of its id, from the server's refs and from the clone of any host; both hosts get the same."""
    world = any_world
    for subject, ref in (("pull", "refs/pull/7/head"), ("gone", "refs/heads/gone")):
        world.git("checkout", "-q", "--detach", "main")
        world.git("commit", "-q", "--allow-empty", "-m", subject)
        world.git("update-ref", ref, "HEAD")
    pull, gone = world.rev("refs/pull/7/head"), world.rev("gone")
    world.git("checkout", "-q", "main")

    def meant(ref: str) -> set[str | None]:
        return {change.after for change in world.plan_deploy(ref, "box:backend").changes}

    assert meant(pull[:9]) == {pull}, "the server tells it"
    assert world.deploy(gone, "box:b").code == 0
    world.git("branch", "-q", "-D", "gone")
    for short in (gone[:9], gone):
        assert meant(short) == {gone}, "b has it, and a is asked first"
    assert world.deploy(gone[:9], "box:backend").code == 0
    assert {world.revision("a", "api"), world.revision("b", "api")} == {gone}


def test_a_server_with_a_part_of_the_history_has_git_end(world: World) -> None:
    shallow, head = world.root / "shallow.git", world.rev("v2")
    world.git("clone", "-q", "--bare", "--depth", "1", "-b", "v2", f"file://{world.repository}", str(shallow))
    world.git("config", "uploadpack.allowFilter", "true", at=shallow)
    world.url = f"file://{shallow}"
    assert {change.after for change in world.plan_deploy(head[:9], "box:a").changes} == {head}


@pytest.mark.parametrize("wrong", ["0123456789" * 4, "0123456"])
def test_an_id_that_no_commit_has_is_refused_with_and_without_a_clone(world: World, wrong: str) -> None:
    for cloned in (False, True):
        if cloned:
            assert world.deploy("v1", "box:a").code == 0
        with pytest.raises(CheckError, match=f"a: api: the repository has no branch, tag or commit {wrong}"):
            world.plan_deploy(wrong, "box:backend")
